/** Texts that no row names are removed while others bring them back: at every step it ends as if that had come before or after. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { removeUnusedTexts } from "../../src/retention/unused-texts.ts";
import type { Writer } from "../../src/store/write/writer.ts";
import { runCli } from "../support/cli.ts";
import { OPTIONS, temporaryFolder, withWriter } from "../support/database.ts";
import { oneByOne, withPruner } from "../support/pruning.ts";
import { differences, dumpViews, queryAll } from "../support/views.ts";

/** Two logs whose last lines are read before they are written to their ends: then nothing names cut.exa and cut@exam any more. */
const LOGS = [
  {
    begun: "2026-03-02 08:00:00 1vx5YS-0006QZ-1J <= first@example.org H=cut.exa",
    rest: "mple [192.0.2.1] S=300\n2026-03-02 08:00:03 H=next.example [192.0.2.3] rejected RCPT <next@example.com>: no\n",
  },
  {
    begun: "2026-03-02 08:00:01 1vx5YS-0006QZ-1J => cut@exam",
    rest: "ple.com R=smarthost T=remote_smtp H=mx.example [192.0.2.2]\n2026-03-02 08:00:02 1vx5YS-0006QZ-1J Completed\n",
  },
];
/** Names those texts again, and others that a rebuild gives their ids. */
const AGAIN = [
  "2026-03-02 09:00:00 1vx5YS-0006QZ-2J <= first@example.org H=cut.exa [192.0.2.9] S=300",
  "2026-03-02 09:00:01 1vx5YS-0006QZ-2J => cut@exam R=smarthost T=remote_smtp H=mx.example [192.0.2.2]",
  "2026-03-02 09:00:02 1vx5YS-0006QZ-2J => cut@example.com R=smarthost T=remote_smtp H=cut.example [192.0.2.2]",
  "2026-03-02 09:00:03 H=next.example [192.0.2.3] rejected RCPT <next@example.com>: no",
];
const UNUSED = { strings: ["cut.exa"], addresses: ["cut@exam"] };
/** Before, between and after the hiding and the removing of a string and of an address. */
const TURNS = 8;

type Other = "ingest" | "rebuild";

describe("removing unused texts", () => {
  test("removes them when nobody else writes", async () => {
    const { path, texts } = await removeBeside(() => []);
    for (const [table, column] of [
      ["strings", "text"],
      ["addresses", "address"],
    ] as const) {
      expect(texts.before[table]).toEqual(expect.arrayContaining(UNUSED[table]));
      expect(texts.after[table]).toEqual(texts.before[table].filter((text) => !UNUSED[table].includes(text)));
      expect(queryAll(path, `SELECT ${column} FROM ${table}`)).toHaveLength(texts.after[table].length);
    }
  });

  const turns = Array.from({ length: TURNS }, (_, turn) => turn);
  test.each(turns)("beside a run that names them again, at turn %i", async (at) => {
    await removeBeside((turn) => (turn === at ? ["ingest"] : []));
  });

  test.each(turns)("beside a rebuild at turn %i, and a run that names them again soon after", async (at) => {
    for (const later of turns.slice(at, at + 3))
      await removeBeside((turn) => [
        ...(turn === at ? ["rebuild" as const] : []),
        ...(turn === later ? ["ingest" as const] : []),
      ]);
  });
});

/** Removes them while others do what `othersAt` says of each turn; then all is as it is without a removal. */
async function removeBeside(othersAt: (turn: number) => readonly Other[]) {
  const folder = temporaryFolder();
  const [path, undisturbed] = [join(folder, "pilot.db"), join(folder, "undisturbed.db")];
  let hasIngested = false;
  const texts = await withWriter(path, async (writer) => {
    // NOTE: it stays open, as with --follow, and remembers ids.
    await readLogs(writer, folder);
    const before = textsOf(path);
    let turn = 0;
    const slices = oneByOne(async () => {
      for (const other of othersAt(turn++)) {
        if (other === "rebuild") expect(await runCli(["rebuild", "--db", path])).toMatchObject({ status: 0 });
        else {
          await readAgain(writer, folder);
          hasIngested = true;
        }
      }
    });
    await withPruner(path, { isRehearsal: false }, (pruner) => removeUnusedTexts(pruner, slices, () => {}));
    expect(turn).toBeGreaterThanOrEqual(TURNS - UNUSED.strings.length - UNUSED.addresses.length);
    return { before, after: textsOf(path) };
  });
  await withWriter(undisturbed, async (writer) => {
    await readLogs(writer, folder);
    if (hasIngested) await readAgain(writer, folder);
  });
  expect(differences(dumpViews(path), dumpViews(undisturbed))).toEqual([]);
  expect((await runCli(["verify", "--deep", "--db", path])).stdout).toContain("Sound:");
  for (const all of Object.values(textsOf(path))) expect(new Set(all).size).toBe(all.length);
  return { path, texts };
}

async function readLogs(writer: Writer, folder: string): Promise<void> {
  for (const isWhole of [false, true]) {
    for (const [index, { begun, rest }] of LOGS.entries())
      await read(writer, join(folder, `log${index}`), isWhole ? begun + rest : begun);
  }
}

async function readAgain(writer: Writer, folder: string): Promise<void> {
  await read(writer, join(folder, "again"), `${AGAIN.join("\n")}\n`);
}

async function read(writer: Writer, log: string, text: string): Promise<void> {
  writeFileSync(log, text);
  await ingest([log], process, writer, { ...OPTIONS, logType: "main", batchLines: 1 });
}

function textsOf(path: string): Record<"strings" | "addresses", string[]> {
  const database = new Database(path, { readonly: true });
  try {
    const texts = (table: string, column: string) =>
      database.prepare<[], string>(`SELECT ${column} FROM ${table} ORDER BY 1`).pluck().all();
    return { strings: texts("strings", "text"), addresses: texts("addresses", "address") };
  } finally {
    database.close();
  }
}
