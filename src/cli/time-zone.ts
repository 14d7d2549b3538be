import { PilotError } from "../errors.ts";
import { isTimeZone } from "../when.ts";

/** Errors: `usage` when the name is no time zone. */
export function assertTimeZone(name: string | undefined): void {
  if (name === undefined || isTimeZone(name)) return;
  throw new PilotError("usage", `"${name}" is not a time zone this machine knows.`, {
    hint: "Give an IANA name such as Europe/Berlin or UTC.",
  });
}
