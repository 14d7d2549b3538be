import type { Transactor } from "../../store/write/transactor.ts";
import type { HeaderDumpFacts } from "./encoded-batch.ts";

/** Adds what is below the line of an entry. `places` are those of its lines: where the entry is, or where another log shows it too. */
export function addHeaderDump(
  transactor: Transactor,
  entryId: number,
  places: readonly [number, ...number[]],
  { sender, recipients, hasMoreRecipients, headers, isTruncated }: HeaderDumpFacts,
): void {
  const [location, ...others] = places;
  // Each address has a line of its own, so that the places suffice; pieces of syslog may have come in any order.
  const free = others.sort((one, other) => one - other).values();
  const addAddress = (isRecipient: 0 | 1, address: string | undefined): void =>
    transactor.addEnvelopeAddress({
      id: free.next().value ?? location,
      entry_id: entryId,
      is_recipient: isRecipient,
      address_id: transactor.optionalAddress(address),
    });
  if (sender !== undefined) addAddress(0, sender);
  for (const recipient of recipients) addAddress(1, recipient);
  if (hasMoreRecipients) addAddress(1, undefined);
  if (headers === undefined) return;
  transactor.addHeaders({ id: location, entry_id: entryId, headers, is_cut: isTruncated ? 1 : 0 });
}
