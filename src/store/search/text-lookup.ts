/** From what a user types to the ids of texts: addresses, and the strings of hosts, IPs, logins, reasons. */
import { BlockList, isIP } from "node:net";
import { type Kysely, sql } from "kysely";
import { PilotError } from "../../errors.ts";
import type { Schema } from "../schema/tables.ts";
import { INDEX_OF, type TextTableName } from "../schema/text-references.ts";
import type { Pattern } from "./filter.ts";

/** Letters of a pattern that are looked up in both cases; a pattern that begins with a wildcard is compared with every text. */
export const CASED_LETTERS = 3;

/** The ids of the texts that match any of the patterns. */
export async function findTextIds(
  database: Kysely<Schema>,
  texts: TextTableName,
  patterns: readonly Pattern[],
): Promise<number[]> {
  const ids = new Set<number>();
  for (const pattern of patterns) {
    const like = toLike(pattern);
    for (const prefix of casings(literalPrefix(pattern).slice(0, CASED_LETTERS))) {
      for (const id of await idsBehind(database, texts, prefix, like)) ids.add(id);
    }
    for (const id of await idsNotIndexed(database, texts, like)) ids.add(id);
  }
  return [...ids];
}

/** The ids of the IP addresses that are in any of the nets; a single address is a net of one. Errors: `usage`. */
export async function findIpIds(database: Kysely<Schema>, nets: readonly string[]): Promise<number[]> {
  const ids = new Set<number>();
  for (const net of nets) {
    const { list, prefix } = parseNet(net);
    const { index, column } = INDEX_OF.strings;
    const rows = await sql<{ id: number; text: string }>`
      SELECT id, ${sql.ref(column)} AS text FROM ${sql.table(index)} WHERE ${sql.ref(column)} >= ${prefix} AND ${sql.ref(column)} < ${prefix + LAST}
      UNION ALL SELECT text_rowid, text FROM unused_texts WHERE table_name = 'strings' AND text >= ${prefix} AND text < ${prefix + LAST}
      UNION ALL SELECT id, text FROM strings WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = 'strings')
    `.execute(database);
    for (const { id, text } of rows.rows) {
      const version = isIP(text);
      if (version !== 0 && list.check(text, version === 4 ? "ipv4" : "ipv6")) ids.add(id);
    }
  }
  return [...ids];
}

/** True for an IP address or a net. */
export function isNet(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** After every text that begins alike. */
export const LAST = "\u{10ffff}";

function parseNet(net: string): { readonly list: BlockList; readonly prefix: string } {
  if (!isNet(net)) {
    throw new PilotError("usage", `"${net}" is no IP address and no net.`, {
      hint: "Give 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32. The name of a host is for --host.",
    });
  }
  const [address = "", bitsText] = net.split("/");
  const isV4 = isIP(address) === 4;
  const bits = bitsText === undefined ? (isV4 ? 32 : 128) : Number(bitsText);
  const list = new BlockList();
  list.addSubnet(address, bits, isV4 ? "ipv4" : "ipv6");
  return { list, prefix: isV4 ? v4Prefix(address, bits) : v6Prefix(address, bits) };
}

/** The prefix of all addresses of the network: its whole parts. */
function v4Prefix(address: string, bits: number): string {
  const whole = Math.floor(bits / 8);
  const parts = address.split(".").slice(0, whole);
  return whole === 4 ? parts.join(".") : parts.map((part) => `${part}.`).join("");
}

/** The first part, when the net has it whole and it cannot be part of a `::`. */
function v6Prefix(address: string, bits: number): string {
  const [first = ""] = address.toLowerCase().split(":");
  return bits < 16 || first === "" ? "" : `${first.replace(/^0+(?=.)/, "")}:`;
}

async function idsBehind(
  database: Kysely<Schema>,
  texts: TextTableName,
  prefix: string,
  like: string,
): Promise<number[]> {
  const { index, column } = INDEX_OF[texts];
  const text = sql.ref(column);
  // NOTE: one statement, for a text may go from one of the two to the other between two of them.
  const rows = await sql<{ id: number }>`
    SELECT id FROM ${sql.table(index)} WHERE ${text} >= ${prefix} AND ${text} < ${prefix + LAST} AND ${text} LIKE ${like} ESCAPE '\\'
    UNION ALL SELECT text_rowid FROM unused_texts
      WHERE table_name = ${texts} AND text >= ${prefix} AND text < ${prefix + LAST} AND text LIKE ${like} ESCAPE '\\'
  `.execute(database);
  return rows.rows.map(({ id }) => id);
}

/** While logs are read and after a kill, the last texts are not in the index. */
async function idsNotIndexed(database: Kysely<Schema>, texts: TextTableName, like: string): Promise<number[]> {
  const text = sql.ref(INDEX_OF[texts].column);
  const rows = await sql<{ id: number }>`
    SELECT id FROM ${sql.table(texts)}
    WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = ${texts}) AND ${text} LIKE ${like} ESCAPE '\\'
  `.execute(database);
  return rows.rows.map(({ id }) => id);
}

/** A pattern in the words of LIKE. */
export function toLike(pattern: Pattern): string {
  return pattern.replace(/[\\%_*?]/g, (character) => {
    if (character === "*") return "%";
    return character === "?" ? "_" : `\\${character}`;
  });
}

/** A pattern for texts that contain it. */
export function containing(pattern: Pattern): Pattern {
  return `*${pattern}*`;
}

function literalPrefix(pattern: Pattern): string {
  return /^[^*?]*/.exec(pattern)?.[0] ?? "";
}

/** All ways to write the ASCII letters of a text in upper and lower case. */
export function casings(text: string): string[] {
  const [first = "", ...rest] = text;
  if (first === "") return [""];
  const heads = /[a-z]/i.test(first) ? [first.toLowerCase(), first.toUpperCase()] : [first];
  return heads.flatMap((head) => casings(rest.join("")).map((tail) => head + tail));
}
