/** Ranks keys by one figure, and gives the other figures of the same keys. */
import { type Expression, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import type { Codes } from "../schema/codes.ts";
import { AXES, type Axis, type AxisName, type KeyColumn, type Rank } from "./axes.ts";
import { withGivenUp } from "./given-up.ts";
import { withHostErrors } from "./host-errors.ts";
import { IS_FORWARDED, type Selection, SIZES } from "./selection.ts";

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

interface Measured {
  readonly key: string | number;
  readonly count: number;
  readonly bytes: number;
}

/** One figure by the ids of its table, to be added up by key. */
interface Measure {
  readonly column: KeyColumn;
  /** All of them, or those in temp.ranked_ids. */
  readonly rowsById: (isKept: boolean) => Expression<unknown>;
}

type MeasureName =
  | "messages"
  | "deliveries"
  | "volumes"
  | "deferrals"
  | "bounces"
  | "failures"
  | "rejections"
  | "troubles";

/** The first so many by `rank`, and by their name where they are equal; or those of some keys. A rank that the axis lacks gives no rows. */
export async function readRanking(
  selection: Selection,
  codes: Codes,
  axisName: AxisName,
  rank: Rank,
  wanted: number | readonly string[],
): Promise<Ranking> {
  const axis: Axis = AXES[axisName];
  const measures = measuresOf(selection, codes, axis);
  const leading = measures[leadingMeasure(axis, rank)];
  if (leading === undefined) return { axis: axisName, rank, rows: [] };
  const order = rank === "volume" ? sql`bytes DESC, count DESC` : sql`count DESC, bytes DESC`;
  const leaders =
    typeof wanted === "number"
      ? await readMeasure(selection, axis, leading, false, sql`ORDER BY ${order}, key LIMIT ${sql.lit(wanted)}`)
      : undefined;
  const isNumber = leading.column.texts === "none";
  const keys =
    leaders?.map(({ key }) => key) ?? (wanted as readonly string[]).map((key) => (isNumber ? Number(key) : key));
  await keepIds(selection, axis, leading.column, keys);
  const figures = new Map<MeasureName, Map<string | number, Measured>>();
  for (const [name, one] of Object.entries(measures) as [MeasureName, Measure][]) {
    const rows =
      one === leading && leaders !== undefined ? leaders : await readMeasure(selection, axis, one, true, sql``);
    figures.set(name, new Map(rows.map((row) => [row.key, row])));
  }
  const count = (name: MeasureName, key: string | number): number => figures.get(name)?.get(key)?.count ?? 0;
  const rows = keys.map((key) => ({
    key: String(key),
    messages: axis.side === "client" ? count("messages", key) : null,
    deliveries: axis.side === "delivery" ? count("deliveries", key) : null,
    bytes: figures.get(axis.side === "client" ? "messages" : "volumes")?.get(key)?.bytes ?? 0,
    deferrals: count("deferrals", key),
    bounces: count("bounces", key),
    rejections: axis.rejection === undefined ? null : count("rejections", key),
    troubles: axis.trouble === undefined ? null : count("troubles", key),
  }));
  return { axis: axisName, rank, rows };
}

function leadingMeasure({ side }: Axis, rank: Rank): MeasureName {
  if (rank === "volume") return side === "client" ? "messages" : "volumes";
  if (rank === "count") return side === "client" ? "messages" : "deliveries";
  return rank;
}

function measuresOf(
  selection: Selection,
  codes: Codes,
  { side, message, event, rejection, hostError, trouble, only }: Axis,
) {
  const measures: Partial<Record<MeasureName, Measure>> = {};
  const attempts = (outcome: "delivered" | "deferred" | "bounced") =>
    sql<boolean>`e.outcome = ${sql.lit(codes.outcome(outcome))} AND e.is_attempt`;
  if (side === "client" && message !== undefined) {
    const withMessage = selection.addressEventsWithMessage();
    measures.messages = byId(message, selection.messages(), SIZES);
    measures.deferrals = byId(message, withMessage.where(attempts("deferred")), NO_SIZES);
    const ended = withGivenUp(selection.tables)
      .selectFrom("temp.given_up as x")
      .innerJoin("stored_entries as l", "l.id", "x.entry_id")
      .innerJoin("stored_messages as m", "m.id", "l.message_id");
    const bounces = byId(message, withMessage.where(attempts("bounced")), NO_SIZES);
    measures.bounces = added(bounces, byId(message, ended, NO_SIZES));
    measures.failures = added(measures.deferrals, measures.bounces);
  }
  if (side === "delivery" && event !== undefined) {
    const condition = only === undefined ? sql<boolean>`1` : ONLY[only];
    const events = () =>
      (only === undefined ? selection.addressEvents() : selection.addressEventsWithEntry()).where(condition);
    measures.deliveries = byId(event, events().where(attempts("delivered")), NO_SIZES);
    measures.volumes = byId(
      event,
      selection.addressEventsWithMessage().where(condition).where(attempts("delivered")),
      SIZES,
    );
    const deferrals = byId(event, events().where(attempts("deferred")), NO_SIZES);
    const unreached = withHostErrors(selection.tables).selectFrom("temp.host_errors as x");
    measures.deferrals = hostError === undefined ? deferrals : added(deferrals, byId(hostError, unreached, NO_SIZES));
    const ended = withGivenUp(selection.tables)
      .selectFrom("temp.given_up as x")
      .innerJoin("address_events as e", "e.entry_id", "x.reason_id")
      .innerJoin("stored_entries as l", "l.id", "e.entry_id")
      .where(condition)
      .leftJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id");
    const bounces = byId(event, events().where(attempts("bounced")), NO_SIZES);
    measures.bounces = added(bounces, byId(event, ended, NO_SIZES));
    measures.failures = added(measures.deferrals, measures.bounces);
  }
  if (trouble !== undefined) measures.troubles = byId(trouble, selection.troubles(), NO_SIZES);
  if (rejection?.texts === "findings") measures.rejections = byId(rejection, selection.rejectionsWithEntry(), NO_SIZES);
  else if (rejection !== undefined) measures.rejections = byId(rejection, selection.rejections(), NO_SIZES);
  return measures;
}

/** Conditions on the lines of an axis, as `e` and `l`. */
const ONLY: Readonly<Record<NonNullable<Axis["only"]>, RawBuilder<boolean>>> = {
  forwarded: IS_FORWARDED,
  outgoing: sql<boolean>`(SELECT outgoing_ip_of(text) FROM strings WHERE id = l.details_id) IS NOT NULL`,
};

const NO_SIZES = sql<number>`0`;

/** Both figures as one. */
function added(one: Measure, other: Measure): Measure {
  return {
    ...one,
    rowsById: (isKept) =>
      sql`(SELECT * FROM ${one.rowsById(isKept)} UNION ALL SELECT * FROM ${other.rowsById(isKept)})`,
  };
}

/** Rows counted by the id in a column. */
function byId<Tables, Used extends keyof Tables>(
  column: KeyColumn,
  rows: SelectQueryBuilder<Tables, Used, object>,
  bytes: RawBuilder<number>,
): Measure {
  const id = sql.ref<number | null>(column.column);
  const hasKey =
    column.texts === "scripts" || column.texts === "findings"
      ? sql<boolean>`${id} IN (SELECT id FROM ${sql.table(tableOf(column.texts))})`
      : sql<boolean>`${id} IS NOT NULL`;
  return {
    column,
    rowsById: (isKept) =>
      rows
        .select([id.as("id"), sql<number>`count(*)`.as("count"), bytes.as("bytes")])
        .where(isKept ? sql<boolean>`${id} IN (SELECT id FROM temp.ranked_ids)` : hasKey)
        .groupBy(id),
  };
}

/** Fills temp.ranked_ids with the ids whose keys these are: to know the rows before they are sorted is worth half the time. */
async function keepIds(
  { tables }: Selection,
  { key }: Axis,
  { texts }: KeyColumn,
  keys: readonly (string | number)[],
): Promise<void> {
  const wanted = sql`SELECT value FROM json_each(${JSON.stringify(keys)})`;
  const ids =
    texts === "none"
      ? wanted
      : sql`SELECT t.id FROM ${sql.table(tableOf(texts))} AS t WHERE ${keyOf(texts, key)} IN (${wanted})`;
  await sql`DROP TABLE IF EXISTS temp.ranked_ids`.execute(tables);
  await sql`CREATE TABLE temp.ranked_ids (id INTEGER PRIMARY KEY)`.execute(tables);
  await sql`INSERT OR IGNORE INTO temp.ranked_ids ${ids}`.execute(tables);
}

async function readMeasure(
  { tables }: Selection,
  { key }: Axis,
  { column, rowsById }: Measure,
  isKept: boolean,
  ending: RawBuilder<unknown>,
): Promise<readonly Measured[]> {
  const rows = rowsById(isKept);
  const source =
    column.texts === "none"
      ? sql`(SELECT g.id AS key, g.count, g.bytes FROM ${rows} AS g)`
      : sql`(SELECT ${keyOf(column.texts, key)} AS key, g.count, g.bytes FROM ${rows} AS g
             JOIN ${sql.table(tableOf(column.texts))} AS t ON t.id = g.id)`;
  const query = sql<Measured>`SELECT key, sum(count) AS count, total(bytes) AS bytes FROM ${source} GROUP BY key ${ending}`;
  return (await query.execute(tables)).rows;
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
