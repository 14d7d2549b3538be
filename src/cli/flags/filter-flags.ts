/** The flags by which `search` and `trace` narrow what they find, once for all commands that have them. */
import { PilotError } from "../../errors.ts";
import { KIND_NAMES } from "../../message/kinds.ts";
import { MESSAGE_STATUSES, type MessageStatus } from "../../message/statuses.ts";
import type { EntryKind } from "../../parse/events.ts";
import type { Reader } from "../../store/reader.ts";
import type { LogType } from "../../store/schema/codes.ts";
import type { Filter, HitKind, Range } from "../../store/search/filter.ts";
import { SECOND_MS } from "../../units.ts";
import { parseDuration } from "../../when.ts";
import { accountOf } from "../account.ts";
import type { Io } from "../io.ts";
import { toTimeRange } from "./time-range.ts";
import { serverClock } from "./time-zone.ts";

/** Filters as typed; every flag but the times may be repeated. */
export interface FilterFlags {
  readonly sender?: readonly string[];
  readonly recipient?: readonly string[];
  readonly address?: readonly string[];
  readonly domain?: readonly string[];
  readonly host?: readonly string[];
  readonly ip?: readonly string[];
  readonly helo?: readonly string[];
  readonly auth?: readonly string[];
  readonly ident?: readonly string[];
  readonly subject?: readonly string[];
  readonly messageId?: readonly string[];
  readonly tag?: readonly string[];
  readonly note?: readonly string[];
  readonly notedBy?: readonly string[];
  readonly status?: readonly string[];
  readonly event?: readonly string[];
  readonly code?: readonly string[];
  readonly reason?: readonly string[];
  readonly transport?: readonly string[];
  readonly router?: readonly string[];
  readonly tls?: readonly string[];
  readonly signature?: readonly string[];
  readonly spamScore?: readonly string[];
  readonly size?: readonly string[];
  readonly queueTime?: readonly string[];
  readonly kind?: readonly string[];
  readonly logType?: readonly string[];
  readonly server?: readonly string[];
  readonly since?: string;
  readonly until?: string;
}

export interface FilterFlag {
  readonly flags: string;
  readonly description: string;
  readonly isRepeatable: boolean;
}

const repeatable = (flags: string, description: string): FilterFlag => ({ flags, description, isRepeatable: true });
const single = (flags: string, description: string): FilterFlag => ({ flags, description, isRepeatable: false });

/** Upper and lower case are the same in all of them, but in a Message-ID. */
export const FILTER_FLAGS: readonly FilterFlag[] = [
  repeatable("--sender <address>", 'envelope sender; "<>" is that of bounces'),
  repeatable("--recipient <address>", "envelope recipient, or its final address"),
  repeatable("--address <address>", "sender or recipient"),
  repeatable("--domain <domain>", "domain of sender or recipient"),
  repeatable("--host <name>", "client, or host that was delivered to"),
  repeatable("--ip <ip>", "address of either, or a network such as 203.0.113.0/24"),
  repeatable("--helo <name>", "name in the client's HELO"),
  repeatable("--auth <login>", "account that logged in"),
  repeatable("--ident <name>", "local user, or ident of the client"),
  repeatable("--subject <text>", "part of the subject"),
  repeatable("--message-id <id>", "header Message-ID"),
  repeatable("--tag <name>", "tag given by `exim-pilot tag`"),
  repeatable("--note <text>", "part of a note written by `exim-pilot note`"),
  repeatable("--noted-by <name>", "author of a note"),
  repeatable("--status <status>", "status of the message; `help statuses` has all"),
  repeatable("--event <kind>", "kind of a line, such as frozen; `help parse` has all"),
  repeatable("--code <code>", "reply of another host: 550, 4.7.1, 5xx, 5*"),
  repeatable("--reason <text>", "part of an error, or of the reason of a refusal"),
  repeatable("--transport <name>", "transport of a recipient"),
  repeatable("--router <name>", "router of a recipient"),
  repeatable("--tls <text>", "part of TLS version and cipher"),
  repeatable("--signature <result>", "of DKIM, SPF, DMARC or ARC in the log: dkim=fail, dmarc=pass, spf"),
  repeatable("--spam-score <range>", "score of a scanner in the log: 5.. or 2.5..10"),
  repeatable("--size <range>", "bytes: 1M.. or ..10k or 1M..5M"),
  repeatable("--queue-time <range>", "time on the queue: 1h.. or 10m..2h"),
  repeatable("--kind <kind>", "message, rejection (without an id) or event (any other line without an id)"),
  repeatable("--log-type <type>", "seen in the main, reject or panic log; panic: panics in others, too"),
  repeatable("-s, --server <name>", "of this server"),
  single("--since <time>", "arrived then or later: 2026-03-02, 2026-03-02 05:40, yesterday, 2h, 7d"),
  single("--until <time>", "arrived before then; a day is included"),
];

/** Flags that choose the mail that is counted; time and server have flags of their own there. */
export const SUBJECT_FLAGS = FILTER_FLAGS.filter(
  ({ flags }) => !/^--(?:event|kind|log-type|since|until) |--server /.test(flags),
);

/** The same with time and server. */
export const ABUSE_FLAGS = FILTER_FLAGS.filter(({ flags }) => !/^--(?:event|kind|log-type) /.test(flags));

/** The flags among them that are given, by their long names, with their values. */
export function subjectsAsTyped(flags: FilterFlags): Record<string, readonly string[]> {
  const given = SUBJECT_FLAGS.flatMap(({ flags: form }) => {
    const name = /--([a-z-]+)/.exec(form)?.[1] ?? "";
    const values = flags[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof FilterFlags];
    return Array.isArray(values) ? [[name, values as readonly string[]] as const] : [];
  });
  return Object.fromEntries(given);
}

/** Names that are typed, and those of the filter, where they are the same. */
const PLAIN = [
  "sender",
  "recipient",
  "address",
  "domain",
  "host",
  "ip",
  "helo",
  "auth",
  "ident",
  "subject",
  "messageId",
  "tag",
  "note",
  "notedBy",
  "reason",
  "transport",
  "router",
  "tls",
  "server",
] as const satisfies readonly (keyof FilterFlags & keyof Filter)[];

/** The filter of the flags, with times on the clock of the servers that are asked about. Errors: `usage`. */
export async function readFilter(flags: FilterFlags, reader: Pick<Reader, "search">, io: Io): Promise<Filter> {
  for (const name of flags.server ?? []) await assertServer(name, reader);
  const clock = await serverClock(reader, flags.server, io);
  const filter = toFilter(flags, {
    now: io.now,
    // NOTE: few questions state a time.
    get timeZone() {
      return clock();
    },
  });
  const isOfNotes = filter.note !== undefined || filter.notedBy !== undefined;
  return isOfNotes ? { ...filter, noteReader: accountOf(io).osUser } : filter;
}

/** A name that no server has is a slip: "nothing matches" would be taken for an answer. Errors: `not_found`. */
export async function assertServer(name: string, { search }: Pick<Reader, "search">): Promise<void> {
  if ((await search.timeZones([name])).size > 0) return;
  throw unknownServer(name, [...(await search.timeZones()).keys()]);
}

export function unknownServer(name: string, known: readonly string[]): PilotError {
  return new PilotError("not_found", `The database knows no server "${name}".`, {
    hint: known.length === 0 ? "Nothing is stored yet." : `It knows ${known.join(", ")}.`,
    servers: known,
  });
}

/** The filter of the flags, with times on one clock. Errors: `usage`. */
export function toFilter(flags: FilterFlags, io: Pick<Io, "now" | "timeZone">): Filter {
  const plain = PLAIN.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const]));
  const { status, event, code, kind, logType, size, queueTime, signature, spamScore } = flags;
  const { since, until } = toTimeRange(flags, io);
  return {
    ...Object.fromEntries(plain),
    ...(status && { status: status.map((name) => oneOf(name, "status", MESSAGE_STATUSES) as MessageStatus) }),
    ...(event && { event: event.map((name) => oneOf(name, "event", KIND_NAMES) as EntryKind) }),
    ...(code && { code: code.map(toCode) }),
    ...(kind && { kind: kind.map((name) => oneOf(name, "kind", ["message", "rejection", "event"]) as HitKind) }),
    ...(logType && { logType: logType.map((name) => oneOf(name, "log type", ["main", "reject", "panic"]) as LogType) }),
    ...(signature && { signature: signature.map(toSignature) }),
    ...(spamScore && {
      spamScore: spamScore.map((text) => toRange(text, "scores", parseScore, "Give scores: 5.., ..2 or 2.5..10.")),
    }),
    ...(size && { size: size.map((text) => toRange(text, "size", parseBytes, "Give bytes: 1M.., ..10k or 1M..5M.")) }),
    ...(queueTime && {
      queueSeconds: queueTime.map((text) =>
        toRange(text, "time on the queue", parseSeconds, "Give a duration: 1h.., ..30s or 10m..2h."),
      ),
    }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

function oneOf(name: string, what: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw new PilotError("usage", `There is no ${what} "${name}".`, { hint: `Give one of ${names.join(", ")}.` });
}

/** `5xx` is `5??`. */
function toCode(text: string): string {
  if (/^[\dx.*?]+$/i.test(text)) return text.replace(/x/gi, "?");
  throw new PilotError("usage", `"${text}" is no code.`, { hint: "Give 550, 4.7.1, 5xx or 5*." });
}

const MECHANISMS = ["dkim", "arc", "spf", "dmarc"];
const RESULTS = ["pass", "fail", "invalid", "none", "error"];

/** `dkim=fail`; a mechanism alone means any result. */
function toSignature(text: string): string {
  const [mechanism = "", result, ...rest] = text.toLowerCase().split("=");
  const isRight = MECHANISMS.includes(mechanism) && (result === undefined || RESULTS.includes(result));
  if (!isRight || rest.length > 0)
    throw new PilotError("usage", `"${text}" is no result of a signature.`, {
      hint: `Give ${MECHANISMS.join(", ")}, alone or with =${RESULTS.join(", =")}.`,
    });
  return result === undefined ? `${mechanism}=` : `${mechanism}=${result}"`;
}

function parseScore(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function toRange(text: string, what: string, parse: (text: string) => number | undefined, hint: string): Range {
  const ends = text.includes("..") ? text.split("..") : [text, text];
  const [least, most] = ends.map((end) => (end === "" ? undefined : parse(end)));
  const isRight =
    ends.length === 2 &&
    ends.some((end) => end !== "") &&
    ends.every((end) => end === "" || parse(end) !== undefined) &&
    (least === undefined || most === undefined || least <= most);
  if (!isRight) throw new PilotError("usage", `"${text}" is no range of ${what}.`, { hint });
  return { least, most };
}

const BYTE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function parseBytes(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  return count === undefined ? undefined : Math.round(Number(count) * (BYTE_UNITS[unit.toLowerCase()] ?? 1));
}

function parseSeconds(text: string): number | undefined {
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * SECOND_MS : parseDuration(text);
  return ms === undefined ? undefined : ms / SECOND_MS;
}
