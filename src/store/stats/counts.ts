/** Figures of one selection. Where millions of rows are counted, several small values are packed into one key: half the time. */
import { type AliasedExpression, type Expression, type RawBuilder, sql } from "kysely";
import type { FailureCategory } from "../../message/reply-rules.ts";
import type { MessageStatus, Outcome, RecipientStatus } from "../../message/statuses.ts";
import type { RejectionPhase } from "../../parse/events.ts";
import { type EpochMs, epochMs, momentAt } from "../../units.ts";
import { type Codes, IS_INDEXED_BY_STATUS, logTypeBit } from "../schema/codes.ts";
import { isPanic, PANICKING } from "../search/findings.ts";
import type { FilledTables } from "./filled-tables.ts";
import type { WithGivenUp } from "./given-up.ts";
import { isMadeOfSlots, pieceOf } from "./rolled.ts";
import { type Selection, SIZES, slotOf } from "./selection.ts";

/** Messages that arrived in one slot of time and have one status. */
export interface MessageCount {
  readonly slot: number;
  readonly status: MessageStatus;
  readonly messages: number;
  readonly bytes: number;
}

/** Lines about recipients. */
export interface EventCount {
  readonly slot: number;
  readonly outcome: Outcome;
  /** False: a retry time not reached, a discard, an administrator's word. */
  readonly isAttempt: boolean;
  readonly events: number;
}

export interface RejectionCount {
  readonly slot: number;
  readonly isPermanent: boolean;
  readonly rejections: number;
}

export interface RecipientCount {
  readonly status: RecipientStatus;
  /** Attempts for each recipient. */
  readonly attempts: number;
  readonly recipients: number;
  /** Sizes of their messages, added up. */
  readonly bytes: number;
}

export interface RejectionGroup {
  readonly phase: RejectionPhase;
  readonly isPermanent: boolean;
  readonly category: string;
  readonly rejections: number;
  /** Client addresses, each once. */
  readonly clients: number;
  readonly sampleId: number;
}

export interface ReasonCount {
  readonly reason: string | null;
  readonly rejections: number;
}

/** Failures with one error text. */
export interface FailureGroup {
  readonly outcome: Outcome;
  /** A template; see templates.ts. */
  readonly error: string | null;
  readonly smtpCode: number | null;
  readonly enhancedCode: string | null;
  readonly isTimeout: boolean;
  readonly category: FailureCategory;
  readonly failures: number;
  readonly sampleId: number;
}

interface ProblemCount {
  readonly outcome: number;
  readonly problem_id: number;
  readonly failures: number;
  readonly sample_id: number;
}

export interface DurationCount {
  readonly ms: number;
  readonly count: number;
}

/** Messages of one bucket that are completed, with percentiles of their time on the queue in ms, by nearest rank. */
export interface WaitCount {
  readonly bucket: number;
  readonly completed: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface TlsCount {
  /** Cipher as logged: `TLS1.3:TLS_AES_256_GCM_SHA384:256`; null for no TLS, or if the log does not say. */
  readonly tls: string | null;
  readonly count: number;
  readonly bytes: number;
}

export interface OriginCount {
  /** `authenticator:id`. */
  readonly auth: string | null;
  readonly protocol: string | null;
  readonly isLocal: boolean;
  readonly isGenerated: boolean;
  readonly messages: number;
  readonly bytes: number;
}

export interface OpenMessages {
  readonly status: MessageStatus;
  readonly messages: number;
  /** Messages that arrived before the moment. */
  readonly earlier: number;
  readonly oldest: EpochMs;
}

export class StatsCounts {
  readonly #selection: Selection;
  readonly #codes: Codes;
  readonly #givenUp: FilledTables<WithGivenUp>;

  constructor(selection: Selection, codes: Codes, givenUp: FilledTables<WithGivenUp>) {
    this.#selection = selection;
    this.#codes = codes;
    this.#givenUp = givenUp;
  }

  async messages(slotMs: number): Promise<MessageCount[]> {
    const selection = this.#selection;
    const isRolled = isMadeOfSlots(slotMs);
    const rows = await (isRolled ? selection.messagesBeside() : selection.messages())
      .select(({ fn }) => [
        pack(slotOf("m.arrival_at", slotMs), [[sql.ref<number>("m.status"), STATUSES]]).as("key"),
        fn.countAll<number>().as("messages"),
        SIZES.as("bytes"),
      ])
      .groupBy("key")
      .execute();
    const counts = rows.map(({ key, messages, bytes }) => {
      const [slot, status = 0] = unpack(key, [STATUSES]);
      return { slot, status, messages, bytes };
    });
    const rolled = isRolled
      ? await selection.tables
          .selectFrom("rolled_messages as x")
          .where(selection.inChunks("messages"))
          .select(({ fn }) => [
            pieceOf("x.slot", slotMs).as("slot"),
            "x.status",
            fn.sum<number>("x.messages").as("messages"),
            sql<number>`total(x.bytes)`.as("bytes"),
          ])
          .groupBy([sql.ref("slot"), "x.status"])
          .execute()
      : [];
    return [...rolled, ...counts].map((row) => ({ ...row, status: this.#codes.messageStatusName(row.status) }));
  }

  async events(slotMs: number): Promise<EventCount[]> {
    const selection = this.#selection;
    const isRolled = isMadeOfSlots(slotMs);
    const rows = await (isRolled ? selection.addressEventsBeside() : selection.addressEvents())
      .innerJoin("stored_entries as l", "l.id", "e.entry_id")
      .select(({ fn }) => [
        pack(slotOf("l.at", slotMs), [
          [sql.ref<number>("e.outcome"), OUTCOMES],
          [sql.ref<number>("e.is_attempt"), FLAG],
        ]).as("key"),
        fn.countAll<number>().as("events"),
      ])
      .groupBy("key")
      .execute();
    const counts = rows.map(({ key, events }) => {
      const [slot, outcome = 0, isAttempt = 0] = unpack(key, [OUTCOMES, FLAG]);
      return { slot, outcome, isAttempt, events };
    });
    const rolled = isRolled
      ? await selection.tables
          .selectFrom("rolled_events as x")
          .where(selection.inChunks("entries"))
          .select(({ fn }) => [
            pieceOf("x.slot", slotMs).as("slot"),
            "x.outcome",
            "x.is_attempt as isAttempt",
            fn.sum<number>("x.events").as("events"),
          ])
          .groupBy([sql.ref("slot"), "x.outcome", "x.is_attempt"])
          .execute()
      : [];
    return [...rolled, ...counts].map(({ outcome, isAttempt, ...row }) => ({
      ...row,
      outcome: this.#codes.outcomeName(outcome),
      isAttempt: isAttempt === 1,
    }));
  }

  async rejections(slotMs: number): Promise<RejectionCount[]> {
    const selection = this.#selection;
    const isRolled = isMadeOfSlots(slotMs);
    const rows = await (isRolled ? selection.rejectionsBeside() : selection.rejections())
      .innerJoin("stored_entries as l", "l.id", "j.entry_id")
      .select(({ fn }) => [
        pack(slotOf("l.at", slotMs), [[sql.ref<number>("j.is_permanent"), FLAG]]).as("key"),
        fn.countAll<number>().as("rejections"),
      ])
      .groupBy("key")
      .execute();
    const counts = rows.map(({ key, rejections }) => {
      const [slot, isPermanent = 0] = unpack(key, [FLAG]);
      return { slot, isPermanent, rejections };
    });
    const rolled = isRolled
      ? await selection.tables
          .selectFrom("rolled_rejections as x")
          .where(selection.inChunks("entries"))
          .select(({ fn }) => [
            pieceOf("x.slot", slotMs).as("slot"),
            "x.is_permanent as isPermanent",
            fn.sum<number>("x.rejections").as("rejections"),
          ])
          .groupBy([sql.ref("slot"), "x.is_permanent"])
          .execute()
      : [];
    return [...rolled, ...counts].map((row) => ({ ...row, isPermanent: row.isPermanent === 1 }));
  }

  /** The recipients of the messages that arrived. */
  async recipients(): Promise<RecipientCount[]> {
    const rows = await this.#selection
      .messagesBeside()
      .innerJoin("stored_recipients as r", "r.message_id", "m.id")
      .select(({ fn }) => [
        pack(sql.ref<number>("r.attempts"), [[sql.ref<number>("r.status"), STATUSES]]).as("key"),
        fn.countAll<number>().as("recipients"),
        SIZES.as("bytes"),
      ])
      .groupBy("key")
      .execute();
    const counts = rows.map(({ key, recipients, bytes }) => {
      const [attempts, status = 0] = unpack(key, [STATUSES]);
      return { attempts, status, recipients, bytes };
    });
    const rolled = await this.#selection.tables
      .selectFrom("rolled_recipients as x")
      .where(this.#selection.inChunks("messages"))
      .select(({ fn }) => [
        "x.status",
        "x.attempts",
        fn.sum<number>("x.recipients").as("recipients"),
        sql<number>`total(x.bytes)`.as("bytes"),
      ])
      .groupBy(["x.status", "x.attempts"])
      .execute();
    return [...rolled, ...counts].map((row) => ({ ...row, status: this.#codes.recipientStatusName(row.status) }));
  }

  async rejectionGroups(): Promise<RejectionGroup[]> {
    const grouped = this.#selection
      .rejections()
      .select(({ fn }) => [
        pack(sql.ref<number>("j.category_id"), [
          [sql.ref<number>("j.phase"), PHASES],
          [sql.ref<number>("j.is_permanent"), FLAG],
        ]).as("key"),
        "j.category_id",
        fn.countAll<number>().as("rejections"),
        fn.count<number>("j.ip_id").distinct().as("clients"),
        fn.min<number>("j.entry_id").as("sampleId"),
      ])
      .groupBy("key");
    const rows = await this.#selection.tables
      .selectFrom(grouped.as("g"))
      .innerJoin("strings as k", "k.id", "g.category_id")
      .select(["g.key", "k.text as category", "g.rejections", "g.clients", "g.sampleId"])
      .execute();
    return rows.map(({ key, ...row }) => {
      const [, phase = 0, isPermanent] = unpack(key, [PHASES, FLAG]);
      return { ...row, phase: this.#codes.phaseName(phase), isPermanent: isPermanent === 1 };
    });
  }

  /** The reasons of one category, as templates. */
  rejectionReasons(category: string): Promise<ReasonCount[]> {
    return this.#selection
      .rejections()
      .innerJoin("strings as k", "k.id", "j.category_id")
      .leftJoin("strings as w", "w.id", "j.reason_id")
      .where("k.text", "=", category)
      .select(({ fn }) => ["w.text as reason", fn.countAll<number>().as("rejections")])
      .groupBy("j.reason_id")
      .execute();
  }

  /** Deferrals or failures that were attempts, by error text. */
  async failures(): Promise<FailureGroup[]> {
    const beside = this.#selection
      .addressEventsBeside()
      .where("e.outcome", "in", (["deferred", "bounced"] as const).map(this.#codes.outcome))
      .where("e.is_attempt", "=", 1)
      .select(({ fn }) => [
        "e.outcome",
        sql<number>`coalesce(e.problem_id, 0)`.as("problem_id"),
        fn.countAll<number>().as("failures"),
        fn.min<number>("e.entry_id").as("sample_id"),
      ])
      .groupBy(["e.outcome", "e.problem_id"]);
    const rolled = this.#selection.tables
      .selectFrom("rolled_failures as x")
      .where(this.#selection.inChunks("entries"))
      .select(["x.outcome", "x.problem_id", "x.failures", "x.sample_id"]);
    return this.#explain(beside.unionAll(rolled));
  }

  /** Recipients given up when their retry time was over, by the error of their last attempt. */
  async givenUp(): Promise<FailureGroup[]> {
    const bounced = sql.lit(this.#codes.outcome("bounced"));
    const rows = (await this.#givenUp.tables())
      .selectFrom("temp.given_up as x")
      .select(({ fn }) => [
        sql<number>`${bounced}`.as("outcome"),
        sql<number>`coalesce(x.problem_id, 0)`.as("problem_id"),
        fn.countAll<number>().as("failures"),
        fn.min<number>("x.reason_id").as("sample_id"),
      ])
      .groupBy("x.problem_id");
    return this.#explain(rows);
  }

  /** Failures by problem as failures by error text. */
  async #explain(rows: Expression<ProblemCount>): Promise<FailureGroup[]> {
    const grouped = this.#selection.tables
      .selectFrom(sql<ProblemCount>`(${rows})`.as("f"))
      .leftJoin("delivery_problems as b", "b.id", "f.problem_id")
      .select(({ fn }) => [
        "f.outcome",
        "b.error_id",
        "b.smtp_code",
        "b.enhanced_id",
        "b.is_timeout",
        "b.category_id",
        fn.sum<number>("f.failures").as("failures"),
        fn.min<number>("f.sample_id").as("sampleId"),
      ])
      .groupBy(["f.outcome", "b.error_id", "b.smtp_code", "b.enhanced_id", "b.is_timeout", "b.category_id"]);
    const explained = await this.#selection.tables
      .selectFrom(grouped.as("g"))
      .leftJoin("strings as w", "w.id", "g.error_id")
      .leftJoin("strings as n", "n.id", "g.enhanced_id")
      .leftJoin("strings as k", "k.id", "g.category_id")
      .select([
        "g.outcome",
        "w.text as error",
        "k.text as category",
        "n.text as enhancedCode",
        "g.smtp_code as smtpCode",
        "g.is_timeout",
        "g.failures",
        "g.sampleId",
      ])
      .execute();
    return explained.map(({ is_timeout, outcome, category, ...row }) => ({
      ...row,
      // A line without a word about why has no problem.
      category: (category ?? "other") as FailureCategory,
      outcome: this.#codes.outcomeName(outcome),
      isTimeout: is_timeout === 1,
    }));
  }

  /** From arrival to completion, of the completed among the messages that arrived. */
  queueTimes(): Promise<DurationCount[]> {
    return this.#selection
      .messages()
      .where("m.completed_at", "is not", null)
      .select(({ fn }) => [QUEUE_MS.as("ms"), fn.countAll<number>().as("count")])
      .groupBy("ms")
      .orderBy("ms")
      .execute();
  }

  /** The same by the buckets between these edges, each with its number; those without a completed message are left out. */
  async waits(edges: readonly EpochMs[]): Promise<WaitCount[]> {
    const [first] = edges;
    const end = edges.at(-1);
    if (first === undefined || end === undefined || edges.length < 2) return [];
    const timed = this.#selection
      .messages()
      .where("m.completed_at", "is not", null)
      .where("m.arrival_at", ">=", momentAt(first, 0))
      .where("m.arrival_at", "<", momentAt(end, 0))
      .select(({ fn }) => [
        numberOfPiece(sql.ref<number>("m.arrival_at"), edges, 0, edges.length - 1).as("bucket"),
        QUEUE_MS.as("ms"),
        fn.countAll<number>().as("count"),
      ])
      .groupBy(["bucket", "ms"]);
    const ranked = sql<{ bucket: number; ms: number; passed: number; completed: number }>`(
      SELECT bucket, ms, sum(count) OVER (PARTITION BY bucket ORDER BY ms) AS passed,
        sum(count) OVER (PARTITION BY bucket) AS completed
      FROM (${timed}))`;
    const atLeast = (percent: number): RawBuilder<number> =>
      sql<number>`min(ms) FILTER (WHERE passed * 100 >= completed * ${sql.lit(percent)})`;
    return this.#selection.tables
      .selectFrom(ranked.as("r"))
      .select([
        "bucket",
        sql<number>`max(completed)`.as("completed"),
        atLeast(50).as("p50"),
        atLeast(90).as("p90"),
        atLeast(99).as("p99"),
        sql<number>`max(ms)`.as("max"),
      ])
      .groupBy("bucket")
      .execute();
  }

  /** Durations of successful deliveries that state one (`DT=`). */
  deliveryTimes(): Promise<DurationCount[]> {
    return this.#selection
      .addressEvents()
      .where("e.outcome", "=", this.#codes.outcome("delivered"))
      .where("e.duration_ms", "is not", null)
      .select(({ fn }) => [sql<number>`e.duration_ms`.as("ms"), fn.countAll<number>().as("count")])
      .groupBy("ms")
      .orderBy("ms")
      .execute();
  }

  incomingTls(): Promise<TlsCount[]> {
    const grouped = this.#selection
      .messages()
      .where("m.ip_id", "is not", null)
      .select(({ fn }) => ["m.tls_id", fn.countAll<number>().as("count"), SIZES.as("bytes")])
      .groupBy("m.tls_id");
    return this.#withTls(grouped.as("g"));
  }

  outgoingTls(): Promise<TlsCount[]> {
    const grouped = this.#selection
      .addressEventsWithMessage()
      .where("e.outcome", "=", this.#codes.outcome("delivered"))
      .where("p.ip_id", "is not", null)
      .select(({ fn }) => ["p.tls_id", fn.countAll<number>().as("count"), SIZES.as("bytes")])
      .groupBy("p.tls_id");
    return this.#withTls(grouped.as("g"));
  }

  /** The rows with what their ids stand for. */
  #withTls(rows: AliasedExpression<{ tls_id: number | null } & Omit<TlsCount, "tls">, "g">): Promise<TlsCount[]> {
    return this.#selection.tables
      .selectFrom(rows)
      .leftJoin("strings as x", "x.id", "g.tls_id")
      .select(["x.text as tls", "g.count", "g.bytes"])
      .execute();
  }

  /** Counts messages by their way of submission. */
  async origins(): Promise<OriginCount[]> {
    const grouped = this.#selection
      .messages()
      .select(({ fn }) => [
        "m.auth_id",
        "m.protocol_id",
        sql<number>`m.ip_id IS NULL AND m.host_id IS NULL AND m.helo_id IS NULL`.as("isLocal"),
        sql<number>`m.parent_exim_id IS NOT NULL`.as("isGenerated"),
        fn.countAll<number>().as("messages"),
        SIZES.as("bytes"),
      ])
      .groupBy(["m.auth_id", "m.protocol_id", "isLocal", "isGenerated"]);
    const rows = await this.#selection.tables
      .selectFrom(grouped.as("g"))
      .leftJoin("strings as u", "u.id", "g.auth_id")
      .leftJoin("strings as p", "p.id", "g.protocol_id")
      .select(["u.text as auth", "p.text as protocol", "g.isLocal", "g.isGenerated", "g.messages", "g.bytes"])
      .execute();
    return rows.map((row) => ({ ...row, isLocal: row.isLocal === 1, isGenerated: row.isGenerated === 1 }));
  }

  /** Counts messages that arrived and have one of these statuses, in all and before a moment. */
  async openMessages(
    statuses: readonly Exclude<MessageStatus, "delivered" | "partial">[],
    before: EpochMs,
  ): Promise<OpenMessages[]> {
    const rows = await this.#selection
      .messages()
      .where(sql<boolean>`m.status IN (${sql.join(statuses.map((name) => sql.lit(this.#codes.messageStatus(name))))})`)
      // NOTE: lets SQLite take the index of those that are not delivered.
      .where(sql.raw<boolean>(IS_INDEXED_BY_STATUS))
      .select(({ fn }) => [
        "m.status",
        fn.countAll<number>().as("messages"),
        sql<number>`sum(m.arrival_at / 1000 < ${sql.lit(before)})`.as("earlier"),
        sql<number>`min(m.arrival_at) / 1000`.as("oldest"),
      ])
      .groupBy("m.status")
      .execute();
    return rows.map((row) => ({
      ...row,
      status: this.#codes.messageStatusName(row.status),
      oldest: epochMs(row.oldest),
    }));
  }

  /** Entries of the panic log, whatever they say, and what Exim says in another log about trouble of its own; each once. */
  async panics(): Promise<number> {
    const { count } = await this.#selection
      .entries()
      .where(
        sql<boolean>`(l.event = ${sql.lit(this.#codes.event("panic"))}
          OR (l.seen_in & ${sql.lit(logTypeBit("panic"))} AND l.event <> ${sql.lit(this.#codes.event("unparsed"))})
          OR (l.event IN (${sql.join(PANICKING.map((kind) => sql.lit(this.#codes.event(kind))))}) AND ${isPanic("l.details_id")}))`,
      )
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return count;
  }
}

/** Time on the queue of a completed message, as `m`. */
const QUEUE_MS = sql<number>`coalesce(m.queue_ms, m.completed_at / 1000 - m.arrival_at / 1000)`;

/** The number of the piece of time, from `low` up to `high`, that a moment is in: halved, so that many edges take few comparisons. */
function numberOfPiece(
  moment: RawBuilder<number>,
  edges: readonly EpochMs[],
  low: number,
  high: number,
): RawBuilder<number> {
  if (high - low <= 1) return sql<number>`${sql.lit(low)}`;
  const middle = (low + high) >> 1;
  const edge = sql.lit(momentAt(edges[middle] ?? epochMs(0), 0));
  return sql<number>`iif(${moment} < ${edge}, ${numberOfPiece(moment, edges, low, middle)}, ${numberOfPiece(moment, edges, middle, high)})`;
}

/** Number of values for each part of a packed key. */
const STATUSES = 16;
const OUTCOMES = 8;
const PHASES = 32;
const FLAG = 2;

function pack(first: RawBuilder<number>, parts: readonly (readonly [value: RawBuilder<number>, size: number])[]) {
  return parts.reduce((key, [value, size]) => sql<number>`(${key}) * ${sql.lit(size)} + ${value}`, first);
}

function unpack(key: number, sizes: readonly number[]): [first: number, ...parts: number[]] {
  const parts: number[] = [];
  let rest = key;
  for (const size of sizes.toReversed()) {
    // Slots before 1970 are negative.
    parts.unshift(rest - size * Math.floor(rest / size));
    rest = Math.floor(rest / size);
  }
  return [rest, ...parts];
}
