/** Ways of delivery and reasons that no attempt has any more go although others write, and stay when others bring them back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { removeUnusedTuples } from "../../src/retention/unused-tuples.ts";
import { TUPLES, usedTuples } from "../../src/store/prune/prune-plan.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { oneByOne, withPruner } from "../support/pruning.ts";
import { queryAll } from "../support/views.ts";

/** Read before they are written to their ends: then no attempt has the router cut and the reason "no" any more. */
const LOGS = [
  ["2026-03-02 08:00:00 1vx5YS-0006QZ-1J => a@example.com R=cut", "ting T=remote_smtp H=mx.example [192.0.2.2]\n"],
  ["2026-03-02 08:00:01 1vx5YS-0006QZ-1J ** b@example.com: no", " such user\n"],
] as const;
const AGAIN = LOGS.map(([begun]) => `${begun.replace("QZ-1J", "QZ-2J")}\n`).join("");

test("that others write again and again does not keep them", async () => {
  const { path, folder } = await database();
  let turns = 0;
  await removeFrom(path, async () => {
    // In the first rounds of each of the two tables something comes between the look and the removal.
    if (turns++ % 4 === 0)
      await readLog(path, join(folder, `other${turns}`), `2026-03-02 09:00:0${turns} other line\n`);
  });
  expect(turns).toBeGreaterThan(4);
  expect(unused(path)).toEqual({ delivery_paths: 0, delivery_problems: 0 });
});

test("others that never let up do not keep the prune from ending, and the next one removes them", async () => {
  const { path, folder } = await database();
  let turns = 0;
  const writing = async () => {
    turns++;
    await readLog(path, join(folder, `other${turns}`), `2026-03-02 09:00:00 other line ${turns}\n`);
  };
  await removeFrom(path, writing);
  expect(unused(path)).toEqual({ delivery_paths: 1, delivery_problems: 1 });
  await removeFrom(path, async () => {});
  expect(unused(path)).toEqual({ delivery_paths: 0, delivery_problems: 0 });
});

test("a reason that only a host error has is there, and goes with it", async () => {
  const { path, folder } = await database();
  await readLog(path, join(folder, "host"), "2026-03-02 08:00:02 1vx5YS-0006QZ-1J H=mx.example [192.0.2.2]: no\n");
  expect(unused(path)).toEqual({ delivery_paths: 1, delivery_problems: 0 });
  await removeFrom(path, async () => {});
  expect(queryAll(path, "SELECT error_text FROM log_entries WHERE event = 'host_error'")).toEqual([
    { error_text: "no" },
  ]);
});

test.each([0, 1, 2, 3])("one that comes back at turn %i is there", async (at) => {
  const { path, folder } = await database();
  let turn = 0;
  await removeFrom(path, async () => {
    if (turn++ === at) await readLog(path, join(folder, "again"), AGAIN);
  });
  expect(turn).toBeGreaterThan(at);
  expect(unused(path)).toEqual({ delivery_paths: 0, delivery_problems: 0 });
  expect(
    queryAll(path, "SELECT router, error_message FROM delivery_attempts WHERE message_id LIKE '%-2J' ORDER BY 1"),
  ).toEqual([
    { router: null, error_message: "no" },
    { router: "cut", error_message: null },
  ]);
  expect((await runCli(["verify", "--deep", "--db", path])).stdout).toContain("Sound:");
});

async function database(): Promise<{ path: string; folder: string }> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  for (const isWhole of [false, true]) {
    for (const [index, [begun, rest]] of LOGS.entries())
      await readLog(path, join(folder, `log${index}`), isWhole ? begun + rest : begun);
  }
  expect(unused(path)).toEqual({ delivery_paths: 1, delivery_problems: 1 });
  return { path, folder };
}

async function readLog(path: string, log: string, text: string): Promise<void> {
  writeFileSync(log, text);
  await ingestInto(path, [log], { logType: "main", batchLines: 1 });
}

function removeFrom(path: string, turn: () => Promise<void>): Promise<void> {
  return withPruner(path, { isRehearsal: false }, (pruner) => removeUnusedTuples(pruner, oneByOne(turn), () => {}));
}

function unused(path: string): Record<string, number> {
  const file = new Database(path, { readonly: true });
  try {
    return Object.fromEntries(
      TUPLES.map((tuple) => [
        tuple.table,
        file
          .prepare(`SELECT count(*) FROM ${tuple.table} WHERE id NOT IN (${usedTuples(tuple)})`)
          .pluck()
          .get() as number,
      ]),
    );
  } finally {
    file.close();
  }
}
