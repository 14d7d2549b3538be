/** Classifies trouble in client sessions that no rejection reports: probes, scans, broken programs. */
import type { LogEvent } from "../parse/events.ts";

export const SESSION_TROUBLES = {
  auth: "AUTH where it is not offered: somebody tries passwords.",
  dropped: "An ACL ended the connection.",
  incomplete: "A transaction was begun and not finished.",
  lost: "The client went without QUIT.",
  no_mail: "The session had no MAIL command.",
  protocol: "A command came when it may not.",
  syntax: "A command that makes no sense, such as one of HTTP.",
  timeout: "The client fell silent.",
  tls: "No encrypted connection could be made.",
} as const satisfies Record<string, string>;

export type SessionTrouble = keyof typeof SESSION_TROUBLES;

/** The trouble that a line about a session tells of; undefined for an ordinary one. */
export function sessionTrouble(event: LogEvent): SessionTrouble | undefined {
  if (event.kind === "tls") return event.problem === "error" ? "tls" : undefined;
  if (event.kind !== "session") return undefined;
  switch (event.action) {
    case "syntax_error":
    case "protocol_error":
      if (/^AUTH\b/i.test(event.command ?? "")) return "auth";
      return event.action === "syntax_error" ? "syntax" : "protocol";
    case "no_mail":
      return event.commands?.includes("AUTH") === true ? "auth" : "no_mail";
    case "lost":
    case "timeout":
    case "incomplete":
      return event.action;
    case "closed":
      return event.reason?.startsWith("DROP in ACL") === true ? "dropped" : undefined;
    default:
      return undefined;
  }
}
