/** Why a recipient was not even tried: the try whose failure set the time before which Exim does not try again. */
import type { Deferral } from "../parse/events.ts";
import type { Destination, LinkReader } from "../store/read/link-reader.ts";
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
  let hosts: ReadonlyMap<string, ReadonlySet<string>> | undefined;
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
        if (byDomain === undefined) hosts ??= hostsByRecipient(entries);
        const tried = byDomain === undefined ? [...(hosts?.get(original) ?? [])] : [];
        const byHost = tried.length === 0 ? undefined : await findOther(links, server, { hosts: tried }, row.timestamp);
        others.set(domain, byDomain ?? byHost);
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

/** The hosts at which each recipient was delivered or tried. */
function hostsByRecipient(entries: readonly ReadEntry[]): ReadonlyMap<string, ReadonlySet<string>> {
  const hosts = new Map<string, Set<string>>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind !== "delivery" && event?.kind !== "deferral" && event?.kind !== "failure") continue;
    if (event.host?.name === undefined) continue;
    const own = hosts.get(event.address.original);
    if (own === undefined) hosts.set(event.address.original, new Set([event.host.name]));
    else own.add(event.host.name);
  }
  return hosts;
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
