/** Ranks keys by one figure, and gives the other figures of the same keys. */
import { type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { compareText } from "../../text.ts";
import type { Codes } from "../schema/codes.ts";
import { AXES, type Axis, type AxisName, hasRank, type KeyColumn, type Rank } from "./axes.ts";
import type { FilledTables } from "./filled-tables.ts";
import type { WithGivenUp } from "./given-up.ts";
import type { WithHostErrors } from "./host-errors.ts";
import type { IdSums, IdTally } from "./id-tally.ts";
import { IS_FORWARDED, type Selection } from "./selection.ts";

/** A figure that is null has no meaning for the axis. */
export interface RankedRow {
  readonly key: string;
  /** Messages that arrived. */
  readonly messages: number | null;
  /** Recipients that were delivered. */
  readonly deliveries: number | null;
  /** Sizes of those messages, or of the message once for each delivery. */
  readonly bytes: number;
  /** Attempts that were deferred. */
  readonly deferrals: number;
  readonly bounces: number;
  readonly rejections: number | null;
  /** Lines about sessions of the client that went wrong, beside rejections. */
  readonly troubles: number | null;
}

export interface Ranking {
  readonly axis: AxisName;
  readonly rank: Rank;
  readonly rows: readonly RankedRow[];
}

/** All that a ranking asks. */
export interface RankingSource {
  readonly selection: Selection;
  readonly codes: Codes;
  readonly tally: IdTally;
  readonly givenUp: FilledTables<WithGivenUp>;
  readonly hostErrors: FilledTables<WithHostErrors>;
}

/** Measures of an id, by their numbers in {@link IdTally}. */
const MEASURES = ["messages", "deliveries", "deferrals", "bounces", "rejections", "troubles"] as const;
type Measure = (typeof MEASURES)[number];

interface Measured {
  readonly key: string | number;
  readonly sums: IdSums[];
}

/** Counts rows by an id of theirs. */
interface Pass {
  readonly column: KeyColumn;
  readonly rows: SelectQueryBuilder<never, never, object>;
  /** The measure of a row; a query may have rows of several. */
  readonly measure: RawBuilder<unknown>;
  readonly bytes: RawBuilder<number>;
}

/** The first so many by `rank`, and by their name where they are equal; or those of some keys. A rank that the axis lacks gives no rows. */
export async function readRanking(
  { selection, codes, tally, givenUp, hostErrors }: RankingSource,
  axisName: AxisName,
  rank: Rank,
  wanted: number | readonly string[],
): Promise<Ranking> {
  const axis: Axis = AXES[axisName];
  const passes = await passesOf({ selection, codes, givenUp, hostErrors }, axis);
  const [column] = passes.map(({ column }) => column);
  if (column === undefined || !hasRank(axis, rank)) return { axis: axisName, rank, rows: [] };
  tally.begin(MEASURES.length);
  for (const pass of passes) await addUp(pass);
  const measured = await byKey(selection, axis, column, tally);
  const isNumber = column.texts === "none";
  const rows =
    typeof wanted === "number"
      ? leadersOf([...measured.values()], axis, rank).slice(0, wanted)
      : wanted.map((key) => measured.get(isNumber ? Number(key) : key) ?? { key, sums: [] });
  return { axis: axisName, rank, rows: rows.map((row) => toRankedRow(row, axis)) };
}

function toRankedRow(row: Measured, axis: Axis): RankedRow {
  const count = (measure: Measure): number => sumsOf(row, measure).count;
  return {
    key: String(row.key),
    messages: axis.side === "client" ? count("messages") : null,
    deliveries: axis.side === "delivery" ? count("deliveries") : null,
    bytes: sumsOf(row, mainMeasure(axis)).bytes,
    deferrals: count("deferrals"),
    bounces: count("bounces"),
    rejections: axis.rejection === undefined ? null : count("rejections"),
    troubles: axis.trouble === undefined ? null : count("troubles"),
  };
}

function sumsOf({ sums }: Measured, measure: Measure): IdSums {
  return sums[MEASURES.indexOf(measure)] ?? { count: 0, bytes: 0 };
}

function mainMeasure({ side }: Axis): Measure {
  return side === "client" ? "messages" : "deliveries";
}

/** Keys that have any of the figure, the greatest first; among equal ones by bytes and by their name. */
function leadersOf(rows: readonly Measured[], axis: Axis, rank: Rank): Measured[] {
  const figureOf = (row: Measured): IdSums => {
    const [deferrals, bounces] = [sumsOf(row, "deferrals"), sumsOf(row, "bounces")];
    if (rank === "failures") return { count: deferrals.count + bounces.count, bytes: 0 };
    return sumsOf(row, rank === "count" || rank === "volume" ? mainMeasure(axis) : rank);
  };
  return rows
    .map((row) => ({ row, ...figureOf(row) }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => {
      const [counts, bytes] = [other.count - one.count, other.bytes - one.bytes];
      return (rank === "volume" ? bytes || counts : counts || bytes) || compareKeys(one.row.key, other.row.key);
    })
    .map(({ row }) => row);
}

function compareKeys(one: string | number, other: string | number): number {
  return typeof one === "number" && typeof other === "number" ? one - other : compareText(String(one), String(other));
}

async function passesOf(
  { selection, codes, givenUp, hostErrors }: Omit<RankingSource, "tally">,
  { side, message, event, rejection, hostError, trouble, only }: Axis,
): Promise<Pass[]> {
  const passes: Pass[] = [];
  const of = (measure: Measure): RawBuilder<unknown> => sql.lit(MEASURES.indexOf(measure));
  const code = (outcome: "delivered" | "deferred" | "bounced") => sql.lit(codes.outcome(outcome));
  const outcomes = sql`CASE e.outcome WHEN ${code("delivered")} THEN ${of("deliveries")}
    WHEN ${code("deferred")} THEN ${of("deferrals")} ELSE ${of("bounces")} END`;
  const add = <Tables, Used extends keyof Tables>(
    column: KeyColumn,
    rows: SelectQueryBuilder<Tables, Used, object>,
    measure: RawBuilder<unknown>,
    bytes: RawBuilder<number> = NO_BYTES,
  ): void => {
    passes.push({ column, rows: rows as unknown as Pass["rows"], measure, bytes });
  };
  if (side === "client" && message !== undefined) {
    add(message, selection.messages(), of("messages"), SIZE);
    const failed = sql<boolean>`e.is_attempt AND e.outcome IN (${code("deferred")}, ${code("bounced")})`;
    add(message, selection.addressEventsBy(message.column).where(failed), outcomes);
    const ended = (await givenUp.tables())
      .selectFrom("temp.given_up as x")
      .innerJoin("stored_entries as l", "l.id", "x.entry_id")
      .innerJoin("stored_messages as m", "m.id", "l.message_id");
    add(message, ended, of("bounces"));
  }
  if (side === "delivery" && event !== undefined) {
    const condition = only === undefined ? sql<boolean>`1` : ONLY[only];
    const tried = sql<boolean>`e.is_attempt AND e.outcome IN (${code("delivered")}, ${code("deferred")}, ${code("bounced")})`;
    const sizes = sql<number>`iif(e.outcome = ${code("delivered")}, m.size, 0)`;
    add(event, selection.addressEventsBy(event.column).where(condition).where(tried), outcomes, sizes);
    if (hostError !== undefined)
      add(hostError, (await hostErrors.tables()).selectFrom("temp.host_errors as x"), of("deferrals"));
    const ended = (await givenUp.tables())
      .selectFrom("temp.given_up as x")
      .innerJoin("address_events as e", "e.entry_id", "x.reason_id")
      .innerJoin("stored_entries as l", "l.id", "e.entry_id")
      .where(condition)
      .leftJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id");
    add(event, ended, of("bounces"));
  }
  if (trouble !== undefined) add(trouble, selection.troubles(), of("troubles"));
  if (rejection?.texts === "findings") add(rejection, selection.rejectionsWithEntry(), of("rejections"));
  else if (rejection !== undefined) add(rejection, selection.rejections(), of("rejections"));
  return passes;
}

/** Conditions on the lines of an axis, as `e` and `l`. */
const ONLY: Readonly<Record<NonNullable<Axis["only"]>, RawBuilder<boolean>>> = {
  forwarded: IS_FORWARDED,
  outgoing: sql<boolean>`(SELECT outgoing_ip_of(text) FROM strings WHERE id = l.details_id) IS NOT NULL`,
};

const NO_BYTES = sql<number>`0`;
const SIZE = sql<number>`m.size`;

async function addUp({ column: { column, texts }, rows, measure, bytes }: Pass): Promise<void> {
  const id = sql.ref<number | null>(column);
  // NOTE: most messages have no text of these kinds.
  const some =
    texts === "scripts" || texts === "findings"
      ? rows.where(sql<boolean>`${id} IN (SELECT id FROM ${sql.table(tableOf(texts))})`)
      : rows;
  await some.select(sql<number>`sum(tally(${measure}, ${id}, ${bytes}))`.as("rows")).execute();
}

/** Sums of all ids that have the same key. */
async function byKey(
  { tables }: Selection,
  { key }: Axis,
  { texts }: KeyColumn,
  tally: IdTally,
): Promise<Map<string | number, Measured>> {
  const query =
    texts === "none"
      ? sql<{ id: number; key: number }>`SELECT id, id AS key FROM tallied`
      : sql<{ id: number; key: string | null }>`SELECT t.id, ${keyOf(texts, key)} AS key
          FROM tallied CROSS JOIN ${sql.table(tableOf(texts))} AS t ON t.id = tallied.id`;
  const measured = new Map<string | number, Measured>();
  for (const { id, key } of (await query.execute(tables)).rows) {
    if (key === null) continue;
    const known = measured.get(key);
    const sums = tally.sums(id);
    if (known === undefined) measured.set(key, { key, sums: [...sums] });
    else for (const [index, { count, bytes }] of sums.entries()) addTo(known.sums, index, count, bytes);
  }
  return measured;
}

function addTo(sums: IdSums[], index: number, count: number, bytes: number): void {
  if (count === 0) return;
  const known = sums[index] ?? { count: 0, bytes: 0 };
  sums[index] = { count: known.count + count, bytes: known.bytes + bytes };
}

type Texts = Exclude<KeyColumn["texts"], "none">;

function tableOf(texts: Texts): string {
  if (texts === "findings") return "temp.message_findings";
  return texts === "scripts" ? "temp.message_scripts" : texts;
}

function keyOf(texts: Texts, key: string | undefined): RawBuilder<string> {
  const text = sql.ref<string>(texts === "addresses" ? "t.address" : "t.text");
  return key === undefined ? text : sql<string>`${sql.id(key)}(${text})`;
}
