/** Accounts at risk and incidents as tables. */
import type { Sections } from "../../stats/sections.ts";
import { describeRisk, NONE_AT_RISK, riskVerdict } from "../abuse/risk-text.ts";
import { column, proseColumn, type Table } from "./table.ts";

export function incidentTable(incidents: Sections["incidents"]): Table {
  return {
    name: "incidents",
    title: "Incidents",
    columns: [
      column("id", "#", "count"),
      column("start", "Since", "time"),
      column("end", "Until", "time"),
      column("severity", "Severity", "word"),
      column("status", "Status", "word"),
      column("server", "Server", "text"),
      proseColumn("title", "What", "sample"),
    ],
    rows: incidents.map(({ id, start, end, severity, status, server, title }) => [
      id,
      start,
      end,
      severity,
      status.replace("_", " "),
      server,
      title,
    ]),
    empty: "No incident is known of this time. `exim-pilot incidents detect` looks for some.",
  };
}

export function accountTable(accounts: Sections["accounts"]): Table {
  const servers = new Set(accounts.map(({ server }) => server));
  return {
    name: "accounts",
    title: "Accounts at risk",
    columns: [
      column("account", "Account", "text"),
      column("verdict", "Verdict", "word"),
      column("failures", "Failures", "count"),
      column("messages", "Messages", "count"),
      column("recipients", "Recipients", "count"),
      column("refused", "Refused", "count"),
      column("first", "Since", "time"),
      proseColumn("why", "Details", "sample"),
    ],
    rows: accounts.map((risk) => [
      servers.size > 1 ? `${risk.account} (${risk.server})` : risk.account,
      riskVerdict(risk),
      risk.failures,
      risk.messages,
      risk.recipients,
      risk.refused,
      risk.first,
      `${describeRisk(risk)}.`,
    ]),
    empty: NONE_AT_RISK,
  };
}
