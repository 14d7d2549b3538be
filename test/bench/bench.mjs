// Figures of speed and size on a generated log, next to exigrep and eximstats when they are installed.
//   npm run bench                         one million lines, three runs each
//   npm run bench -- --lines 100000 --runs 1
//   npm run bench -- --lines 900000,3000000,10000000 --runs 1    logs of several sizes, and how the figures grow with them
//   npm run bench -- --only programs      without the parser alone
//   npm run bench -- --only parser        the parser alone
//   npm run bench -- --only keeping       backup, and prune of half, and how long another writer has to wait meanwhile
//   npm run bench -- --only keeping --database FILE    the same of a database that is there; a copy of it is pruned
//   npm run bench -- --only incidents     what the rules find in simulated traffic and how soon; then detection from the first line, after a few new lines,
//                                         and the questions that use it; --lines takes several sizes, --lines 0 leaves these out
//   npm run bench -- --only fuzz          one million mutated lines through the parser; --seed 1000001 for others
// Figures depend on the machine, so compare those of one run. Only mutated lines can fail: the program then ends with status 1.
import { fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "bin", "exim-pilot.js");
const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    database: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
/** Lines of each log; the sizes after the first show how figures grow. */
const sizes = values.lines.split(",").map(Number);
const [wanted] = sizes;
const parts = values.only === undefined ? ["programs", "parser"] : [values.only];
if (!["programs", "parser", "keeping", "incidents", "fuzz"].includes(parts[0]))
  throw new Error("--only takes programs, parser, keeping, incidents or fuzz.");
/** No line as long as Exim's buffer may take longer to parse, however it was put together. */
const SLOWEST_MICROS = 1000;
/** Entries that are added to the log for each run of the increment. */
const INCREMENT_LINES = 1000;
/** Seeds of the simulation that nobody looked at while thresholds were chosen. */
const UNSEEN_SEEDS = [201, 202, 203, 204, 205, 206, 207, 208];
const folder = mkdtempSync(join(tmpdir(), "exim-pilot-bench-"));

try {
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
  );
  if (parts.includes("fuzz")) await fuzz(wanted, Number(values.seed));
  else if (parts.includes("keeping")) await measureKeeping();
  else if (parts.includes("incidents")) await measureIncidents();
  else await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  let first;
  for (const size of sizes) {
    const log = join(folder, `mainlog-${size}`);
    const { lines, ids, more } = await writeLog(log, size);
    const bytes = statSync(log).size;
    console.log(`\nlog: ${count(lines)} lines, ${mebibytes(bytes)}`);
    if (parts.includes("programs")) {
      const rate = measurePrograms({ log, lines, bytes, ids, more, first });
      first ??= rate;
    }
    if (parts.includes("parser") && size === wanted) {
      const { measureParser } = await load("test/bench/parser.ts");
      const parsed = measureParser(log, runs);
      const rate = count(Math.round(parsed.lines / parsed.seconds));
      console.log(
        `\nparser alone: ${rate} lines/s (${count(parsed.lines)} lines in memory, least processor time of ${runs})`,
      );
    }
    rmSync(log);
  }
}

/** Prints a table of whole processes, with ratios to others of the same run; `first`: the rate of the first log, to compare with. Returns the rate. */
function measurePrograms({ log, lines, bytes, ids, more, first }) {
  console.log(`medians of ${runs} runs, whole processes; seconds of the processor are of all threads`);
  const ingested = measureIngest(log, lines, bytes, first);
  const rows = [
    ...ingested.rows,
    ...measureQuestions(log, ids, first === undefined),
    measureRebuild(lines, ingested.rate),
    measureIncrement(log, more),
    ...(first === undefined ? measurePeers(log, lines) : []),
  ];
  console.table(Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])));
  return ingested.rate;
}

/** Prints what each rule finds in simulated traffic, and how other rules for stolen accounts do on the same accounts. */
async function scoreIncidents() {
  const { scoreSeeds, tableOf } = await load("test/incidents/score.ts");
  const { scoreRules, ruleTable } = await load("test/incidents/accounts.ts");
  const { scores, months } = scoreSeeds(UNSEEN_SEEDS);
  const seeds = `seeds ${UNSEEN_SEEDS.join(", ")}`;
  const episodes = scores.map(({ clear, subtle }) => clear + subtle).reduce((sum, each) => sum + each, 0);
  console.log(
    `\n${count(episodes)} episodes in ${months.toFixed(1)} months of a server, ${seeds}\n${tableOf(scores, months)}`,
  );
  const rules = scoreRules(UNSEEN_SEEDS);
  const [{ thefts, subtle, messages }] = rules;
  console.log(
    `\n${count(thefts)} stolen accounts, ${count(subtle)} of them subtle, in ${count(messages)} messages, ${seeds}\n${ruleTable(rules)}\n`,
  );
}

/** Measures detection on logs of several sizes, and the questions that use what it has stored. Seconds are of whole processes. */
async function measureIncidents() {
  await scoreIncidents();
  const rows = {};
  for (const size of sizes.filter((lines) => lines > 0)) {
    const [log, database] = [join(folder, `mainlog-${size}`), join(folder, `incidents-${size}.db`)];
    const { lines, more } = await writeLog(log, size);
    time([process.execPath, ...ingest(log, database)]);
    const run = (...argv) => time([process.execPath, ...usageOptions(), program, ...argv, "--db", database], [0, 1]);
    const ask = (...argv) => repeat(() => run(...argv)).seconds.toFixed(3);
    const before = { abuse: ask("abuse"), "stats accounts": ask("stats", "accounts") };
    const whole = run("incidents", "detect", "--quiet");
    const added = repeat(() => {
      appendFileSync(log, more.splice(0, INCREMENT_LINES).join(""), "latin1");
      time([process.execPath, ...ingest(log, database)]);
      return run("incidents", "detect", "--quiet");
    });
    rows[`${count(lines)} lines`] = {
      "from the first line, s": whole.seconds.toFixed(1),
      "peak RSS": mebibytes(whole.usage.peakBytes),
      [`${count(INCREMENT_LINES)} new entries, s`]: added.seconds.toFixed(3),
      "processor s": added.usage.seconds.toFixed(3),
      "abuse, s": `${before.abuse} → ${ask("abuse")}`,
      "stats accounts, s": `${before["stats accounts"]} → ${ask("stats", "accounts")}`,
    };
    rmSync(log);
  }
  console.log("questions: before detection → after it");
  console.table(rows);
}

/** Measures the commands that keep a database small and safe, while another process writes to it. */
async function measureKeeping() {
  const database = join(folder, "keeping.db");
  if (values.database === undefined) {
    const log = join(folder, "mainlog");
    await writeLog(log, wanted);
    time([process.execPath, ...ingest(log, database)]);
  } else copyFileSync(values.database, database);
  const half = halfOf(database);
  console.log(
    `database: ${count(half.lines)} lines, ${mebibytes(statSync(database).size)}; half: older than ${half.hours} h`,
  );
  const backups = join(folder, "backups");
  const rows = {
    nothing: await beside(database, [process.execPath, "-e", "setTimeout(() => {}, 10_000)"]),
    backup: await beside(database, [process.execPath, program, "backup", "--quiet", backups, "--db", database]),
    "prune of half": await beside(database, [
      ...[process.execPath, program, "prune", "--json", "--db", database],
      ...["--logs", `${half.hours}h`, "--messages", `${half.hours}h`, "--open", `${half.hours}h`],
    ]),
  };
  console.table(rows);
  time([process.execPath, program, "verify", "--db", database]);
}

/** Runs a program beside one that writes again and again. */
async function beside(database, command) {
  const before = statSync(database).size;
  const probe = fork(join(root, "test", "bench", "lock-probe.mjs"), [database]);
  await once(probe, "message");
  const started = process.hrtime.bigint();
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const printed = (await child.stdout.toArray()).join("");
  const [status] = await closed;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  probe.send("end");
  const [waits] = await once(probe, "message");
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}.`);
  return {
    seconds: seconds.toFixed(1),
    "longest wait, ms": Math.round(waits.longestMs),
    "middle, ms": waits.middleMs.toFixed(2),
    // Measured by the program itself: the rest of a wait is due to SQLite's pauses between attempts.
    "longest lock, ms": printed === "" ? "" : (JSON.parse(printed).longestLockMs ?? ""),
    transactions: count(waits.count),
    returned: mebibytes(before - statSync(database).size),
  };
}

/** Age of the middle line. */
function halfOf(path) {
  const database = new Database(path, { readonly: true });
  try {
    const { lines } = database.prepare("SELECT sum(lines) AS lines FROM raw_blocks").get();
    const blocks = database
      .prepare("SELECT lines, last_ms FROM raw_blocks WHERE last_ms IS NOT NULL ORDER BY last_ms")
      .all();
    let seen = 0;
    const middle = blocks.find((block) => {
      seen += block.lines;
      return seen >= lines / 2;
    });
    return { lines, hours: Math.floor((Date.now() - middle.last_ms) / 3_600_000) };
  } finally {
    database.close();
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

/** Writes a log of at least so many lines; returns how many there are, the id of one of its messages, and what comes next in it. */
async function writeLog(path, wanted) {
  const { generateLog } = await load("test/support/generate.ts");
  const file = openSync(path, "w");
  const ids = [];
  const more = [];
  let lines = 0;
  let buffer = "";
  // A message takes several lines, so the traffic never ends too early.
  for (const entry of generateLog("main", { messages: wanted })) {
    if (lines >= wanted) {
      more.push(entry);
      if (more.length === INCREMENT_LINES * runs) break;
      continue;
    }
    if (ids.length === 0 && lines > wanted / 2) ids.push(...(/ (\w{6}-\w{6,11}-\w{2,4}) /.exec(entry)?.slice(1) ?? []));
    buffer += entry;
    lines += entry.split("\n").length - 1;
    if (buffer.length > 1 << 20) {
      writeSync(file, buffer, null, "latin1");
      buffer = "";
    }
  }
  writeSync(file, buffer, null, "latin1");
  closeSync(file);
  return { lines, ids, more };
}

/** In turns with eximstats, since the machine is as fast as its other work lets it be. */
function measureIngest(log, lines, bytes, first) {
  const database = join(folder, "bench.db");
  const hasPeer = isInstalled("eximstats");
  const peers = [];
  const measured = repeat(() => {
    if (hasPeer) peers.push(time(["eximstats", log]));
    for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true });
    return time([process.execPath, ...usageOptions(), ...ingest(log, database)]);
  });
  const peer = hasPeer ? medianOf(peers) : undefined;
  const size = statSync(database).size;
  const rate = lines / measured.seconds;
  const { usage } = measured;
  const row = {
    name: "exim-pilot ingest",
    seconds: measured.seconds.toFixed(2),
    "lines/s": count(Math.round(rate)),
    ...(peer && { "× eximstats": (peer.seconds / measured.seconds).toFixed(2) }),
    ...(first && { "× first log": (rate / first).toFixed(2) }),
    "processor s": usage.seconds.toFixed(1),
    "µs/line": ((usage.seconds / lines) * 1e6).toFixed(1),
    "by thread": [...usage.threads.values()].map((seconds) => seconds.toFixed(1)).join(" + "),
    "peak RSS": mebibytes(usage.peakBytes),
    "DB bytes per log byte": (size / bytes).toFixed(3),
  };
  const peerRow = peer && {
    name: "eximstats",
    seconds: peer.seconds.toFixed(2),
    "lines/s": count(Math.round(lines / peer.seconds)),
  };
  return { rate, rows: peerRow === undefined ? [row] : [row, peerRow] };
}

/** Once. */
function measureRebuild(lines, rate) {
  const database = join(folder, "bench.db");
  const argv = [...usageOptions(), program, "rebuild", "--quiet", "--db", database];
  const { seconds, usage } = time([process.execPath, ...argv]);
  return {
    name: "exim-pilot rebuild",
    seconds: seconds.toFixed(2),
    "lines/s": count(Math.round(lines / seconds)),
    "× ingest": (lines / seconds / rate).toFixed(2),
    "processor s": usage.seconds.toFixed(1),
    "peak RSS": mebibytes(usage.peakBytes),
  };
}

/** The program and its arguments that read a log. */
function ingest(log, database) {
  return [program, "ingest", "--quiet", "--server", "bench", "--timezone", "UTC", "--db", database, log];
}

/** Measures questions that people ask, next to a Node that does nothing, and the tool that answers the same from the log. */
function measureQuestions(log, ids, withPatterns) {
  const database = join(folder, "bench.db");
  const ask = (...argv) => repeat(() => time([process.execPath, program, ...argv, "--db", database], [0, 1])).seconds;
  const { seconds: bare } = repeat(() => time([process.execPath, "-e", "0"]));
  const id = ids[0] ?? "none";
  const sample = sampleOf(log);
  const rows = [
    { name: "node -e 0", seconds: bare.toFixed(3) },
    question("trace ID", ask("trace", id), "× node", bare),
    question(`search --recipient`, ask("search", "--recipient", sample.recipient, "--limit", "50")),
    question(`search --sender`, ask("search", "--sender", sample.sender, "--limit", "50")),
    question(`search --ip`, ask("search", "--ip", sample.ip, "--limit", "50")),
    question("stats", ask("stats")),
    question("stats --by domain", ask("stats", "--by", "domain")),
  ];
  for (const pattern of withPatterns ? ["rejected RCPT", "nosuchtextanywhere", "[Gg]reylist(ed|ing)"] : []) {
    const ours = ask("search", pattern, "--count");
    const peer = isInstalled("exigrep") ? repeat(() => time(["exigrep", pattern, log], [0, 1])).seconds : undefined;
    rows.push(question(`search '${pattern}'`, ours, "× faster than exigrep", peer && ours, peer));
  }
  return rows;
}

function question(name, seconds, ratio, base, other = seconds) {
  return {
    name: `exim-pilot ${name}`,
    seconds: seconds.toFixed(3),
    ...(base && { [ratio]: (other / base).toFixed(1) }),
  };
}

/** Whom to ask for: of an arrival in the middle of the log. */
function sampleOf(log) {
  const bytes = Buffer.alloc(2 ** 20);
  const file = openSync(log, "r");
  readSync(file, bytes, 0, bytes.length, Math.floor(statSync(log).size / 2));
  closeSync(file);
  const text = bytes.toString("latin1");
  const [, sender = "none"] = /<= (\S+@\S+) H=/.exec(text) ?? [];
  const [, ip = "192.0.2.1"] = /<= .*H=.*?\[([\d.]+)\]/.exec(text) ?? [];
  const [, recipient = "none"] = /=> (\S+@\S+) /.exec(text) ?? [];
  return { sender, ip, recipient };
}

/** Measures an ingest as from cron: a few new lines into a database that holds all others. */
function measureIncrement(log, more) {
  const database = join(folder, "bench.db");
  const { seconds } = repeat(() => {
    appendFileSync(log, more.splice(0, INCREMENT_LINES).join(""), "latin1");
    return time([process.execPath, ...ingest(log, database)]);
  });
  return { name: `exim-pilot ingest, ${count(INCREMENT_LINES)} new entries`, seconds: seconds.toFixed(3) };
}

/** Exim's own tools answer from the log itself, each time again; the others hold its lines as they are. */
function measurePeers(log, lines) {
  const store = join(folder, "lines.db");
  const importLines = `.mode ascii\n.separator "\\037" "\\n"\nCREATE TABLE lines (line TEXT);\n.import ${log} lines\n`;
  const peers = [
    ["exigrep (one id)", ["exigrep", "nosuchid", log]],
    ["lnav (to count lines)", ["lnav", "-n", "-q", "-c", ";SELECT count(*) FROM all_logs", log]],
    ["sqlite3 (lines as they are)", ["sqlite3", store], importLines],
  ];
  return peers.map(([name, command, input]) => {
    if (!isInstalled(command[0])) return { name: `${name}: not installed` };
    const { seconds } = repeat(() => {
      rmSync(store, { force: true });
      return time(command, [0, 1], input);
    });
    return { name, seconds: seconds.toFixed(2), "lines/s": count(Math.round(lines / seconds)) };
  });
}

function isInstalled(command) {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", command]).status === 0;
}

/**
 * The child writes to descriptor 3, a line at a time, what it has used. Each thread writes its processor time again and again,
 * since one that is ended by force has no time to. The process writes at its end that of all threads, and its peak memory.
 */
function usageOptions() {
  const code = `
    import { writeSync } from "node:fs";
    import { isMainThread, threadId } from "node:worker_threads";
    const write = (figures) => writeSync(3, JSON.stringify(figures) + "\\n");
    const seconds = ({ user, system }) => (user + system) / 1e6;
    const tell = () => write({ threadId, seconds: seconds(process.threadCpuUsage()) });
    if (!isMainThread) setInterval(tell, 50).unref();
    process.on("exit", () => isMainThread ? write({ seconds: seconds(process.cpuUsage()), peakBytes: process.resourceUsage().maxRSS * 1024 }) : tell());`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}

/** Reads the usage of a child with {@link usageOptions}: threads in the order in which they began, the one that stores and the one that reads. */
function readUsage(path) {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const threads = new Map();
  const total = { seconds: Number.NaN, peakBytes: Number.NaN };
  for (const { threadId, ...figures } of lines.map((line) => JSON.parse(line))) {
    if (threadId === undefined) Object.assign(total, figures);
    else threads.set(threadId, figures.seconds);
  }
  return { ...total, threads };
}

/** `fine`: statuses that are no failure; 1 is "nothing found". */
function time([command, ...argv], fine = [0], input = undefined) {
  const usageFile = join(folder, "usage");
  const descriptor = openSync(usageFile, "w");
  const started = process.hrtime.bigint();
  const stdin = input === undefined ? "ignore" : "pipe";
  const { status, error } = spawnSync(command, argv, { input, stdio: [stdin, "ignore", "inherit", descriptor] });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  closeSync(descriptor);
  if (!fine.includes(status)) throw error ?? new Error(`${command} ended with ${status}.`);
  return { seconds, usage: readUsage(usageFile) };
}

function repeat(run) {
  return medianOf(Array.from({ length: runs }, run));
}

function medianOf(results) {
  return results.toSorted((left, right) => left.seconds - right.seconds)[Math.floor(results.length / 2)];
}

function count(value) {
  return value.toLocaleString("en-US");
}

function mebibytes(value) {
  return `${Math.round(value / 2 ** 20)} MiB`;
}
