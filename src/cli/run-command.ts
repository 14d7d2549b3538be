/**
 * Runs a command, in the first thread or in one of its own. The build makes a file of this for each of some commands, with what they need
 * and no other command.
 */
import { type Io, processIo } from "./io.ts";
import { main, reportCrash } from "./main.ts";
import { NotBrief } from "./quick.ts";
import { streamsOfProcess } from "./terminal/standard-streams.ts";
import { runInThread } from "./threads/command-thread.ts";

/** Returns the exit status; undefined when the command cannot end at once, and has printed nothing. `controller` aborts by a signal. */
export async function runBriefly(argv: readonly string[], controller: AbortController): Promise<number | undefined> {
  const io: Io = Object.create(processIo(controller, streamsOfProcess()), { isBrief: { value: true } });
  const onCrash = async (error: unknown): Promise<void> => process.exit(await reportCrash(error, argv, io));
  process.once("uncaughtException", onCrash);
  try {
    return await main(argv, io);
  } catch (error) {
    if (error instanceof NotBrief) return undefined;
    throw error;
  } finally {
    process.off("uncaughtException", onCrash);
  }
}

/** Tells of a command that waited for what can no longer come; returns the exit status. */
export async function reportUnfinished(argv: readonly string[]): Promise<number> {
  const error = new Error("The command ended without a result: it waits for what can no longer come.");
  return reportCrash(error, argv, processIo(new AbortController(), streamsOfProcess()));
}

// In the bundle of a command, both ways to run it are in one file.
export { runInThread };
