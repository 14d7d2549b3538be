/** Spools that real Exim wrote, with what its tools printed of them: those of `fixtures/queue`, and the full ones where their folder lies beside the project. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { epochMs } from "../../src/units.ts";

export interface Snapshot {
  readonly name: string;
  readonly directory: string;
  /** Time when the tools began; each of them took its own clock. */
  readonly at: number;
}

/** Seconds since 1970. */
const TRIMMED_AT = { default: 1_773_163_660, generated: 1_785_772_440, longid: 1_779_817_660 } as const;
const TRIMMED = fileURLToPath(new URL("../../fixtures/queue/", import.meta.url));
const FULL = fileURLToPath(new URL("../../../shared/corpus/", import.meta.url));

export function queueSnapshots(): readonly Snapshot[] {
  const trimmed = Object.entries(TRIMMED_AT).map(([name, seconds]) => ({
    name: `${name} (trimmed)`,
    directory: join(TRIMMED, name),
    at: epochMs(seconds * 1000),
  }));
  return [...trimmed, ...fullSnapshots()];
}

export function trimmedSpool(name: keyof typeof TRIMMED_AT): Snapshot {
  return { name, directory: join(TRIMMED, name), at: epochMs(TRIMMED_AT[name] * 1000) };
}

function fullSnapshots(): readonly Snapshot[] {
  if (!existsSync(FULL)) return [];
  return readdirSync(FULL).flatMap((profile) => {
    const truth = join(FULL, profile, "TRUTH.json");
    if (!existsSync(truth)) return [];
    const { queue_snapshots } = JSON.parse(readFileSync(truth, "utf8")) as {
      queue_snapshots: { tag: string; t: number }[];
    };
    return queue_snapshots.map(({ tag, t }) => ({
      name: `${profile} ${tag}`,
      directory: join(FULL, profile, `queue-${tag}`),
      at: Math.floor(t) * 1000,
    }));
  });
}
