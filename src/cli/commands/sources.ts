import { renderCoverage } from "../../render/coverage-text.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderSources, toSourceFacts } from "../../render/sources-page.ts";
import type { LogType } from "../../store/schema/codes.ts";
import { columnsOf, type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf } from "../coverage.ts";
import { unknownServer } from "../flags/filter-flags.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface SourcesFlags extends DatabaseFlags {
  readonly server?: string;
  readonly logType?: LogType;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Prints the logs that are stored. Errors: `not_found` when no server has the name; those of the database. */
export async function runSources(flags: SourcesFlags, io: Io): Promise<void> {
  const { server, logType, json } = flags;
  const found = await usingReader(flags, io, async (reader) => {
    const servers = await reader.search.timeZones();
    if (server !== undefined && !servers.has(server)) throw unknownServer(server, [...servers.keys()]);
    return {
      sources: await reader.sources.list({ server, logType }),
      coverage: coverageOf(reader, { server: server === undefined ? [] : [server] }, io),
    };
  });
  const { sources, coverage } = redactor(flags, io)(found);
  io.stdout.write(
    json === true
      ? renderJson("sources", { sources: sources.map(toSourceFacts), coverage })
      : renderSources(sources, io.timeZone, screenOf(io)) +
          (sources.length === 0 ? "" : `\n${renderCoverage(coverage, io.timeZone, columnsOf(io.stdout, io))}`),
  );
}
