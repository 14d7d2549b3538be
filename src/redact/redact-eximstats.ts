/** The report of eximstats for strangers. */
import type { Eximstats } from "../stats/eximstats/eximstats.ts";
import type { HostKey } from "../stats/eximstats/host-keys.ts";
import type { League } from "../stats/eximstats/leagues.ts";
import type { Relay } from "../stats/eximstats/tally.ts";
import type { Redactor } from "./redactor.ts";

type Hide = (text: string) => string;

/** Tables are shown in the order that they had. */
export function redactEximstats(report: Eximstats, names: Redactor): Eximstats {
  const address: Hide = (text) => names.redact({ address: text }).address;
  const text: Hide = (text) => names.redact({ text }).text;
  const host: Hide = (text) => hideHost(text, (host) => names.redact({ host }).host);
  const hiders: Readonly<Record<HostKey, Hide>> = {
    host,
    domain: host,
    email: address,
    edomain: (domain) => names.redact({ domain }).domain,
  };
  const byKey = (tables: Eximstats["senders"]): Eximstats["senders"] => ({
    host: leagues(tables.host, hiders.host),
    domain: leagues(tables.domain, hiders.domain),
    email: leagues(tables.email, hiders.email),
    edomain: leagues(tables.edomain, hiders.edomain),
  });
  return {
    ...report,
    senders: byKey(report.senders),
    destinations: byKey(report.destinations),
    // The report takes any T= for one, also one that a stranger wrote into an address.
    transports: report.transports.map((counted) => ({ ...counted, transport: text(counted.transport) })),
    localSenders: leagues(report.localSenders, address),
    localDestinations: leagues(report.localDestinations, address),
    relays: report.relays.map(({ from, to, count }) => ({
      from: hideEnd(from, host, address),
      to: hideEnd(to, host, address),
      count,
    })),
    rejectReasons: leagues(report.rejectReasons, text),
    temporaryRejectReasons: leagues(report.temporaryRejectReasons, text),
    rejectedIps: leagues(report.rejectedIps, text),
    temporarilyRejectedIps: leagues(report.temporarilyRejectedIps, text),
    errors: report.errors.map((error) => ({ ...error, text: text(FLAG + error.text).slice(FLAG.length) })),
  };
}

/** Flag that precedes the text of an error in the log. */
const FLAG = "** ";

function leagues(all: readonly League[], hide: Hide): League[] {
  return all.map((league) => ({ ...league, key: hide(league.key) }));
}

/** Names that eximstats gives itself. */
const OWN_NAMES: readonly string[] = ["", "local", "localdomain"];

/** `mx.a.example`, `[203.0.113.4]`, `(laptop)`, `(my` of `(my pc)`, `(.a.example)`. */
function hideHost(host: string, hide: Hide): string {
  if (OWN_NAMES.includes(host)) return host;
  const [, start = "", name = host, end = ""] = /^(\(?\.?)(.*?)(\)?)$/.exec(host) ?? [];
  return start + hide(name) + end;
}

/** `mx.a.example[203.0.113.4] bob@a.example`: one end of a {@link Relay}. */
function hideEnd(end: Relay["from"], host: Hide, address: Hide): string {
  const [, name = "", ip = "", mail = ""] = /^(.*?)(\[[^\]]*\]|local) (.*)$/s.exec(end) ?? [];
  return mail === "" ? address(end) : `${host(name)}${host(ip)} ${address(mail)}`;
}
