/** Counts deliveries to other servers, by host. */
import { sql } from "kysely";
import type { FailureCategory } from "../../message/reply-rules.ts";
import { type EpochMs, epochMs } from "../../units.ts";
import type { Codes } from "../schema/codes.ts";
import type { FilledTables } from "./filled-tables.ts";
import type { WithHostErrors } from "./host-errors.ts";
import { IS_FORWARDED, type Selection, slotOf } from "./selection.ts";

export interface HostCount {
  readonly host: string;
  readonly provider: string;
  readonly successes: number;
  /** With the times when it could not be reached and no line about a recipient names it. */
  readonly deferrals: number;
  readonly bounces: number;
  /** Deferrals and bounces because it did not answer in time. */
  readonly timeouts: number;
  readonly lastSuccess: EpochMs | null;
  readonly lastAttempt: EpochMs;
}

/** Deferrals of a provider in one slot of time. */
export interface ProviderSlot {
  readonly provider: string;
  readonly slot: number;
  readonly deferrals: number;
}

/** Recipients that a provider deferred at least once, and how many were delivered later. */
export interface ProviderOutcome {
  readonly provider: string;
  readonly recipients: number;
  readonly delivered: number;
}

export interface ForwardingCount {
  readonly forwarder: string;
  readonly provider: string;
  /** Why it was deferred or bounced; null: it was delivered. */
  readonly category: FailureCategory | null;
  readonly attempts: number;
}

export interface HostDuration {
  readonly host: string;
  readonly ms: number;
  readonly deliveries: number;
}

export class RemoteHostCounts {
  readonly #selection: Selection;
  readonly #codes: Codes;
  readonly #hostErrors: FilledTables<WithHostErrors>;

  constructor(selection: Selection, codes: Codes, hostErrors: FilledTables<WithHostErrors>) {
    this.#selection = selection;
    this.#codes = codes;
    this.#hostErrors = hostErrors;
  }

  async hosts(): Promise<HostCount[]> {
    const is = (outcome: "delivered" | "deferred" | "bounced") =>
      sql<number>`e.outcome = ${sql.lit(this.#codes.outcome(outcome))}`;
    const beside = this.#selection
      .addressEventsBeside()
      .innerJoin("stored_entries as l", "l.id", "e.entry_id")
      .innerJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id")
      .where("e.is_attempt", "=", 1)
      .where("p.host_id", "is not", null)
      .select([
        sql<number>`p.host_id`.as("host_id"),
        sql<number>`sum(${is("delivered")})`.as("successes"),
        sql<number>`sum(${is("deferred")})`.as("deferrals"),
        sql<number>`sum(${is("bounced")})`.as("bounces"),
        sql<number>`coalesce(sum(b.is_timeout), 0)`.as("timeouts"),
        sql<number | null>`max(CASE WHEN ${is("delivered")} THEN l.at END)`.as("last_success_at"),
        sql<number>`max(l.at)`.as("last_attempt_at"),
      ])
      .groupBy("p.host_id");
    const rolled = this.#selection.tables
      .selectFrom("rolled_hosts as x")
      .where(this.#selection.inChunks("entries"))
      .select(["x.host_id", "x.successes", "x.deferrals", "x.bounces", "x.timeouts"])
      .select(["x.last_success_at", "x.last_attempt_at"]);
    const unreached = (await this.#hostErrors.tables())
      .selectFrom("temp.host_errors as x")
      .where("x.host_id", "is not", null)
      .select(({ fn }) => [
        sql<number>`x.host_id`.as("host_id"),
        sql<number>`0`.as("successes"),
        fn.countAll<number>().as("deferrals"),
        sql<number>`0`.as("bounces"),
        sql<number>`sum(x.is_timeout)`.as("timeouts"),
        sql<number | null>`NULL`.as("last_success_at"),
        sql<number>`max(x.at)`.as("last_attempt_at"),
      ])
      .groupBy("x.host_id");
    const grouped = this.#selection.tables
      .selectFrom(beside.unionAll(rolled).unionAll(unreached).as("f"))
      .select(({ fn }) => [
        "f.host_id",
        fn.sum<number>("f.successes").as("successes"),
        fn.sum<number>("f.deferrals").as("deferrals"),
        fn.sum<number>("f.bounces").as("bounces"),
        fn.sum<number>("f.timeouts").as("timeouts"),
        sql<number | null>`max(f.last_success_at) / 1000`.as("lastSuccess"),
        sql<number>`max(f.last_attempt_at) / 1000`.as("lastAttempt"),
      ])
      .groupBy("f.host_id");
    const rows = await this.#selection.tables
      .selectFrom(grouped.as("g"))
      .innerJoin("strings as h", "h.id", "g.host_id")
      .select([
        "h.text as host",
        sql<string>`provider_of(h.text)`.as("provider"),
        "g.successes",
        "g.deferrals",
        "g.bounces",
        "g.timeouts",
        "g.lastSuccess",
        "g.lastAttempt",
      ])
      .execute();
    return rows.map((row) => ({
      ...row,
      lastSuccess: row.lastSuccess === null ? null : epochMs(row.lastSuccess),
      lastAttempt: epochMs(row.lastAttempt),
    }));
  }

  async deferralsBySlot(slotMs: number): Promise<ProviderSlot[]> {
    const unreached = (await this.#hostErrors.tables())
      .selectFrom("temp.host_errors as l")
      .where("l.host_id", "is not", null)
      .select(({ fn }) => ["l.host_id", slotOf("l.at", slotMs).as("slot"), fn.countAll<number>().as("deferrals")])
      .groupBy(["l.host_id", "slot"]);
    const grouped = this.#deferrals()
      .select(({ fn }) => ["p.host_id", slotOf("l.at", slotMs).as("slot"), fn.countAll<number>().as("deferrals")])
      .groupBy(["p.host_id", "slot"])
      .unionAll(unreached);
    return this.#selection.tables
      .selectFrom(grouped.as("g"))
      .innerJoin("strings as h", "h.id", "g.host_id")
      .select(({ fn }) => [
        sql<string>`provider_of(h.text)`.as("provider"),
        "g.slot",
        fn.sum<number>("g.deferrals").as("deferrals"),
      ])
      .groupBy(["provider", "g.slot"])
      .execute();
  }

  async outcomesOfDeferred(): Promise<ProviderOutcome[]> {
    const deferred = this.#deferrals().select(["p.host_id", "l.message_id", "e.recipient_id"]).distinct();
    return this.#selection.tables
      .selectFrom(deferred.as("d"))
      .innerJoin("strings as h", "h.id", "d.host_id")
      .innerJoin("stored_recipients as r", (join) =>
        join.onRef("r.message_id", "=", "d.message_id").onRef("r.address_id", "=", "d.recipient_id"),
      )
      .innerJoin("codes as c", (join) => join.on("c.family", "=", "recipient_status").onRef("c.code", "=", "r.status"))
      .select([
        sql<string>`provider_of(h.text)`.as("provider"),
        sql<number>`count(DISTINCT d.message_id || ' ' || d.recipient_id)`.as("recipients"),
        sql<number>`count(DISTINCT CASE WHEN c.name = 'delivered' THEN d.message_id || ' ' || d.recipient_id END)`.as(
          "delivered",
        ),
      ])
      .groupBy("provider")
      .execute();
  }

  /** Counts deliveries of forwarded mail by recipient, provider and outcome. */
  forwarding(): Promise<ForwardingCount[]> {
    const grouped = this.#selection
      .addressEvents()
      .where("e.is_attempt", "=", 1)
      .where("p.host_id", "is not", null)
      .where(IS_FORWARDED)
      .select(({ fn }) => [
        "e.recipient_id",
        "p.host_id",
        "e.outcome",
        "b.category_id",
        fn.countAll<number>().as("attempts"),
      ])
      .groupBy(["e.recipient_id", "p.host_id", "e.outcome", "b.category_id"]);
    return this.#selection.tables
      .selectFrom(grouped.as("g"))
      .innerJoin("addresses as a", "a.id", "g.recipient_id")
      .innerJoin("strings as h", "h.id", "g.host_id")
      .leftJoin("strings as k", "k.id", "g.category_id")
      .select(({ fn }) => [
        "a.address as forwarder",
        sql<string>`provider_of(h.text)`.as("provider"),
        sql<FailureCategory | null>`iif(g.outcome = ${sql.lit(this.#codes.outcome("delivered"))}, NULL, coalesce(k.text, 'other'))`.as(
          "category",
        ),
        fn.sum<number>("g.attempts").as("attempts"),
      ])
      .groupBy(["a.address", "provider", "category"])
      .execute();
  }

  /** Durations of successful deliveries that state one (`DT=`), by host, then shortest first. */
  durations(): Promise<HostDuration[]> {
    const grouped = this.#selection
      .addressEvents()
      .where("e.outcome", "=", this.#codes.outcome("delivered"))
      .where("e.duration_ms", "is not", null)
      .where("p.host_id", "is not", null)
      .select(({ fn }) => ["p.host_id", sql<number>`e.duration_ms`.as("ms"), fn.countAll<number>().as("deliveries")])
      .groupBy(["p.host_id", "e.duration_ms"]);
    return this.#selection.tables
      .selectFrom(grouped.as("g"))
      .innerJoin("strings as h", "h.id", "g.host_id")
      .select(["h.text as host", "g.ms", "g.deliveries"])
      .orderBy("g.host_id")
      .orderBy("g.ms")
      .execute();
  }

  /** Attempts that timed out while no line, of a recipient or of a host, names the host. */
  async timeoutsWithoutHost(): Promise<number> {
    const { count } = await this.#selection
      .addressEventsWithEntry()
      .where("e.is_attempt", "=", 1)
      .where("b.is_timeout", "=", 1)
      .where("p.host_id", "is", null)
      .where(sql<boolean>`l.message_id NOT IN (SELECT message_id FROM temp.host_errors)`)
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return count;
  }

  #deferrals() {
    return this.#selection
      .addressEventsWithEntry()
      .where("e.outcome", "=", this.#codes.outcome("deferred"))
      .where("e.is_attempt", "=", 1)
      .where("p.host_id", "is not", null);
  }
}
