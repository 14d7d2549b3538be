import { PilotError } from "../../errors.ts";
import { isTimeZone } from "../../when.ts";
import type { Io } from "../io.ts";

/** The clock of servers, where they have the same one that this machine knows; else this machine's. */
export function commonTimeZone(zones: Iterable<string>, io: Pick<Io, "timeZone">): string {
  const [zone, ...others] = new Set(zones);
  return zone !== undefined && others.length === 0 && isTimeZone(zone) ? zone : io.timeZone;
}

/** Errors: `usage` when the name is no time zone. */
export function assertTimeZone(name: string | undefined): void {
  if (name === undefined || isTimeZone(name)) return;
  throw new PilotError("usage", `"${name}" is not a time zone this machine knows.`, {
    hint: "Give an IANA name such as Europe/Berlin or UTC.",
  });
}
