import { PilotError } from "../../errors.ts";
import type { Reader } from "../../store/reader.ts";
import { isTimeZone } from "../../when.ts";
import type { Io } from "../io.ts";

/** The clock of servers, where they have the same one that this machine knows; else this machine's. */
export function commonTimeZone(zones: Iterable<string>, io: Pick<Io, "timeZone">): string {
  const [zone, ...others] = new Set(zones);
  return zone !== undefined && others.length === 0 && isTimeZone(zone) ? zone : io.timeZone;
}

/** The same of servers by name or pattern, or of all. */
export async function serverTimeZone(
  reader: Pick<Reader, "search">,
  servers: readonly string[] | undefined,
  io: Pick<Io, "timeZone">,
): Promise<string> {
  return (await serverClock(reader, servers, io))();
}

/** The same for one that may not need it, since this machine's zone takes long to find. */
export async function serverClock(
  { search }: Pick<Reader, "search">,
  servers: readonly string[] | undefined,
  io: Pick<Io, "timeZone">,
): Promise<() => string> {
  const zones = await search.timeZones(servers);
  return () => commonTimeZone(zones.values(), io);
}

/** Errors: `usage` when the name is no time zone. */
export function assertTimeZone(name: string | undefined): void {
  if (name === undefined || isTimeZone(name)) return;
  throw new PilotError("usage", `"${name}" is not a time zone this machine knows.`, {
    hint: "Give an IANA name such as Europe/Berlin or UTC.",
  });
}
