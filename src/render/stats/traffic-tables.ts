/** Tables of traffic: volume by time, senders, recipients and protocols. */
import type { Sections } from "../../stats/sections.ts";
import type { Ranking } from "../../store/stats/ranking.ts";
import { type Cell, type Column, column, countAndShare, part, type Table } from "./table.ts";

export function seriesTable({ bucket, points }: Sections["series"]): Table {
  return {
    name: "series",
    title: `Over time, by ${bucket}`,
    columns: [
      column("from", "From", "time"),
      column("received", "Received", "count", true),
      column("delivered", "Delivered", "count"),
      column("deferred", "Deferred", "count"),
      column("bounced", "Bounced", "count"),
      column("rejected", "Rejected", "count"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: points.map(({ from, received, delivered, deferred, bounced, rejected, bytes }) => [
      from,
      received,
      delivered,
      deferred,
      bounced,
      rejected,
      bytes,
    ]),
    empty: "The logs do not cover that time.",
  };
}

export function rankingTable({ axis, rank, rows }: Ranking): Table {
  const isClient = rows.some(({ messages }) => messages !== null);
  const hasRejections = rows.some(({ rejections }) => rejections !== null);
  // There is no room for it beside the others.
  const hasTroubles = rank === "troubles";
  const figure = (name: string, title: string, kind: Column["kind"], ranked: Ranking["rank"]): Column =>
    column(name, title, kind, rank === ranked);
  return {
    name: `top-${axis}`,
    title: `Top by ${axis}, ranked by ${rank}`,
    columns: [
      column("key", axis, "text"),
      isClient ? figure("messages", "Messages", "count", "count") : figure("deliveries", "Delivered", "count", "count"),
      figure("bytes", "Volume", "bytes", "volume"),
      figure("deferrals", "Deferrals", "count", rank === "failures" ? "failures" : "deferrals"),
      figure("bounces", "Bounces", "count", "bounces"),
      ...(hasRejections ? [figure("rejections", "Rejections", "count", "rejections")] : []),
      ...(hasTroubles ? [figure("troubles", "Troubles", "count", "troubles")] : []),
    ],
    rows: rows.map(({ key, messages, deliveries, bytes, deferrals, bounces, rejections, troubles }) => [
      key,
      messages ?? deliveries,
      bytes,
      deferrals,
      bounces,
      ...(hasRejections ? [rejections] : []),
      ...(hasTroubles ? [troubles] : []),
    ]),
    empty: "No line of the log states this.",
  };
}

export function tlsTable({ incoming, outgoing }: Sections["tls"]): Table {
  const rowsOf = (direction: string, shares: Sections["tls"]["incoming"]): Cell[][] => {
    const all = shares.reduce((total, { count }) => total + count, 0);
    return shares.map(({ version, cipher, count }) => [direction, version ?? "none", cipher, count, part(count, all)]);
  };
  const tells = [...incoming, ...outgoing].some(({ version }) => version !== null);
  return {
    name: "tls",
    title: "Encryption",
    columns: [
      column("direction", "Direction", "word"),
      column("version", "TLS", "text"),
      column("cipher", "Cipher", "text"),
      ...countAndShare("count", "Count"),
    ],
    rows: [...rowsOf("incoming", incoming), ...rowsOf("outgoing", outgoing)],
    note: tells
      ? "Incoming: messages from other hosts. Outgoing: recipients delivered to other hosts."
      : "No line mentions TLS: Exim logs it with log_selector = +tls_cipher.",
    empty: "Nothing came or went over the network.",
  };
}

export function originTable(origins: Sections["origins"]): Table {
  const all = origins.reduce((total, { messages }) => total + messages, 0);
  return {
    name: "origins",
    title: "Where messages came from",
    columns: [
      column("origin", "Origin", "word"),
      column("authenticator", "Authenticator", "text"),
      column("protocol", "Protocol", "text"),
      ...countAndShare("messages", "Messages"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: origins.map(({ origin, authenticator, protocol, messages, bytes }) => [
      origin,
      authenticator,
      protocol,
      messages,
      part(messages, all),
      bytes,
    ]),
    empty: "No message arrived.",
  };
}
