/** Axes of rankings: the column of the key in each base table, and how the key is derived from the text there. */

/** A column that holds the id of an address or of a string; or a number that is the key itself. */
export interface KeyColumn {
  readonly column: string;
  /**
   * `scripts`: it is the id of a message, and the text in temp.message_scripts is that of where it was handed over. `findings`: the
   * same with each text that temp.message_findings has of the message.
   */
  readonly texts: "addresses" | "strings" | "scripts" | "findings" | "none";
}

export interface Axis {
  /** One line for help. */
  readonly about: string;
  /** Rows that are counted first: messages that arrived, or lines about their delivery. */
  readonly side: "client" | "delivery";
  readonly message?: KeyColumn;
  readonly event?: KeyColumn;
  readonly rejection?: KeyColumn;
  /** In stored_clients, as `k`: whose sessions went wrong. */
  readonly trouble?: KeyColumn;
  /** In temp.host_errors, as `x`. */
  readonly hostError?: KeyColumn;
  /** Restricts the lines about recipients: to recipients that were forwarded to another domain; to lines that name the own address (`I=`). */
  readonly only?: "forwarded" | "outgoing";
  /** Default order; by count if undefined. */
  readonly rank?: Rank;
  /** SQL function of the text, registered in key-functions.ts; undefined for the text itself. */
  readonly key?:
    | "domain_of"
    | "network_of"
    | "provider_of"
    | "tls_version_of"
    | "tls_cipher_of"
    | "outgoing_ip_of"
    | "score_range_of";
}

const address = (column: string): KeyColumn => ({ column, texts: "addresses" });
const text = (column: string): KeyColumn => ({ column, texts: "strings" });

const SENDER = { side: "client", message: address("m.sender_id"), rejection: address("j.sender_id") } as const;
const RECIPIENT = { side: "delivery", event: address("e.recipient_id"), rejection: address("j.recipient_id") } as const;
const CLIENT_IP = {
  side: "client",
  message: text("m.ip_id"),
  rejection: text("j.ip_id"),
  trouble: text("k.ip_id"),
} as const;
const CLIENT_TLS = { side: "client", message: text("m.tls_id") } as const;
const REMOTE_HOST = { side: "delivery", event: text("p.host_id"), hostError: text("x.host_id") } as const;

const FINDINGS = {
  side: "client",
  message: { column: "m.id", texts: "findings" },
  rejection: { column: "l.message_id", texts: "findings" },
} as const;

export const AXES = {
  sender: { ...SENDER, about: "envelope sender" },
  "sender-domain": { ...SENDER, key: "domain_of", about: "domain of the envelope sender" },
  recipient: { ...RECIPIENT, about: "envelope recipient" },
  domain: { ...RECIPIENT, key: "domain_of", about: "domain of the envelope recipient" },
  host: {
    side: "client",
    message: text("m.host_id"),
    rejection: text("j.host_id"),
    trouble: text("k.host_id"),
    about: "verified name of the client",
  },
  helo: {
    side: "client",
    message: text("m.helo_id"),
    rejection: text("j.helo_id"),
    trouble: text("k.helo_id"),
    about: "name the client gave in HELO",
  },
  ip: { ...CLIENT_IP, about: "IP address of the client" },
  network: { ...CLIENT_IP, key: "network_of", about: "the client's network: /24 of IPv4, /64 of IPv6" },
  auth: {
    side: "client",
    message: text("m.auth_id"),
    rejection: text("j.auth_id"),
    about: "authenticator and account",
  },
  ident: { side: "client", message: text("m.ident_id"), about: "local user, or ident of the client" },
  script: {
    side: "client",
    message: { column: "m.id", texts: "scripts" },
    about: "directory in which a program called Exim (log: +arguments)",
  },
  protocol: { side: "client", message: text("m.protocol_id"), about: "how the message was handed over" },
  "tls-version": { ...CLIENT_TLS, key: "tls_version_of", about: "TLS version of the client's connection" },
  cipher: { ...CLIENT_TLS, key: "tls_cipher_of", about: "TLS cipher of the client's connection" },
  signature: { ...FINDINGS, about: "result of DKIM, SPF, DMARC or ARC: dkim=fail" },
  "spam-score": { ...FINDINGS, key: "score_range_of", about: "score of a spam scanner, by steps of 5" },
  router: { side: "delivery", event: text("p.router_id"), about: "router" },
  transport: { side: "delivery", event: text("p.transport_id"), about: "transport" },
  mx: { ...REMOTE_HOST, about: "host that was delivered to" },
  provider: { ...REMOTE_HOST, key: "provider_of", about: "registered domain of the host that was delivered to" },
  "mx-ip": {
    side: "delivery",
    event: text("p.ip_id"),
    hostError: text("x.ip_id"),
    about: "IP address that was delivered to",
  },
  forwarder: {
    side: "delivery",
    event: address("e.recipient_id"),
    only: "forwarded",
    about: "recipient whose mail goes on to another domain",
  },
  "outgoing-ip": {
    side: "delivery",
    event: text("l.details_id"),
    only: "outgoing",
    key: "outgoing_ip_of",
    about: "own address that it was sent from (log: +outgoing_interface)",
  },
  "smtp-code": {
    side: "delivery",
    event: { column: "b.smtp_code", texts: "none" },
    rank: "failures",
    about: "SMTP code of deferrals and bounces",
  },
  "enhanced-code": {
    side: "delivery",
    event: text("b.enhanced_id"),
    rank: "failures",
    about: "enhanced code of deferrals and bounces",
  },
} as const satisfies Record<string, Axis>;

export type AxisName = keyof typeof AXES;

/** Figures that can order a ranking; failures are deferrals and bounces. */
export const RANKS = ["count", "volume", "deferrals", "bounces", "failures", "rejections", "troubles"] as const;
export type Rank = (typeof RANKS)[number];

/** True when the figure exists for the axis. */
export function hasRank(axis: Axis, rank: Rank): boolean {
  if (rank === "troubles") return axis.trouble !== undefined;
  return rank !== "rejections" || axis.rejection !== undefined;
}
