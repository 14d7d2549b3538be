/** Why a recipient was not even tried: the try whose failure set the time before which Exim does not try again. */
import type { Deferral } from "../parse/events.ts";
import type { LinkReader } from "../store/link-reader.ts";
import { DAY_MS, epochMs, toIso } from "../units.ts";
import type { RetryCause } from "./result.ts";
import type { ReadEntry } from "./timeline.ts";

/** Exim forgets what it knows of a host after seven days, unless told otherwise. Source: Exim specification, retry_data_expire. */
const REMEMBERED_MS = 7 * DAY_MS;

/** By entry id, the try behind each `retry time not reached`: of this message, else of any other to the same domain. */
export async function findRetryCauses(
  entries: readonly ReadEntry[],
  links: LinkReader,
  { id, server }: { readonly id: string; readonly server: string },
): Promise<ReadonlyMap<number, RetryCause>> {
  const causes = new Map<number, RetryCause>();
  const own = new Map<string, RetryCause>();
  const others = new Map<string, RetryCause | undefined>();
  for (const { row, parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind !== "deferral" || row.timestamp === null) continue;
    const { original } = event.address;
    if (!event.isRetrySkip) {
      own.set(original, toCause(event, id, row.timestamp));
      continue;
    }
    let cause = own.get(original);
    if (cause === undefined) {
      const domain = original.slice(original.lastIndexOf("@") + 1);
      if (!others.has(domain)) others.set(domain, await findOther(links, server, domain, row.timestamp));
      cause = others.get(domain);
    }
    if (cause !== undefined) causes.set(row.id, cause);
  }
  return causes;
}

function toCause({ address, host, error }: Deferral, messageId: string, timestamp: string): RetryCause {
  return { messageId, timestamp, recipient: address.original, host: host?.name ?? host?.ip ?? null, error };
}

async function findOther(
  links: LinkReader,
  server: string,
  domain: string,
  timestamp: string,
): Promise<RetryCause | undefined> {
  const ms = Date.parse(timestamp);
  const found = await links.lastDeferral(server, domain, ms - REMEMBERED_MS, ms);
  if (found === undefined) return undefined;
  const { messageId, recipient, host, error } = found;
  return { messageId, timestamp: toIso(epochMs(found.ms)), recipient, host, error };
}
