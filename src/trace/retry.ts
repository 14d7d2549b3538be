/** Why a recipient was not even tried: the try whose failure set the time before which Exim does not try again. */
import type { Deferral } from "../parse/events.ts";
import type { Destination, LinkReader } from "../store/link-reader.ts";
import { DAY_MS, epochMs, toIso } from "../units.ts";
import type { RetryCause } from "./result.ts";
import type { ReadEntry } from "./timeline.ts";

/** Exim forgets what it knows of a host after seven days, unless told otherwise. Source: Exim specification, retry_data_expire. */
const REMEMBERED_MS = 7 * DAY_MS;

/**
 * By entry id, the try behind each `retry time not reached`: of this message, else of any other to the same domain, else to a host
 * that another line names for the recipient.
 */
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
      if (!others.has(domain)) {
        const byDomain = await findOther(links, server, { domain }, row.timestamp);
        const hosts = byDomain === undefined ? hostsOf(entries, original) : [];
        others.set(domain, hosts.length === 0 ? byDomain : await findOther(links, server, { hosts }, row.timestamp));
      }
      cause = others.get(domain);
    }
    if (cause !== undefined) causes.set(row.id, cause);
  }
  return causes;
}

function toCause({ address, host, error }: Deferral, messageId: string, timestamp: string): RetryCause {
  return { messageId, timestamp, recipient: address.original, host: host?.name ?? host?.ip ?? null, error };
}

/** Where the recipient was delivered to, or tried, at other times. */
function hostsOf(entries: readonly ReadEntry[], recipient: string): string[] {
  const hosts = entries.flatMap(({ parsed }) => {
    const event = parsed?.event;
    if (event?.kind !== "delivery" && event?.kind !== "deferral" && event?.kind !== "failure") return [];
    return event.address.original === recipient && event.host?.name !== undefined ? [event.host.name] : [];
  });
  return [...new Set(hosts)];
}

async function findOther(
  links: LinkReader,
  server: string,
  to: Destination,
  timestamp: string,
): Promise<RetryCause | undefined> {
  const ms = Date.parse(timestamp);
  const found = await links.lastDeferral(server, to, ms - REMEMBERED_MS, ms);
  if (found === undefined) return undefined;
  const { messageId, recipient, host, error } = found;
  return { messageId, timestamp: toIso(epochMs(found.ms)), recipient, host, error };
}
