#!/usr/bin/env node
// The driver of SQLite ends an older Node.js with a segmentation fault, so the version is looked at before anything is loaded.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 15)) {
  const [{ main, reportCrash }, { processIo }] = await Promise.all([
    import("../dist/main.js"),
    import("../dist/io.js"),
  ]);
  const argv = process.argv.slice(2);
  const io = processIo();
  process.once("uncaughtException", async (error) => process.exit(await reportCrash(error, argv, io)));
  process.exitCode = await main(argv, io);
} else {
  process.stderr.write(`error: exim-pilot needs Node.js 22.15 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 3;
}
