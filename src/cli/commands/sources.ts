import { renderJson } from "../../render/json.ts";
import { renderSources, toSourceFacts } from "../../render/sources-page.ts";
import type { LogType } from "../../store/codes.ts";
import { type DatabaseFlags, paintFor, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface SourcesFlags extends DatabaseFlags {
  readonly server?: string;
  readonly logType?: LogType;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Prints the logs that are stored. Errors: those of the database. */
export async function runSources(flags: SourcesFlags, io: Io): Promise<void> {
  const { server, logType, json } = flags;
  const found = await usingReader(flags, io, (reader) => reader.sources.list({ server, logType }));
  const sources = redactor(flags)(found);
  io.stdout.write(
    json === true
      ? renderJson("sources", { sources: sources.map(toSourceFacts) })
      : renderSources(sources, io.timeZone, paintFor(io.stdout, io)),
  );
}
