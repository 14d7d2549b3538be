/** The fields of a line that no column of the views holds: for the view `log_metadata`. */

import type { Authentication, Details, LogEvent, SessionClient } from "../../parse/events.ts";
import { SECOND_MS } from "../../units.ts";

/** `key, value, key, value …` under the names of Exim's log, in the order of the line but for those that have a property. */
export function metadataOf(event: LogEvent): Details {
  const details = fieldsOf(event);
  const portText = "host" in event ? event.host?.portText : undefined;
  return portText === undefined ? details : [...details, "port", portText];
}

function fieldsOf(event: LogEvent): Details {
  switch (event.kind) {
    case "rejection":
      return [...pair("U", event.ident), ...pair("X", event.tls), ...pair("command", event.command), ...event.details];
    case "verification":
    case "warning":
      return [...clientFields(event), ...event.details];
    case "session":
      return [
        ...clientFields(event),
        ...pair("D", event.durationMs === undefined ? undefined : `${event.durationMs / SECOND_MS}s`),
        ...pair("C", event.commands?.join(",")),
        ...event.details,
      ];
    default:
      return "details" in event ? (event.details ?? NONE) : NONE;
  }
}

const NONE: Details = [];

function clientFields({ ident, tls, auth }: SessionClient): Details {
  return [...pair("U", ident), ...pair("X", tls), ...pair("A", formatAuthentication(auth))];
}

function pair(key: string, value: string | undefined): Details {
  return value === undefined ? NONE : [key, value];
}

/** `authenticator:id`, as `A=` has it. */
export function formatAuthentication(auth: Authentication | undefined): string | undefined {
  if (auth === undefined) return undefined;
  return auth.id === undefined ? auth.authenticator : `${auth.authenticator}:${auth.id}`;
}
