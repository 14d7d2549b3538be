/** Accounts at risk as a table. */
import type { Sections } from "../../stats/sections.ts";
import { describeRisk, riskVerdict } from "../abuse/risk-text.ts";
import { column, type Table } from "./table.ts";

export function accountTable(accounts: Sections["accounts"]): Table {
  return {
    name: "accounts",
    title: "Accounts at risk",
    columns: [
      column("account", "Account", "text"),
      column("server", "Server", "text"),
      column("verdict", "Verdict", "word"),
      column("failures", "Failures", "count"),
      column("messages", "Messages", "count"),
      column("recipients", "Recipients", "count", true),
      column("refused", "Refused", "count"),
      column("first", "First", "time"),
      column("last", "Last", "time"),
      column("why", "In words", "sample"),
    ],
    rows: accounts.map((risk) => [
      risk.account,
      risk.server,
      riskVerdict(risk),
      risk.failures,
      risk.messages,
      risk.recipients,
      risk.refused,
      risk.first,
      risk.last,
      `${describeRisk(risk)}.`,
    ]),
    empty: "No account is at risk, as far as the logs tell.",
  };
}
