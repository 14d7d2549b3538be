/** Who leads by some figure, and the other figures of those. */
import { type Expression, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import type { CodeNames } from "../codes.ts";
import { AXES, type Axis, type AxisName, type KeyColumn, type Rank } from "./axes.ts";
import type { Selection } from "./selection.ts";

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
  readonly rowsById: Expression<unknown>;
}

type MeasureName = "messages" | "deliveries" | "volumes" | "deferrals" | "bounces" | "rejections";

/** The first so many by `rank`, and by their name where they are equal; or those of some keys. A rank that the axis lacks gives no rows. */
export async function readRanking(
  selection: Selection,
  names: CodeNames,
  axisName: AxisName,
  rank: Rank,
  wanted: number | readonly string[],
): Promise<Ranking> {
  const axis: Axis = AXES[axisName];
  const measures = measuresOf(selection, names, axis);
  const leading = measures[leadingMeasure(axis, rank)];
  if (leading === undefined) return { axis: axisName, rank, rows: [] };
  const order = rank === "volume" ? sql`bytes DESC, count DESC` : sql`count DESC, bytes DESC`;
  const leaders =
    typeof wanted === "number"
      ? await readMeasure(selection, axis, leading, sql`ORDER BY ${order}, key LIMIT ${sql.lit(wanted)}`)
      : undefined;
  const isNumber = (axis.event ?? axis.message)?.texts === "none";
  const keys =
    leaders?.map(({ key }) => key) ?? (wanted as readonly string[]).map((key) => (isNumber ? Number(key) : key));
  const ofLeaders = sql`HAVING key IN (${keys.length === 0 ? sql`NULL` : sql.join(keys)})`;
  const figures = new Map<MeasureName, Map<string | number, Measured>>();
  for (const [name, one] of Object.entries(measures) as [MeasureName, Measure][]) {
    const rows =
      one === leading && leaders !== undefined ? leaders : await readMeasure(selection, axis, one, ofLeaders);
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
  }));
  return { axis: axisName, rank, rows };
}

function leadingMeasure({ side }: Axis, rank: Rank): MeasureName {
  if (rank === "volume") return side === "client" ? "messages" : "volumes";
  if (rank === "count") return side === "client" ? "messages" : "deliveries";
  return rank;
}

function measuresOf(selection: Selection, names: CodeNames, { side, message, event, rejection }: Axis) {
  const measures: Partial<Record<MeasureName, Measure>> = {};
  const attempts = (outcome: "delivered" | "deferred" | "bounced") =>
    sql<boolean>`e.outcome = ${sql.lit(names.outcomeCode(outcome))} AND e.is_attempt`;
  if (side === "client" && message !== undefined) {
    const withMessage = selection.addressEventsWithMessage();
    measures.messages = byId(message, selection.messages(), SIZES);
    measures.deferrals = byId(message, withMessage.where(attempts("deferred")), NO_SIZES);
    measures.bounces = byId(message, withMessage.where(attempts("bounced")), NO_SIZES);
  }
  if (side === "delivery" && event !== undefined) {
    measures.deliveries = byId(event, selection.addressEvents().where(attempts("delivered")), NO_SIZES);
    measures.volumes = byId(event, selection.addressEventsWithMessage().where(attempts("delivered")), SIZES);
    measures.deferrals = byId(event, selection.addressEvents().where(attempts("deferred")), NO_SIZES);
    measures.bounces = byId(event, selection.addressEvents().where(attempts("bounced")), NO_SIZES);
  }
  if (rejection !== undefined) measures.rejections = byId(rejection, selection.rejections(), NO_SIZES);
  return measures;
}

const SIZES = sql<number>`coalesce(sum(m.size), 0)`;
const NO_SIZES = sql<number>`0`;

/** Rows counted by the id in a column. */
function byId<Tables, Used extends keyof Tables>(
  column: KeyColumn,
  rows: SelectQueryBuilder<Tables, Used, object>,
  bytes: RawBuilder<number>,
): Measure {
  const id = sql.ref<number | null>(column.column);
  return {
    column,
    rowsById: rows
      .select([id.as("id"), sql<number>`count(*)`.as("count"), bytes.as("bytes")])
      .where(
        column.texts === "scripts"
          ? sql<boolean>`${id} IN (SELECT id FROM temp.message_scripts)`
          : sql<boolean>`${id} IS NOT NULL`,
      )
      .groupBy(id),
  };
}

async function readMeasure(
  { tables }: Selection,
  { key }: Axis,
  { column, rowsById }: Measure,
  ending: RawBuilder<unknown>,
): Promise<readonly Measured[]> {
  const source =
    column.texts === "none"
      ? sql`(SELECT g.id AS key, g.count, g.bytes FROM ${rowsById} AS g)`
      : sql`(SELECT ${keyOf(column.texts, key)} AS key, g.count, g.bytes FROM ${rowsById} AS g
             JOIN ${sql.table(column.texts === "scripts" ? "temp.message_scripts" : column.texts)} AS t ON t.id = g.id)`;
  const query = sql<Measured>`SELECT key, sum(count) AS count, sum(bytes) AS bytes FROM ${source} GROUP BY key ${ending}`;
  return (await query.execute(tables)).rows;
}

function keyOf(texts: "addresses" | "strings" | "scripts", key: string | undefined): RawBuilder<string> {
  const text = sql.ref<string>(texts === "addresses" ? "t.address" : "t.text");
  return key === undefined ? text : sql<string>`${sql.id(key)}(${text})`;
}
