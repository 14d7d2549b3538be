/** Why: bounces, deferrals and rejections. */
import type { FailureReasons, RejectionReasons } from "../../stats/reasons.ts";
import type { Sections } from "../../stats/sections.ts";
import { column, countAndShare, part, type Table } from "./table.ts";

export function failureTable(
  name: "bounces" | "deferrals",
  title: string,
  counted: "Attempts" | "Recipients",
  { failures, reasons }: FailureReasons,
  empty: string,
): Table {
  return {
    name,
    title,
    columns: [
      column("category", "Reason", "word"),
      ...countAndShare("failures", counted),
      column("sample", "For instance", "sample"),
    ],
    rows: reasons.map((reason) => [reason.category, reason.failures, part(reason.failures, failures), reason.reply]),
    ...(reasons.length > 0 && {
      note: reasons.map(({ category, advice }) => `${category}: ${advice.join(" ")}`).join("\n"),
    }),
    empty,
  };
}

export function rejectionTable({ rejections, reasons }: RejectionReasons): Table {
  return {
    name: "rejections",
    title: "Rejections by phase and reason",
    columns: [
      column("phase", "Phase", "word"),
      column("category", "Reason", "word"),
      column("kind", "Kind", "word"),
      ...countAndShare("rejections", "Rejections"),
      column("clients", "Clients", "count"),
      column("sample", "For instance", "sample"),
    ],
    rows: reasons.map((reason) => [
      reason.phase,
      reason.category,
      reason.isPermanent ? "permanent" : "temporary",
      reason.rejections,
      part(reason.rejections, rejections),
      reason.clients,
      reason.sample.text,
    ]),
    empty: "Nothing was rejected.",
  };
}

export function blocklistTable(lists: Sections["blocklists"]): Table {
  const all = lists.reduce((total, { rejections }) => total + rejections, 0);
  return {
    name: "blocklists",
    title: "Rejections by block list",
    columns: [column("list", "List", "text"), ...countAndShare("rejections", "Rejections")],
    rows: lists.map(({ list, rejections }) => [list ?? "not named", rejections, part(rejections, all)]),
    empty: "No client was refused for a block list.",
  };
}
