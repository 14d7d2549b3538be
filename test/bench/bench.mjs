// Figures of speed and size on a generated log, next to exigrep and eximstats when they are installed.
//   npm run bench                         one million lines, three runs each
//   npm run bench -- --lines 100000 --runs 1
//   npm run bench -- --only programs      without the parser alone
//   npm run bench -- --only parser        the parser alone
//   npm run bench -- --only fuzz          one million mutated lines through the parser; --seed 1000001 for others
// Figures depend on the machine, so compare those of one run. Only mutated lines can fail: the program then ends with status 1.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "bin", "exim-pilot.js");
const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
const wanted = Number(values.lines);
const parts = values.only === undefined ? ["programs", "parser"] : [values.only];
if (!["programs", "parser", "fuzz"].includes(parts[0])) throw new Error("--only takes programs, parser or fuzz.");
/** No line as long as Exim's buffer may take longer to parse, however it was put together. */
const SLOWEST_MICROS = 1000;
const folder = mkdtempSync(join(tmpdir(), "exim-pilot-bench-"));

try {
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
  );
  if (parts.includes("fuzz")) await fuzz(wanted, Number(values.seed));
  else await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  const log = join(folder, "mainlog");
  const { lines, ids } = await writeLog(log, wanted);
  const bytes = statSync(log).size;
  console.log(`log: ${count(lines)} lines, ${mebibytes(bytes)}`);
  if (parts.includes("programs")) {
    console.log(`\nmedians of ${runs} runs, whole processes`);
    const rows = [measureIngest(log, lines, bytes), ...measureTrace(ids), ...measurePeers(log, lines, ids)];
    console.table(Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])));
  }
  if (parts.includes("parser")) {
    const { measureParser } = await load("test/bench/parser.ts");
    const parsed = measureParser(log, runs);
    const rate = count(Math.round(parsed.lines / parsed.seconds));
    console.log(
      `\nparser alone: ${rate} lines/s (${count(parsed.lines)} lines in memory, least processor time of ${runs})`,
    );
  }
}

/** Mutated lines; then fewer that one token makes as long as Exim's buffer, and far longer than what is read of a line. */
async function fuzz(lines, seed) {
  const { fuzzParser } = await load("test/bench/fuzz.ts");
  const { mutateLine, overgrowLine } = await load("test/support/mutate-lines.ts");
  const samples = readSamples();
  const rows = {
    mutated: fuzzParser(lines, seed, (each) => mutateLine(samples, each)),
    "8 KiB": fuzzParser(Math.ceil(lines / 20), seed, (each) => overgrowLine(samples, each, 8 * 1024)),
    "1 MiB": fuzzParser(Math.ceil(lines / 1000), seed, (each) => overgrowLine(samples, each, 1024 * 1024)),
  };
  console.table(
    Object.fromEntries(
      Object.entries(rows).map(([name, figures]) => [
        name,
        {
          lines: count(figures.lines),
          "lines/s": count(Math.round(figures.lines / figures.seconds)),
          "slowest µs": Math.round(figures.slowestMicros),
          "its seed": figures.slowestSeed,
          thrown: figures.failures.length,
        },
      ]),
    ),
  );
  const failures = Object.values(rows).flatMap((row) => row.failures);
  for (const failure of failures.slice(0, 10)) console.error(failure);
  const isSlow = Math.max(rows.mutated.slowestMicros, rows["8 KiB"].slowestMicros) > SLOWEST_MICROS;
  if (isSlow) console.error(`A line took more than ${count(SLOWEST_MICROS)} µs.`);
  if (isSlow || failures.length > 0) process.exitCode = 1;
}

/** The annotated lines, without what is said of them. */
function readSamples() {
  const logs = join(root, "fixtures", "logs");
  return readdirSync(logs).flatMap((name) =>
    readFileSync(join(logs, name), "latin1")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
}

/** Bundles a module and loads it. */
async function load(path) {
  const bundle = join(folder, `${basename(path)}.mjs`);
  await build({ entryPoints: [join(root, path)], outfile: bundle, bundle: true, platform: "node", format: "esm" });
  return import(pathToFileURL(bundle).href);
}

/** Writes a log of at least so many lines; returns how many there are and ids of some of its messages. */
async function writeLog(path, wanted) {
  const { generateLog } = await load("test/support/generate.ts");
  const file = openSync(path, "w");
  const ids = [];
  let lines = 0;
  let buffer = "";
  // A message takes several lines, so the traffic never ends too early.
  for (const entry of generateLog("main", { messages: wanted })) {
    if (ids.length === 0 && lines > wanted / 2) ids.push(...(/ (\w{6}-\w{6,11}-\w{2,4}) /.exec(entry)?.slice(1) ?? []));
    buffer += entry;
    lines += entry.split("\n").length - 1;
    if (buffer.length > 1 << 20) {
      writeSync(file, buffer, null, "latin1");
      buffer = "";
    }
    if (lines >= wanted) break;
  }
  writeSync(file, buffer, null, "latin1");
  closeSync(file);
  return { lines, ids };
}

function measureIngest(log, lines, bytes) {
  const database = join(folder, "bench.db");
  const measured = repeat(() => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true });
    return time([
      process.execPath,
      ...peakOptions(),
      program,
      "ingest",
      "--quiet",
      "--server",
      "bench",
      "--timezone",
      "UTC",
      "--db",
      database,
      log,
    ]);
  });
  const size = statSync(database).size;
  return {
    name: "exim-pilot ingest",
    seconds: measured.seconds.toFixed(2),
    "lines/s": count(Math.round(lines / measured.seconds)),
    "peak RSS": mebibytes(measured.peakBytes),
    "DB bytes per log byte": (size / bytes).toFixed(3),
  };
}

function measureTrace(ids) {
  const [id] = ids;
  if (id === undefined) return [];
  const database = join(folder, "bench.db");
  const bare = repeat(() => time([process.execPath, "-e", "0"]));
  const traced = repeat(() => time([process.execPath, program, "trace", id, "--db", database]));
  return [
    { name: "node -e 0", seconds: bare.seconds.toFixed(3) },
    { name: "exim-pilot trace", seconds: traced.seconds.toFixed(3) },
  ];
}

/** Exim's own tools answer from the log itself, each time anew. */
function measurePeers(log, lines, ids) {
  const peers = [
    ["exigrep (one id)", ["exigrep", ids[0] ?? "none", log]],
    ["eximstats", ["eximstats", log]],
  ];
  return peers.map(([name, command]) => {
    if (spawnSync("sh", ["-c", `command -v ${command[0]}`]).status !== 0) return { name: `${name}: not installed` };
    const { seconds } = repeat(() => time(command));
    return { name, seconds: seconds.toFixed(2), "lines/s": count(Math.round(lines / seconds)) };
  });
}

/** The child writes its peak memory to descriptor 3 when it ends. */
function peakOptions() {
  const code = `import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,String(process.resourceUsage().maxRSS)))`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}

function time([command, ...argv]) {
  const peakFile = join(folder, "peak");
  const descriptor = openSync(peakFile, "w");
  const started = process.hrtime.bigint();
  const { status, error } = spawnSync(command, argv, { stdio: ["ignore", "ignore", "inherit", descriptor] });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  closeSync(descriptor);
  if (status !== 0) throw error ?? new Error(`${command} ended with ${status}.`);
  return { seconds, peakBytes: Number(readFileSync(peakFile, "utf8")) * 1024 };
}

function repeat(run) {
  const results = Array.from({ length: runs }, run).sort((left, right) => left.seconds - right.seconds);
  return results[Math.floor(runs / 2)];
}

function count(value) {
  return value.toLocaleString("en-US");
}

function mebibytes(value) {
  return `${Math.round(value / 2 ** 20)} MiB`;
}
