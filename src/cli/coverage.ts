/** Coverage beside the answers of commands. */
import { judgeCoverage } from "../coverage/coverage.ts";
import type { Coverage } from "../coverage/holes.ts";
import { describeCoverage, mendHoles } from "../render/coverage-text.ts";
import { toVisibleLine } from "../render/form/terminal-text.ts";
import type { Reader } from "../store/reader.ts";
import { type EpochMs, epochMs } from "../units.ts";
import type { Io } from "./io.ts";

interface Asked {
  readonly since?: EpochMs | undefined;
  readonly until?: EpochMs | undefined;
  readonly server?: readonly string[] | undefined;
}

export function coverageOf(reader: Reader, { since, until, server = [] }: Asked, io: Pick<Io, "now">): Coverage {
  return judgeCoverage(reader.coverage, { since, until, servers: server, now: io.now() });
}

/** Coverage of a time up to the last line of the servers: nobody can have read anything after it. */
export function coverageUpToLast(reader: Reader, { since, until, server }: Asked, io: Pick<Io, "now">): Coverage {
  const lasts = reader.coverage.servers(server ?? []).flatMap(({ lastMs }) => lastMs ?? []);
  const last = epochMs(Math.max(...lasts, since ?? 0) + 1);
  return coverageOf(reader, { since, until: until ?? last, server }, io);
}

/** Lines below an answer that has nothing: what was read of the time, and how to read the rest. */
export function explainNothing(coverage: Coverage, timeZone: string): string {
  const hint = mendHoles(coverage.holes);
  const lines = [`Coverage: ${describeCoverage(coverage, timeZone)}`, ...(hint === "" ? [] : [`hint: ${hint}`])];
  return lines.map((line) => `${toVisibleLine(line)}\n`).join("");
}
