// Bundles the program into dist/: one small file to start with, and what each command needs beside it.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { thirdPartyLicenses } from "./third-party-licenses.mjs";

// NOTE: `npm ci --ignore-scripts` leaves out the Node.js that the project brings, so that the machine's own runs this.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(
    `The project needs Node.js 22.15 or newer, and this is ${process.versions.node}: run npm ci without --ignore-scripts, which brings Node.js 24.`,
  );
  process.exit(1);
}

rmSync("dist", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [
    "src/cli/start.ts",
    "src/cli/command-thread.ts",
    "src/cli/reading-worker.ts",
    "src/cli/query-process.ts",
    "src/cli/pattern-process.ts",
    "src/cli/text-pattern-process.ts",
    "src/cli/parent-watch.ts",
  ],
  outdir: "dist",
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node22.15",
  // It loads a compiled part from its own folder.
  external: ["better-sqlite3"],
  // Packages in the older module form ask for Node's own modules through require; others import createRequire by its name.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: "warning",
  metafile: true,
});

writeFileSync("dist/THIRD-PARTY-LICENSES", thirdPartyLicenses(metafile));
writeFileSync("dist/exim-pilot.1", execFileSync(process.execPath, ["bin/exim-pilot.js", "completion", "man"]));
