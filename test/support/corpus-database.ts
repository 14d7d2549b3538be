/** Databases of whole corpora, for reading. */
import { epochMs } from "../../src/units.ts";
import type { Corpus, SyslogCorpus } from "./corpus.ts";
import { ingestInto } from "./database.ts";
import { madeOnce } from "./made-once.ts";

/** Path of a database with all logs of a corpus, in the order main, reject, panic, as those of the server mx1. */
export async function corpusDatabase({ name, logs, truth }: Corpus | SyslogCorpus): Promise<string> {
  return databaseOf(name, Object.values(logs), truth.timezone);
}

/** The same of its main log alone. */
export async function mainLogDatabase({ name, logs, truth }: Pick<Corpus, "name" | "logs" | "truth">): Promise<string> {
  return databaseOf(`${name}, main log`, [logs.main], truth.timezone);
}

/** Time at which the corpora are read: after their last line. */
const AFTER_ALL = epochMs(Date.UTC(2030, 0));

async function databaseOf(name: string, logs: readonly string[], timeZone: string): Promise<string> {
  return madeOnce(`${name}.db`, async (path) => {
    const report = await ingestInto(path, logs, { timeZone, now: () => AFTER_ALL });
    for (const { error } of report.logs) if (error !== undefined) throw error;
  });
}
