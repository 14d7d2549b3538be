/** The null sender as it is stored and shown. */
export const NULL_SENDER = "<>";

/**
 * The identity of an address: local part as it is, domain in lower case (RFC 5321 §2.3.11, §2.4).
 * `Bob@Example.ORG` is `Bob@example.org`; `"a@B"@C.example` is `"a@B"@c.example`.
 */
export function normaliseAddress(address: string): string {
  if (address === "") return NULL_SENDER;
  const at = address.lastIndexOf("@");
  if (at === -1) return address;
  const domain = address.slice(at);
  const lower = domain.toLowerCase();
  return lower === domain ? address : address.slice(0, at) + lower;
}
