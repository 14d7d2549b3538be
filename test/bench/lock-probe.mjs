// Beside other work on a database: writes one row again and again, as a run of ingest does that has found a line, and measures how
// long each transaction takes. Ends when its parent does; then prints the longest, their middle and their number as JSON.
//   node lock-probe.mjs DATABASE
import Database from "better-sqlite3";

const EVERY_MS = 5;
const database = new Database(process.argv[2], { timeout: 60_000, fileMustExist: true });
database.pragma("synchronous = NORMAL");
// Leaves checkpoints of other processes' transactions to them.
database.pragma("wal_autocheckpoint = 0");
const begin = database.prepare("BEGIN IMMEDIATE");
const write = database.prepare("UPDATE parser_versions SET first_ms = first_ms");
const commit = database.prepare("COMMIT");
const waits = [];
const timer = setInterval(() => {
  const started = process.hrtime.bigint();
  begin.run();
  write.run();
  commit.run();
  waits.push(Number(process.hrtime.bigint() - started) / 1e6);
}, EVERY_MS);
process.once("disconnect", () => {
  clearInterval(timer);
  database.close();
});
process.once("message", () => {
  clearInterval(timer);
  waits.sort((one, other) => one - other);
  process.send({ count: waits.length, middleMs: waits[waits.length >> 1], longestMs: waits.at(-1) });
  process.disconnect();
});
process.send("ready");
