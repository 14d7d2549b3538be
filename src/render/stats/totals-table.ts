import type { Totals } from "../../stats/totals.ts";
import { column, part, type Table } from "./table.ts";

/** Figures that are zero are left out, but for the heads of groups. */
export function totalsTable(totals: Totals): Table {
  return {
    name: "totals",
    title: "Totals",
    columns: [
      column("figure", "Figure", "path"),
      column("count", "Count", "count"),
      column("share", "Share", "share"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: totalRows(totals)
      .filter(({ path, count }) => !path.includes(".") || count > 0)
      .map(({ path, count, share, bytes }) => [path, count, share, bytes]),
    note: "Messages are those received in this time, and recipients are theirs; the other figures are of what was logged in it.",
    empty: "Nothing.",
  };
}

interface TotalRow {
  readonly path: string;
  readonly count: number;
  readonly share: number | null;
  readonly bytes: number | null;
}

function totalRows({ messages, recipients, attempts, discarded, rejections }: Totals): TotalRow[] {
  const row = (path: string, count: number, whole: number | null, bytes: number | null = null): TotalRow => ({
    path,
    count,
    share: whole === null ? null : part(count, whole),
    bytes,
  });
  const statuses = (group: string, counts: Readonly<Record<string, number>>, whole: number): TotalRow[] =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([, one], [, other]) => other - one)
      .map(([status, count]) => row(`${group}.${status}`, count, whole));
  return [
    row("messages", messages.received, null, messages.bytes),
    ...statuses("messages", messages.byStatus, messages.received),
    row("recipients", recipients.total, null, recipients.deliveredBytes),
    ...statuses("recipients", recipients.byStatus, recipients.total),
    row("attempts", attempts.total, null),
    row("attempts.delivered", attempts.delivered, attempts.total),
    row("attempts.deferred", attempts.deferred, attempts.total),
    row("attempts.bounced", attempts.bounced, attempts.total),
    row("attempts.givenUp", attempts.givenUp, null),
    row("attempts.timeouts", attempts.timeouts, attempts.total),
    row("discarded", discarded, null),
    row("rejections", rejections.total, null),
    row("rejections.permanent", rejections.permanent, rejections.total),
    row("rejections.temporary", rejections.temporary, rejections.total),
  ];
}
