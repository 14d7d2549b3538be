// Figures of speed and size on a generated log, next to exigrep and eximstats when they are installed.
//   npm run bench                         one million lines, three runs each
//   npm run bench -- --lines 100000 --runs 1
// Nothing is asserted: figures depend on the machine, so compare those of one run.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "bin", "exim-pilot.js");
const { values } = parseArgs({
  options: { lines: { type: "string", default: "1000000" }, runs: { type: "string", default: "3" } },
});
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), "exim-pilot-bench-"));

try {
  const log = join(folder, "mainlog");
  const { lines, ids } = await writeLog(log, Number(values.lines));
  const bytes = statSync(log).size;
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
  );
  console.log(`log: ${count(lines)} lines, ${mebibytes(bytes)}; medians of ${runs} runs, whole processes\n`);
  const rows = [measureIngest(log, lines, bytes), ...measureTrace(ids), ...measurePeers(log, lines, ids)];
  console.table(Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Writes a log of at least so many lines; returns how many there are and ids of some of its messages. */
async function writeLog(path, wanted) {
  const bundle = join(folder, "generate.mjs");
  await build({
    entryPoints: [join(root, "test/support/generate.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  const { generateLog } = await import(pathToFileURL(bundle).href);
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
