/** A run that stored nothing leaves no server that nobody has. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { openDirectly, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { queryAll } from "../support/views.ts";

const serversOf = (path: string): unknown[] =>
  queryAll<{ name: string }>(path, "SELECT name FROM stored_servers ORDER BY name").map(({ name }) => name);

test("a failed run leaves a server only when something of it is stored or said", async () => {
  const folder = temporaryFolder();
  const [db, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
  const ingest = async (server: string, ...files: string[]): Promise<number> =>
    (await runCli(["ingest", "-q", "--db", db, "--server", server, ...files])).status;
  writeFileSync(log, SMALL_LOGS.main);
  expect(await ingest("slip", join(folder, "none"))).toBe(3);
  expect(serversOf(db)).toEqual([]);
  expect(await ingest("mx1", log, join(folder, "none"))).toBe(3);
  expect(serversOf(db)).toEqual(["mx1"]);
  expect(await ingest("mx1", join(folder, "none"))).toBe(3);
  expect(serversOf(db)).toEqual(["mx1"]);
  expect(await ingest("mx2", join(folder, "none"))).toBe(3);
  expect(serversOf(db)).toEqual(["mx1"]);
});

test("a failed run beside another one leaves the server, whose first log the other may be about to store", async () => {
  const folder = temporaryFolder();
  const db = join(folder, "pilot.db");
  writeFileSync(join(folder, "mainlog"), SMALL_LOGS.main);
  await runCli(["ingest", "-q", "--db", db, "--server", "mx1", join(folder, "mainlog")]);
  const database = openDirectly(db);
  database
    .prepare(
      "INSERT INTO ingest_runs (started_ms, program, result, sources, lines, messages, bytes) VALUES (0, 'x', 'running', 0, 0, 0, 0)",
    )
    .run();
  database.close();
  expect((await runCli(["ingest", "-q", "--db", db, "--server", "mx2", join(folder, "none")])).status).toBe(3);
  expect(serversOf(db)).toEqual(["mx1", "mx2"]);
});
