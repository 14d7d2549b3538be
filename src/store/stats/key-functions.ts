/** SQL functions that make a key of an address or a text; for the connection that counts. */
import type Database from "better-sqlite3";
import ipaddr from "ipaddr.js";
import { getDomain } from "tldts-icann";

const IPV4_NETWORK_BITS = 24;
const IPV6_NETWORK_BITS = 64;

export function addKeyFunctions(database: Database.Database): void {
  const add = (name: string, keyOf: (text: string) => string | null): void => {
    database.function(name, { deterministic: true }, (text: unknown) =>
      typeof text === "string" ? keyOf(text) : null,
    );
  };
  add("domain_of", domainOf);
  add("network_of", networkOf);
  add("provider_of", providerOf);
  add("tls_version_of", (tls) => tls.split(":", 1)[0] ?? tls);
  add("tls_cipher_of", tlsCipherOf);
  add("outgoing_ip_of", outgoingIpOf);
  add("score_range_of", scoreRangeOf);
}

/** `example.org` of `bob@example.org`; an address without one is its own key: a local user, the null sender. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** `192.0.2.0/24`, `2001:db8::/64`; a text that is no address as it is. */
export function networkOf(text: string): string {
  if (!ipaddr.isValid(text)) return text;
  const address = ipaddr.process(text);
  const [Form, bits] =
    address.kind() === "ipv4"
      ? ([ipaddr.IPv4, IPV4_NETWORK_BITS] as const)
      : ([ipaddr.IPv6, IPV6_NETWORK_BITS] as const);
  return `${Form.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
}

/** `google.com` of `gmail-smtp-in.l.google.com`: the part that someone registered, by the public suffix list. */
export function providerOf(host: string): string {
  return getDomain(host) ?? host.toLowerCase();
}

/** `198.51.100.25` of details with `"I","[198.51.100.25]:37119"`. */
function outgoingIpOf(details: string): string | null {
  return /"I","\[([^\]"]+)\]/.exec(details)?.[1] ?? null;
}

/** `TLS_AES_256_GCM_SHA384:256` of `TLS1.3:TLS_AES_256_GCM_SHA384:256`. */
function tlsCipherOf(tls: string): string {
  const colon = tls.indexOf(":");
  return colon === -1 ? tls : tls.slice(colon + 1);
}

const SCORE_STEP = 5;
/** More is spam to all. */
const HIGH_SCORE = 20;

/** `5..10` of `7.3`: from 5 on, and less than 10; `..0` of what is less, `20..` of more. */
export function scoreRangeOf(text: string): string | null {
  const score = Number(text);
  if (text === "" || Number.isNaN(score)) return null;
  if (score < 0) return "..0";
  if (score >= HIGH_SCORE) return `${HIGH_SCORE}..`;
  const least = Math.floor(score / SCORE_STEP) * SCORE_STEP;
  return `${least}..${least + SCORE_STEP}`;
}
