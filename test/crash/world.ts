/** The world of all scenarios of power cuts: their form, the logs, and databases that are made once. */

import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { HOUR_MS } from "../../src/units.ts";
import { generateTraffic } from "../support/generate.ts";
import { auditOf, tagsOf } from "./examine.ts";
import { run, runWell } from "./program.ts";

/** Output and input of a command up to the power cut. */
export interface Moment {
  /** It had ended: what it says it did is done. */
  readonly hasEnded: boolean;
  /** Something had been printed. */
  readonly hasPrinted: boolean;
  /** A connection to another machine had been begun. */
  readonly hasAsked: boolean;
  /** Bytes it had taken from its pipe in all pieces but those of the last seconds. */
  readonly oldInput: number;
}

/** Faults of a state: those at any moment, and those that depend on the moment. */
export interface Findings {
  readonly always: readonly string[];
  readonly at: (moment: Moment) => readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** Makes what the command finds, and what it is compared with, outside of the folder. */
  readonly prepare: (folder: string) => Promise<void>;
  readonly argv: (folder: string) => readonly string[];
  /** Pieces written to its standard input, with pauses between them. */
  readonly pieces?: readonly Buffer[];
  /** Another process has the database open meanwhile, so that nothing is checkpointed at the end. */
  readonly hasReader?: boolean;
  /** It connects to another machine, which its trace must show. */
  readonly asks?: boolean;
  /** Looks at a state; may go on with it. `folder` is not where it was recorded. */
  readonly examine: (folder: string) => Promise<Findings>;
}

export const DATABASE = "mail.db";
export const SERVER = ["--server", "mx1", "--timezone", "UTC"];
export const SMALL_BATCHES = ["--batch-size", "20"];

export class World {
  readonly home: string;
  /** Logs as they were when the database was made, and as they are now. */
  readonly logs: readonly string[];
  readonly early: ReadonlyMap<string, Buffer>;
  readonly late: ReadonlyMap<string, Buffer>;
  /** The database that most commands find. */
  readonly base: string;
  /** It with everything of the logs. */
  readonly whole: string;
  readonly messageId: string;

  private constructor(home: string, early: ReadonlyMap<string, Buffer>, late: ReadonlyMap<string, Buffer>) {
    this.home = home;
    this.early = early;
    this.late = late;
    this.logs = [...late.keys()];
    this.base = join(home, "base", DATABASE);
    this.whole = join(home, "whole", DATABASE);
    // The last one, which is not old enough to be pruned.
    this.messageId =
      [
        ...first(early)
          .toString()
          .matchAll(/ (\w{6}-\w{6,11}-\w{2,4}) <= /g),
      ].at(-1)?.[1] ?? "";
  }

  static async make(home: string): Promise<World> {
    const entries = [...generateTraffic({ messages: 60, seed: 12, gapMs: HOUR_MS })];
    const paths = { main: join(home, "mainlog"), reject: join(home, "rejectlog") };
    const textUntil = (end: number, log: "main" | "reject"): Buffer =>
      Buffer.from(
        entries
          .slice(0, end)
          .map((entry) => entry[log] ?? "")
          .join(""),
      );
    const logsUntil = (end: number): Map<string, Buffer> =>
      new Map((["main", "reject"] as const).map((log) => [paths[log], textUntil(end, log)]));
    const world = new World(home, logsUntil(Math.floor(entries.length * 0.6)), logsUntil(entries.length));
    for (const folder of [world.base, world.whole]) mkdirSync(join(folder, ".."), { recursive: true });
    world.putLogs(world.early);
    await runWell(["ingest", ...SERVER, ...SMALL_BATCHES, "--db", world.base, ...world.logs]);
    await runWell(["tag", "--db", world.base, world.messageId, "ticket-1"]);
    await runWell(["users", "add", "kim", "--db", world.base]);
    copyFileSync(world.base, world.whole);
    world.putLogs(world.late);
    await runWell(["ingest", ...SERVER, ...SMALL_BATCHES, "--db", world.whole, ...world.logs]);
    return world;
  }

  putLogs(texts: ReadonlyMap<string, Buffer>): void {
    for (const [path, text] of texts) writeFileSync(path, text);
  }

  /** A scratch place outside of the folders whose states are examined. */
  scratch(): string {
    return mkdtempSync(join(this.home, "scratch-"));
  }

  ingest(database: string): readonly string[] {
    return ["ingest", ...SERVER, ...SMALL_BATCHES, "--db", database, ...this.logs];
  }

  /** Losses of the base that a state must keep: its text, tags and audit log. */
  async losses(database: string, text: ReadonlyMap<string, Buffer> | undefined): Promise<readonly string[]> {
    const lost = this.logs.filter((log) => (text?.get(log)?.length ?? 0) < (this.early.get(log)?.length ?? 0));
    const audit = await auditOf(database);
    return [
      ...lost.map((log) => `Text of ${basename(log)} that was stored before is lost.`),
      ...((await tagsOf(database)).includes("ticket-1") ? [] : ["A tag that was there before is lost."]),
      ...(["ingest done", "tag done"].every((record) => audit.includes(record))
        ? []
        : ["The audit log has lost records."]),
    ];
  }
}

export function first(texts: ReadonlyMap<string, Buffer>): Buffer {
  return [...texts.values()][0] ?? Buffer.of();
}

/** Runs `argv`, which must end with 0, and tells when it does not. */
export async function failures(what: string, argv: readonly string[], stdin?: Buffer): Promise<readonly string[]> {
  const { status, stderr } = await run(argv, stdin);
  return status === 0 ? [] : [`${what} ends with ${status}: ${stderr.trim().slice(0, 300)}`];
}
