import { renderJson } from "../../render/json.ts";
import { renderStatsPage } from "../../render/stats-page.ts";
import { computeStats } from "../../stats/stats.ts";
import { type DatabaseFlags, paintFor, usingReader } from "../context.ts";
import type { Io } from "../io.ts";

export interface StatsFlags extends DatabaseFlags {
  readonly json?: boolean;
}

/** Prints the totals. Errors: those of the database. */
export async function runStats(flags: StatsFlags, io: Io): Promise<void> {
  const stats = await usingReader(flags, io, (reader) => computeStats(reader.stats));
  io.stdout.write(
    flags.json === true ? renderJson("stats", stats) : renderStatsPage(stats, io.timeZone, paintFor(io.stdout, io)),
  );
}
