/** Asks the program about a log that a test writes down. */
import { join } from "node:path";
import { Readable } from "node:stream";
import type { SourceType } from "../../src/store/schema/codes.ts";
import { runCli } from "./cli.ts";
import { ingestInto, temporaryFolder } from "./database.ts";

/** A function that runs a command on a database of the log and returns what it prints, its line breaks as blanks. */
export async function asking(
  log: string,
  logType: SourceType = "main",
): Promise<(...args: string[]) => Promise<string>> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, ["-"], { logType }, Readable.from([log], { objectMode: false }));
  return async (...args) => {
    const { stdout, stderr } = await runCli([...args, "--db", path]);
    return `${stdout}${stderr}`.replace(/\s+/g, " ");
  };
}

/** The JSON in what {@link asking} returns, without what is said below it. */
export function jsonIn(printed: string): unknown {
  return JSON.parse(printed.slice(0, printed.lastIndexOf("}") + 1));
}
