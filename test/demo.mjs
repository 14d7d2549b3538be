// The main job on real input: reads the log in fixtures/ into a fresh database, traces a message and sums up.
// Prints each command before its output; fails when a command does.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "exim-pilot-demo-"));
const logs = ["mainlog", "rejectlog", "paniclog"].map((name) => join("fixtures", "corpus", "default", name));
const commands = [
  ["ingest", "--server", "mx1", "--timezone", "UTC", ...logs],
  ["trace", "1vx5YS-0006QZ-1J"],
  ["stats"],
];

try {
  for (const command of commands) {
    console.log(`$ exim-pilot ${command.join(" ")}`);
    const { status } = spawnSync(process.execPath, [join(root, "bin", "exim-pilot.js"), ...command], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, EXIM_PILOT_DB: join(folder, "demo.db") },
    });
    if (status !== 0) {
      process.exitCode = status ?? 1;
      break;
    }
    console.log();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
