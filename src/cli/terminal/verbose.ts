/** Steps of a command and the time they take, on standard error, for people who ask why it is slow. */

import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { basename } from "node:path";
import { type DiagnosticListener, listen, type StepFigures } from "../../diagnostics.ts";
import { PilotError } from "../../errors.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import type { Io } from "../io.ts";
import { readVersion } from "../package-root.ts";

const LOG_VARIABLE = "EXIM_PILOT_LOG";

/** `debug`: steps and statements. `plans`: how SQLite goes about each statement, too. */
const LEVELS = ["debug", "plans"] as const;
type Level = (typeof LEVELS)[number];

/** A statement that takes less is counted only. */
const SLOW_MS = 20;
/** Statements that are listed at the end, and characters of each. */
const MOST_STATEMENTS = 10;
const LONGEST_SQL = 160;
const MIB = 1024 * 1024;

/** Undefined: the user wants none. Errors: `usage`. */
function levelOf(isVerbose: boolean, { env }: Io): Level | undefined {
  const word = env[LOG_VARIABLE] ?? "";
  const level = LEVELS.find((name) => name === word);
  if (word !== "" && level === undefined) {
    throw new PilotError("usage", `${LOG_VARIABLE} cannot be "${word}".`, {
      hint: `Give ${LEVELS.join(" or ")}, or leave it away.`,
    });
  }
  return level ?? (isVerbose ? "debug" : undefined);
}

let current: Diagnostics | undefined;

/** To be called when a command is about to run. Errors: `usage`. */
export function beginDiagnostics(isVerbose: boolean, command: string, io: Io): void {
  const level = levelOf(isVerbose, io);
  if (level !== undefined) current = new Diagnostics(level, command, io);
}

/** To be called when it has ended. `status`: of the process; undefined when the command is begun again in a thread. */
export function endDiagnostics(status: number | undefined): void {
  current?.end(status);
  current = undefined;
}

interface Total {
  runs: number;
  rows: number;
  ms: number;
}

/** One run of a command, told while it goes on. */
class Diagnostics implements DiagnosticListener {
  readonly onPlan: DiagnosticListener["onPlan"];
  readonly #io: Io;
  readonly #startMs = performance.now();
  readonly #statements = new Map<string, Total>();
  readonly #onChild = (message: unknown): void => this.#tellChild((message as { process: ChildProcess }).process);
  #depth = 0;

  /** `command`: its name. */
  constructor(level: Level, command: string, io: Io) {
    this.#io = io;
    this.onPlan = level === "plans" ? (sql, plan) => this.#tellPlan(sql, plan) : undefined;
    const where = io.isBrief === true ? "in the first thread" : "in a thread of its own";
    this.#tell(
      `exim-pilot ${readVersion()} ${command}, Node.js ${process.versions.node}, ${process.platform}, ${where}`,
    );
    subscribe("child_process", this.#onChild);
    listen(this);
  }

  readonly onStep = (name: string): ((figures: StepFigures) => void) => {
    const startMs = performance.now();
    this.#tell(`${name} …`);
    this.#depth++;
    return (figures) => {
      this.#depth--;
      const parts = Object.entries(figures).map(([key, value]) => `${key} ${value}`);
      this.#tell([`${name}: ${formatMs(performance.now() - startMs)}`, ...parts].join(", "));
    };
  };

  readonly onStatement = (sql: string): ((rows: number) => void) => {
    const startMs = performance.now();
    return (rows) => {
      const ms = performance.now() - startMs;
      const total = this.#statements.get(sql);
      if (total === undefined) this.#statements.set(sql, { runs: 1, rows, ms });
      else {
        total.runs++;
        total.rows += rows;
        total.ms += ms;
      }
      if (ms >= SLOW_MS) this.#tell(`statement: ${formatMs(ms)}, rows ${rows}: ${shorten(sql)}`);
    };
  };

  /** `status` as in {@link endDiagnostics}. */
  end(status: number | undefined): void {
    listen(undefined);
    unsubscribe("child_process", this.#onChild);
    this.#tellStatements();
    const { heapUsed, rss } = process.memoryUsage();
    const memory = `${Math.round(rss / MIB)} MiB of memory, ${Math.round(heapUsed / MIB)} MiB of them JavaScript's`;
    const how = status === undefined ? "begun again in a thread of its own" : `ended with status ${status}`;
    this.#tell(`${how} after ${formatMs(performance.now() - this.#startMs)}, ${memory}`);
  }

  #tellStatements(): void {
    const totals = [...this.#statements].sort(([, one], [, other]) => other.ms - one.ms);
    if (totals.length === 0) return;
    const runs = totals.reduce((sum, [, total]) => sum + total.runs, 0);
    const ms = totals.reduce((sum, [, total]) => sum + total.ms, 0);
    this.#tell(`statements: ${formatMs(ms)}, runs ${runs}, different ${totals.length}; those that took longest:`);
    for (const [sql, total] of totals.slice(0, MOST_STATEMENTS))
      this.#tell(`  ${formatMs(total.ms)}, runs ${total.runs}, rows ${total.rows}: ${shorten(sql)}`);
  }

  #tellPlan(sql: string, plan: readonly string[]): void {
    this.#tell(`plan of ${shorten(sql)}`);
    for (const line of plan) this.#tell(`  ${line}`);
  }

  /** Reports a child process without its arguments: a pattern or a passphrase may be among them. */
  #tellChild(child: ChildProcess): void {
    const startMs = performance.now();
    child.once("spawn", () => {
      const name = `process ${child.pid} (${basename(child.spawnfile)})`;
      this.#tell(`${name} …`);
      child.once("exit", (status, signal) => {
        this.#tell(`${name}: ${formatMs(performance.now() - startMs)}, ended with ${status ?? signal}`);
      });
    });
  }

  #tell(text: string): void {
    const at = `+${formatMs(performance.now() - this.#startMs)}`.padStart(12);
    this.#io.stderr.write(`debug ${at}  ${"  ".repeat(this.#depth)}${toVisibleLine(text)}\n`);
  }
}

function shorten(sql: string): string {
  const line = sql.replaceAll(/\s+/g, " ").trim();
  return line.length <= LONGEST_SQL ? line : `${line.slice(0, LONGEST_SQL)}…`;
}

/** `3.2 ms`, `12.0 s`. */
function formatMs(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
