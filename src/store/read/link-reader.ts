/** Reads the links between messages: which names which, and what was tried before. */
import { type Kysely, sql } from "kysely";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { nextHopId, textKey } from "../log-text/postings.ts";
import type { Schema } from "../schema/tables.ts";
import { findBlocks } from "../search/matching-blocks.ts";
import { findTextIds } from "../search/text-lookup.ts";
import type { MessageKey } from "./message-reader.ts";

/** A try that failed for now, of any message. */
export interface EarlierTry {
  readonly messageId: string;
  readonly server: string;
  /** Epoch ms. */
  readonly ms: number;
  readonly recipient: string;
  readonly host: string | null;
  readonly error: string | null;
}

/** Target of a try: any address of a domain, or one of some hosts. */
export type Destination = { readonly domain: string } | { readonly hosts: readonly string[] };

/** Blocks looked at in one statement. */
const CHUNK = 32;

export class LinkReader {
  readonly #database: Kysely<Schema>;

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  /** The messages of which a delivery was confirmed with this id: `C="250 OK id=…"`. */
  async deliveredAs(id: string): Promise<MessageKey[]> {
    const blocks = await findBlocks(this.#database, { kind: "next_hop", keys: [textKey(id)] });
    const { rows } = await sql<MessageKey & { readonly confirmation: string }>`
      SELECT DISTINCT m.exim_id AS id, v.name AS server, a.confirmation
      FROM json_each(${JSON.stringify(blocks.map((block) => block.id))}) b
      CROSS JOIN address_events a
        ON a.entry_id >= b.value * ${LINES_PER_BLOCK} AND a.entry_id < (b.value + 1) * ${LINES_PER_BLOCK}
      JOIN stored_entries e ON e.id = a.entry_id
      JOIN stored_messages m ON m.id = e.message_id
      JOIN stored_servers v ON v.id = m.server_id
      WHERE a.confirmation LIKE ${`%id=${id}%`}
      ORDER BY v.name, m.exim_id
    `.execute(this.#database);
    return rows.filter(({ confirmation }) => nextHopId(confirmation) === id);
  }

  /** The messages of which another server confirmed a delivery with one of these ids of its own: `250 2.0.0 Ok: queued as 4F2Zk1`. */
  async confirmedAs(ids: readonly string[]): Promise<(MessageKey & { readonly queueId: string })[]> {
    if (ids.length === 0) return [];
    // NOTE: no index holds them: it would grow with each delivery, and is asked for seldom.
    const { rows } = await sql<MessageKey & { readonly confirmation: string }>`
      SELECT DISTINCT m.exim_id AS id, v.name AS server, a.confirmation
      FROM address_events a
      JOIN stored_entries e ON e.id = a.entry_id
      JOIN stored_messages m ON m.id = e.message_id
      JOIN stored_servers v ON v.id = m.server_id
      WHERE a.confirmation IS NOT NULL
        AND EXISTS (SELECT 1 FROM json_each(${JSON.stringify(ids)}) q WHERE instr(a.confirmation, q.value) > 0)
      ORDER BY e.at DESC
    `.execute(this.#database);
    return rows.flatMap(({ id, server, confirmation }) => {
      const words = new Set(confirmation.split(/[^\w.+/-]+/).map((word) => word.replace(/\.$/, "")));
      const queueId = ids.find((one) => words.has(one));
      return queueId === undefined ? [] : [{ id, server, queueId }];
    });
  }

  /** The last try of a server that failed for now, in the time given (epoch ms, the end not included). */
  async lastDeferral(server: string, to: Destination, fromMs: number, toMs: number): Promise<EarlierTry | undefined> {
    const [kind, column] =
      "domain" in to ? (["address", "a.recipient_id"] as const) : (["string", "y.host_id"] as const);
    const keys =
      "domain" in to
        ? await findTextIds(this.#database, "addresses", [`*@${to.domain}`])
        : await findTextIds(this.#database, "strings", to.hosts);
    const blocks = await findBlocks(this.#database, { kind, keys });
    const recent = blocks.filter(({ last_ms }) => last_ms >= fromMs);
    for (let start = 0; start < recent.length; start += CHUNK) {
      const ids = recent.slice(start, start + CHUNK).map(({ id }) => id);
      const { rows } = await sql<EarlierTry>`
        SELECT m.exim_id AS "messageId", v.name AS server, CAST(e.at / 1000 AS INTEGER) AS ms, r.address AS recipient,
               coalesce(h.text, i.text) AS host, replace(w.text, char(2), r.address) AS error
        FROM json_each(${JSON.stringify(ids)}) b
        CROSS JOIN address_events a
          ON a.entry_id >= b.value * ${LINES_PER_BLOCK} AND a.entry_id < (b.value + 1) * ${LINES_PER_BLOCK}
        JOIN addresses r ON r.id = a.recipient_id
        JOIN stored_entries e ON e.id = a.entry_id
        JOIN stored_messages m ON m.id = e.message_id
        JOIN stored_servers v ON v.id = m.server_id
        LEFT JOIN delivery_paths y ON y.id = a.path_id
        LEFT JOIN delivery_problems p ON p.id = a.problem_id
        LEFT JOIN strings h ON h.id = y.host_id
        LEFT JOIN strings i ON i.id = y.ip_id
        LEFT JOIN strings w ON w.id = p.error_id
        WHERE a.outcome = (SELECT code FROM codes WHERE family = 'outcome' AND name = 'deferred') AND a.is_attempt
          AND e.at >= ${fromMs * 1000} AND e.at < ${toMs * 1000} AND v.name = ${server}
          AND ${sql.ref(column)} IN (SELECT value FROM json_each(${JSON.stringify(keys)}))
        ORDER BY e.at DESC LIMIT 1
      `.execute(this.#database);
      const [found] = rows;
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
