#!/usr/bin/env node
// The driver of SQLite ends an older Node.js with a segmentation fault, so the version is looked at before anything is loaded.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 15)) {
  const { start } = (await import("../dist/start.cjs")).default;
  const status = await start(process.argv.slice(2));
  // NOTE: all that was printed has been taken by now, and an end that gives back each object first takes a tenth of a short run.
  process.exit(status);
} else {
  process.stderr.write(`error: exim-pilot needs Node.js 22.15 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 3;
}
