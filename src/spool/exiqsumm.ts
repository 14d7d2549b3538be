/** Sums waiting recipients by domain, as exiqsumm does. Pure. */
import { compareText, detach } from "../text.ts";
import type { EpochMs } from "../units.ts";
import { formatAge, formatShownSize } from "./mailq-text.ts";
import type { QueuedMessage } from "./queued-message.ts";

export const SUMMARY_SPLITS = ["bounces", "frozen", "senders"] as const;
export type SummarySplit = (typeof SUMMARY_SPLITS)[number];
export const SUMMARY_ORDERS = ["domain", "count", "age"] as const;
export type SummaryOrder = (typeof SUMMARY_ORDERS)[number];

export interface DomainRow {
  /** `example.org`, with what it is split by: `example.com > example.org (b) (f)`. */
  readonly domain: string;
  /** Recipients that wait. */
  readonly count: number;
  /** Bytes: of a message once for each of them. */
  readonly volume: number;
  /** Age as shown: `25h`. */
  readonly oldest: string;
  readonly newest: string;
}

export interface QueueSummary {
  readonly rows: readonly DomainRow[];
  readonly total: Omit<DomainRow, "domain">;
}

interface Tally {
  count: number;
  volume: number;
  oldest: string;
  newest: string;
}

/** Adds up messages one by one. Ages and sizes count as `exim -bp` shows them, as they do for exiqsumm. */
export class DomainTallies {
  readonly #tallies = new Map<string, Tally>();
  readonly #now: EpochMs;
  readonly #splits: readonly SummarySplit[];

  constructor(now: EpochMs, splits: readonly SummarySplit[]) {
    this.#now = now;
    this.#splits = splits;
  }

  add(message: QueuedMessage): void {
    if (message.sender === null || message.arrivedAt === null) return;
    const age = formatAge(message.arrivedAt, this.#now).trim();
    const volume = shownBytes(message.sizeBytes);
    for (const { address, isDelivered } of message.recipients) {
      const domain = isDelivered ? undefined : firstDomain(address);
      if (domain !== undefined) count(this.#tallies, labelOf(domain, message, this.#splits), age, volume);
    }
  }

  summary(order: SummaryOrder): QueueSummary {
    const rows = [...this.#tallies].map(([domain, tally]) => ({ domain, ...tally })).sort(ORDERS[order]);
    return { rows, total: addUp(rows) };
  }
}

const ORDERS: Readonly<Record<SummaryOrder, (left: DomainRow, right: DomainRow) => number>> = {
  domain: (left, right) => compareText(left.domain, right.domain),
  count: (left, right) => right.count - left.count || compareText(left.domain, right.domain),
  age: (left, right) => compareAges(right.oldest, left.oldest) || compareText(left.domain, right.domain),
};

function count(tallies: Map<string, Tally>, label: string, age: string, volume: number): void {
  const tally = tallies.get(label);
  if (tally === undefined) {
    tallies.set(detach(label), { count: 1, volume, oldest: age, newest: age });
    return;
  }
  tally.count++;
  tally.volume += volume;
  if (compareAges(age, tally.oldest) > 0) tally.oldest = age;
  if (compareAges(tally.newest, age) > 0) tally.newest = age;
}

function labelOf(domain: string, { sender, isFrozen }: QueuedMessage, splits: readonly SummarySplit[]): string {
  const source = sender === "" || sender === null ? "<>" : sender.replace(/^[^@]*@/, "");
  const label = splits.includes("senders") ? `${source} > ${domain}`.toLowerCase() : domain.toLowerCase();
  const bounce = splits.includes("bounces") && sender === "" ? " (b)" : "";
  return `${label}${bounce}${splits.includes("frozen") && isFrozen ? " (f)" : ""}`;
}

/** The first one of a source route; undefined: the address has none. */
function firstDomain(address: string): string | undefined {
  return /^[^@]*@([\w.-]+|\[(?:\d+\.){3}\d+\])/.exec(address)?.[1];
}

function addUp(rows: readonly DomainRow[]): QueueSummary["total"] {
  let total = { count: 0, volume: 0, oldest: "0m", newest: "0000d" };
  for (const [index, row] of rows.entries()) {
    total = {
      count: total.count + row.count,
      volume: total.volume + row.volume,
      oldest: compareAges(row.oldest, total.oldest) > 0 ? row.oldest : total.oldest,
      newest: index === 0 || compareAges(total.newest, row.newest) > 0 ? row.newest : total.newest,
    };
  }
  return total;
}

const UNITS = "mhdw";

/** Orders ages by unit, then by number: `90m` is less than `2h`. */
function compareAges(left: string, right: string): number {
  const unit = UNITS.indexOf(left.slice(-1)) - UNITS.indexOf(right.slice(-1));
  return unit === 0 ? Number.parseInt(left, 10) - Number.parseInt(right, 10) : unit;
}

/** Bytes that a shown size stands for: `1.9K` is 1945.6. */
function shownBytes(sizeBytes: number | null): number {
  const shown = formatShownSize(sizeBytes);
  const factor = shown.endsWith("K") ? 1024 : shown.endsWith("M") ? 1024 * 1024 : 1;
  return (Number.parseFloat(shown) || 0) * factor;
}

/** exiqsumm's table. */
export function summaryLines({ rows, total }: QueueSummary): readonly string[] {
  const line = (row: Omit<DomainRow, "domain">, name: string): string =>
    [
      String(row.count).padStart(5),
      roundVolume(row.volume).slice(0, 6),
      row.oldest.padStart(6),
      row.newest.padStart(6),
      name.slice(0, 80),
    ].join("  ");
  return [
    "",
    "Count  Volume  Oldest  Newest  Domain",
    "-----  ------  ------  ------  ------",
    "",
    ...rows.map((row) => line(row, row.domain)),
    "-".repeat(63),
    line(total, "TOTAL"),
    "",
  ];
}

const [KIB, MIB] = [1024, 1024 * 1024];

function roundVolume(bytes: number): string {
  if (bytes < 10_000) return String(Math.trunc(bytes)).padStart(6);
  if (bytes < 10_000_000) return `${String(Math.trunc((bytes + KIB / 2) / KIB)).padStart(4)}KB`;
  return `${String(Math.trunc((bytes + MIB / 2) / MIB)).padStart(4)}MB`;
}
