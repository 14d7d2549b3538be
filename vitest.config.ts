import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { SkippedReporter } from "./test/support/skipped-reporter.ts";

/** Files that take long though they are short: the last of them to begin would be waited for. */
const LONG = [
  "kill",
  "rotation-kill",
  "split-points",
  "concurrent",
  "exigrep",
  "corpus",
  "rights",
  "signals",
  "cli/sql",
  "chain",
  "prune",
  "rebuild",
  "verdicts",
];

class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(`/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** They put other modules in the place of those of Node.js, which files that come after them in a worker must not meet. */
const ISOLATED = ["test/ingest/faults.test.ts"];
/**
 * Processes that are killed, told to stop, at work together, or at the ends of pipes and full disks; archivers, services, browsers and
 * children for statements that are started, Exim's own tools beside ours, and logs that are followed. They have a script of their own: `npm run test:processes`.
 */
const PROCESSES = [
  "kill",
  "rotation-kill",
  "concurrent",
  "rights",
  "signals",
  "endless-archives",
  "output-failure",
  "overlap",
  "pipes",
  "setup",
  "source",
  "wrappers",
  "follow",
  "code-cache",
  "cli/bundles",
  "cli/sql",
  "e2e/report",
  "search/exigrep",
].map((name) => `test/**/${name}.test.ts`);
/**
 * Every cut, order and damage of whole logs, their archives and backups, and detection that reads weeks: quick of their kind, and as long as all
 * others. They have a script of their own: `npm run test:exhaustive`.
 */
const EXHAUSTIVE = [
  "abuse/accounts-at-risk",
  "backup/backup",
  "backup/flips",
  "backup/restore",
  "coverage/corpus",
  "e2e/verdicts",
  "incidents/detect",
  "incidents/score",
  "ingest/bad-input",
  "ingest/burdens",
  "ingest/cut-entries",
  "ingest/same-content",
  "ingest/split-points",
  "ingest/syslog-doubling",
  "rebuild/rebuild",
  "retention/archive",
  "retention/outliers",
  "retention/unused-texts",
  "search/block-index",
  "stats/corpus",
  "stats/rollups",
  "store/fact-keys",
  "trace/chain",
].map((name) => `test/${name}.test.ts`);
/** The program as it is packed and installed: `npm run test:npm`. */
const NPM_PACKAGE = ["test/package/**/*.test.ts"];

const test = {
  setupFiles: ["test/support/seed.ts"],
  // NOTE: compiled code would be kept in the home of whoever runs the tests.
  env: { TZ: "UTC", NO_COLOR: "1", SQLITE_USE_URI: "1", NODE_DISABLE_COMPILE_CACHE: "1" },
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // NOTE: one second, the default, is too short where other work has the processor.
  expect: { poll: { timeout: 30_000 } },
};

/** A file for what .ci/run counts. */
const report = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: ["default", new SkippedReporter(), ...(report === undefined ? [] : ["json"])],
    ...(report !== undefined && { outputFile: { json: report } }),
    globalSetup: ["test/support/build.ts", "test/support/run-folder.ts"],
    maxWorkers: "100%",
    sequence: { sequencer: LongOnesFirst },
    projects: [
      // The sources are loaded once in each worker, not for each file.
      {
        test: {
          ...test,
          name: "shared",
          include: ["test/**/*.test.ts"],
          exclude: [...ISOLATED, ...PROCESSES, ...EXHAUSTIVE, ...NPM_PACKAGE],
          isolate: false,
        },
      },
      { test: { ...test, name: "isolated", include: ISOLATED } },
      { test: { ...test, name: "exhaustive", include: EXHAUSTIVE, isolate: false } },
      { test: { ...test, name: "processes", include: PROCESSES, isolate: false } },
      { test: { ...test, name: "npm", include: NPM_PACKAGE, isolate: false } },
    ],
  },
});
