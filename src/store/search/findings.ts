/** Conditions on facts that are kept in the details of lines. */
import { type RawBuilder, type SqlBool, sql } from "kysely";

/** Kinds of lines that Exim writes to its panic log when they say that it cannot go on. */
export const PANICKING = ["configuration", "daemon", "spool"] as const;

/** True of the details of such a line. */
export function isPanic(detailsId: string): RawBuilder<SqlBool> {
  return sql`EXISTS (SELECT 1 FROM strings WHERE id = ${sql.ref(detailsId)} AND text LIKE '["panic",%')`;
}

/**
 * Results of signatures that only the arrival line states: SQL over the details of an arrival, an array of keys and values.
 *
 * Exim leaves out what did not verify: `DKIM=` has the domain that did, and the others are flags, or have their result. Source:
 * exim-log-grammar §5.
 */
export const ARRIVAL_SIGNATURES = {
  /** True where the details may name one; cheaper than to look. */
  mayBeIn: (details: string): string =>
    `(${["DKIM", "SPF", "DMARC", "ARC"].map((key) => `instr(${details}, '"${key}",')`).join(" OR ")})`,
  /** Each of them, as `k` and `v`. */
  from: (details: string): string =>
    `json_each(${details}) k JOIN json_each(${details}) v ON v.key = k.key + 1 AND k.key % 2 = 0 AND k.value IN ('DKIM', 'SPF', 'DMARC', 'ARC')`,
  /** `dkim=pass` */
  result: "(lower(k.value) || '=' || iif(k.value = 'DKIM' OR v.value = '', 'pass', lower(v.value)))",
} as const;

/**
 * Senders that lines of deliveries state (`F=<…>`, with the selector +sender_on_delivery): SQL over the details of a line, an array of
 * keys and values. Source: exim-log-grammar §15.
 */
export const DELIVERY_SENDERS = {
  /** True where the details may name one; cheaper than to look. */
  mayBeIn: (details: string): string => `instr(${details}, '"F",')`,
  /** Each of them, as `v`. */
  from: (details: string): string =>
    `json_each(${details}) k JOIN json_each(${details}) v ON v.key = k.key + 1 AND k.key % 2 = 0 AND k.value = 'F'`,
  /** The address in its stored form, in which the null sender is `<>`. */
  sender: "iif(v.value = '', '<>', v.value)",
} as const;
