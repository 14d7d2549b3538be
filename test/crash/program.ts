/** The program in this process, on files: thousands of states would take hours with a process each. */
import { Readable } from "node:stream";
import { main } from "../../src/cli/main.ts";
import { epochMs } from "../../src/units.ts";
import { Screen, stillIo } from "../support/still-io.ts";

export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program with `argv`; "-" reads `stdin`. The clock is this machine's, as that of the traced runs. */
export async function run(argv: readonly string[], stdin: string | Buffer = ""): Promise<Run> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const io = stillIo({ stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr, now: () => epochMs(Date.now()) });
  // Nobody else is there to be waited for: a lock is a fault.
  const status = await main(argv.includes("--db") ? [...argv, "--wait", "1"] : argv, io);
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** The same, which must end with 0. */
export async function runWell(argv: readonly string[], stdin: string | Buffer = ""): Promise<string> {
  const { status, stdout, stderr } = await run(argv, stdin);
  if (status !== 0) throw new Error(`exim-pilot ${argv.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}
