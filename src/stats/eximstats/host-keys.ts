/** Names that hosts and addresses of a line are counted under. */

/** Keys by which senders and destinations are grouped. */
export const HOST_KEYS = ["host", "domain", "email", "edomain"] as const;
export type HostKey = (typeof HOST_KEYS)[number];

/** Keys of a line that begins with an address and names a host, or none (`local`). */
export function keysOf(host: string, text: string): Readonly<Record<HostKey, string>> {
  const email = firstWord(text);
  return { host, domain: domainOf(host), email, edomain: emailDomainOf(email) };
}

/** A host name without its first label, if it has three or more; an IP address as it is. */
function domainOf(host: string): string {
  if (/^\[?\d+\.\d+\.\d+\.\d+/.test(host)) return host;
  const [, parenthesis = "", rest] = /^(\(?)[^.]+\.([^.]+\..*)/.exec(host) ?? [];
  if (rest === undefined) return "localdomain";
  return (parenthesis === "" ? rest : `${parenthesis}.${rest}`).toLowerCase();
}

function emailDomainOf(email: string): string {
  if (email === "<>" || email.startsWith("blackhole")) return email;
  const at = email.indexOf("@");
  return at === -1 ? "" : email.slice(at + 1).toLowerCase();
}

/** `alice` of `alice <alice@example.org> R=…`; of a pipe or a file with the address it belongs to. */
export function localDestination(text: string): string {
  const end = text.indexOf(" <");
  const name = end === -1 ? firstWord(text) : text.slice(0, end);
  if (!name.startsWith("|") && !name.startsWith("/")) return name;
  return `${name}${/ <[^<>]*>/.exec(text)?.[0] ?? ""}`;
}

export function firstWord(text: string): string {
  return /^\S+/.exec(text)?.[0] ?? "";
}
