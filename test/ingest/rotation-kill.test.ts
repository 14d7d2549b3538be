/**
 * Logs that grow, are rotated and compressed between runs, while each run may be killed at any instant: in the end the content is
 * that of one undisturbed run over the files that are left. EXIM_PILOT_TORTURE=200 kills 200 times.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { ingestArgv, startProgram } from "../support/child.ts";
import { temporaryFolder } from "../support/database.ts";
import { generateLog, Random } from "../support/generate.ts";
import { differences, dumpSources, dumpViews, readSources } from "../support/views.ts";

const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 4);
const random = new Random(Number(process.env["EXIM_PILOT_SEED"] ?? 1));
/** Rotated files of one log, the oldest first. */
const MOST_ROTATED = 4;

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000, hookTimeout: 60_000 });

test("a run that is killed again and again, over logs that grow and are rotated, misses and repeats nothing", async () => {
  const folder = new RotatedLogs(temporaryFolder());
  const database = join(folder.path, "pilot.db");
  let killed = 0;
  let runs = 0;
  while (killed < KILLS || folder.hasMore) {
    folder.changeSomething();
    const { child, ended } = start(database, folder);
    runs++;
    if (killed < KILLS) await Promise.race([ended, sleep(random.upTo(900))]);
    if (killed < KILLS) child.kill("SIGKILL");
    const result = await ended;
    if (result.signal === "SIGKILL") killed++;
    else expect(result).toMatchObject({ status: 0, stderr: "" });
  }
  expect(runs).toBeGreaterThan(KILLS / 2);
  await expectUndisturbed(database, folder);
});

test("a run that follows logs while they grow and are rotated, and is killed again and again, misses and repeats nothing", async () => {
  const folder = new RotatedLogs(temporaryFolder());
  const database = join(folder.path, "pilot.db");
  for (let killed = 0; killed < KILLS; killed++) {
    const { child, ended } = start(database, folder, "--follow");
    const growing = setInterval(() => folder.changeSomething(), 1 + random.upTo(100));
    await sleep(random.upTo(1500));
    child.kill("SIGKILL");
    clearInterval(growing);
    expect(await ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
  }
  while (folder.hasMore) folder.changeSomething();
  await expectUndisturbed(database, folder);
});

/** One more run over the files, and the content is that of one run over all of them. */
async function expectUndisturbed(database: string, folder: RotatedLogs): Promise<void> {
  expect(await start(database, folder).ended).toMatchObject({ status: 0, stderr: "" });
  const undisturbed = join(folder.path, "undisturbed.db");
  expect(await start(undisturbed, folder).ended).toMatchObject({ status: 0, stderr: "" });
  expect(differences(dumpViews(database), dumpViews(undisturbed))).toEqual([]);
  expect(dumpSources(database)).toEqual(dumpSources(undisturbed));
  const sources = readSources(database);
  const filled = folder.paths.filter((path) => statSync(path).size > 0);
  expect(sources.map(({ path }) => path).sort()).toEqual(filled.sort());
  for (const { path, bytes } of sources) {
    const onDisk = readFileSync(path);
    expect(bytes.equals(path.endsWith(".gz") ? gunzipSync(onDisk) : onDisk), path).toBe(true);
  }
}

function start(database: string, { paths }: RotatedLogs, ...flags: readonly string[]) {
  const size = random.pick(["20", "100", "500"]);
  return startProgram(ingestArgv(database, paths, "--batch-size", size, ...flags));
}

/** A main and a reject log, written bit by bit. */
class RotatedLogs {
  readonly path: string;
  readonly #logs = (["main", "reject"] as const).map((log) => ({
    name: `${log}log`,
    rest: Buffer.from([...generateLog(log, { messages: 2500, seed: 11 })].join(""), "latin1"),
    rotations: 0,
  }));
  /** Between two runs a log grows by up to so much, so that it lasts for all of them. */
  readonly #mostNewBytes = Math.ceil(Math.max(...this.#logs.map(({ rest }) => rest.length)) * (2 / KILLS));

  constructor(path: string) {
    this.path = path;
    for (const { name } of this.#logs) writeFileSync(join(path, name), "");
  }

  /** All of the files there are, the newest first. */
  get paths(): string[] {
    return this.#logs.flatMap(({ name }) =>
      ["", ".1", ...Array.from({ length: MOST_ROTATED - 1 }, (_, index) => `.${index + 2}.gz`)]
        .map((ending) => join(this.path, name + ending))
        .filter((path) => existsSync(path)),
    );
  }

  /** True when there is something left to write. */
  get hasMore(): boolean {
    return this.#logs.some(({ rest }) => rest.length > 0);
  }

  /** Lets the logs grow, by any number of bytes; now and then rotates one. */
  changeSomething(): void {
    for (const log of this.#logs) {
      const length = Math.min(log.rest.length, 1 + random.upTo(this.#mostNewBytes));
      appendFileSync(join(this.path, log.name), log.rest.subarray(0, length));
      log.rest = log.rest.subarray(length);
      const isFilled = statSync(join(this.path, log.name)).size > 0;
      if (isFilled && log.rotations < MOST_ROTATED && random.isOneOf(5)) this.#rotate(log);
    }
  }

  /** Rotates as logrotate does with `delaycompress`. */
  #rotate(log: { readonly name: string; rotations: number }): void {
    const path = (ending: string): string => join(this.path, log.name + ending);
    log.rotations++;
    for (let number = MOST_ROTATED - 1; number >= 2; number--) {
      if (existsSync(path(`.${number}.gz`))) renameSync(path(`.${number}.gz`), path(`.${number + 1}.gz`));
    }
    if (existsSync(path(".1"))) {
      writeFileSync(path(".2.gz"), gzipSync(readFileSync(path(".1"))));
      rmSync(path(".1"));
    }
    renameSync(path(""), path(".1"));
    writeFileSync(path(""), "");
  }
}
