import type { LogEvent } from "../../src/parse/events.ts";

/** The strings of an event that are slices of its text; decoded and joined ones (subject, Message-ID, confirmation, error, reason) are not. */
export function valuesAsWritten(event: LogEvent): string[] {
  const values: unknown[] = [];
  for (const key of [
    "sender",
    "ident",
    "protocol",
    "tls",
    "parentId",
    "router",
    "transport",
    "recipient",
    "by",
    "queue",
    "command",
    "directory",
    "domain",
    "from",
    "name",
    "options",
    "place",
    "selector",
    "to",
    "user",
    "version",
    "line",
  ] as const) {
    values.push((event as Partial<Record<typeof key, unknown>>)[key]);
  }
  if ("host" in event && event.host !== undefined) values.push(event.host.name, event.host.helo, event.host.ip);
  if ("auth" in event && event.auth !== undefined) values.push(event.auth.authenticator, event.auth.id);
  if ("address" in event && typeof event.address === "object") {
    values.push(event.address.final, event.address.original, ...event.address.parents);
  }
  if ("details" in event) values.push(...event.details.map((value) => (value === "H*" ? "*" : value)));
  if (event.kind === "arrival") values.push(...(event.recipients ?? []));
  return values.filter((value) => typeof value === "string");
}
