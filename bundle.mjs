// How the program is bundled: one small file to start with, what each command needs beside it, and whole bundles for quick commands.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, transform } from "esbuild";

const inSource = (path) => fileURLToPath(new URL(`src/${path}`, import.meta.url));
const CLI = inSource("cli/");
const STORE = inSource("store/store.ts");
const DETECTION = inSource("store/stats/detection-reader.ts");

/** The commands that each bundle of its own can run, see src/cli/quick.ts, and modules that they never ask for. */
const RUN = {
  trace: { commands: ["trace", "trace-follow"], absent: [DETECTION] },
  ingest: { commands: ["ingest", "detection"], absent: [] },
  search: { commands: ["search"], absent: [DETECTION] },
  stats: { commands: ["stats", "stats-report", "risk-rule"], absent: [] },
  queue: {
    commands: ["queue", "queue-health", "queue-history", "queue-next", "queue-reconcile", "queue-snapshot"],
    absent: [DETECTION],
  },
  incidents: { commands: ["incidents", "detection"], absent: [] },
  words: { commands: ["help", "completion"], absent: [STORE, DETECTION] },
};

/** Packages and modules that few runs ask for. They share nothing with the bundle that asks, so that both may hold the same. */
const APART = {
  "command-thread": inSource("cli/threads/command-thread.ts"),
  ora: "ora",
  tinyglobby: "tinyglobby",
  "key-functions": inSource("store/stats/key-functions.ts"),
  "stats-html": inSource("render/html/stats-html.ts"),
};

// A source without comments and blanks is read and compiled sooner; names stay, for the stack of a bug.
const SHORT = { minifyWhitespace: true, minifySyntax: true, lineLimit: 160, legalComments: "none" };

const SHARED = {
  bundle: true,
  platform: "node",
  target: "node22.15",
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  // It loads a compiled part from its own folder.
  external: ["better-sqlite3"],
  define: { SCHEMA_SUMS: JSON.stringify(schemaSums()) },
  logLevel: "warning",
  metafile: true,
};

/** SHA-256 of each file of the schema by its name, so that a start need not read them. */
function schemaSums() {
  const folder = fileURLToPath(new URL("schema", import.meta.url));
  const sum = (name) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
  return Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith(".sql"))
      .sort()
      .map((name) => [name, sum(name)]),
  );
}

const MODULES = {
  format: "esm",
  // Packages in the older module form ask for Node's own modules through require; others import createRequire by its name.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
};

/** Bundles the program of `src` into a folder; returns what esbuild says of the files, as its metafile has it. */
export async function bundle(folder) {
  mkdirSync(folder, { recursive: true });
  const nothing = { commands: [], absent: [] };
  const made = await Promise.all([
    bundleModules(folder),
    bundleWhole("start.ts", join(folder, "start.cjs"), nothing),
    bundleWhole("threads/thread.ts", join(folder, "thread.cjs"), nothing),
    bundleWhole("threads/reading-thread.ts", join(folder, "reading-thread.cjs"), nothing),
    bundleWhole("threads/checkpoint-thread.ts", join(folder, "checkpoint-thread.cjs"), nothing),
    ...Object.entries(RUN).map(([name, content]) =>
      bundleWhole("run-command.ts", join(folder, `run-${name}.cjs`), content),
    ),
  ]);
  return { outputs: Object.assign({}, ...made.map(({ metafile }) => metafile.outputs)) };
}

/** The manual pages, each by the name of its file. */
export async function renderManualPages(folder, edition) {
  const outfile = join(folder, "manuals.mjs");
  const contents = `
    export { renderManuals } from "./manual/manual.ts";
    export { buildProgram } from "./declare/program.ts";`;
  await build({ ...SHARED, ...MODULES, stdin: { contents, resolveDir: CLI, loader: "ts" }, outfile });
  try {
    const { renderManuals, buildProgram } = await import(pathToFileURL(resolve(outfile)));
    return renderManuals(
      buildProgram({}, () => {}),
      edition,
    );
  } finally {
    rmSync(outfile);
  }
}

/** Processes, what is {@link APART}, and what they share. */
function bundleModules(folder) {
  const names = [
    "children/query-process",
    "children/pattern-process",
    "children/text-pattern-process",
    "children/content-process",
    "children/evidence-process",
    "children/parent-watch",
  ];
  const programs = names.map((name) => [basename(name), join(CLI, `${name}.ts`)]);
  return build({
    ...SHARED,
    ...SHORT,
    // Beside one another, whatever folder they come from.
    entryPoints: { ...Object.fromEntries(programs), ...APART },
    outdir: folder,
    splitting: true,
    ...MODULES,
  });
}

/**
 * One file in the older module form, which Node.js starts sooner. It is read at once, and what is not used is left out. Modules
 * in the older form, those of Node.js among them, are loaded when they are used.
 */
async function bundleWhole(entry, outfile, content) {
  const result = await build({
    ...SHARED,
    write: false,
    entryPoints: [join(CLI, entry)],
    outfile,
    format: "cjs",
    define: { ...SHARED.define, "import.meta.url": "moduleUrl" },
    external: [],
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [withDriver, withContent(content)],
  });
  const { code } = await transform(withLazyModules(result.outputFiles[0].text), {
    ...SHORT,
    target: SHARED.target,
    platform: SHARED.platform,
    format: "cjs",
  });
  writeFileSync(outfile, inAscii(code));
  return result;
}

/** The driver without the search for each of its modules; the package chooses its compiled part as ever. */
const withDriver = {
  name: "driver",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/binding$/ }, ({ resolveDir }) =>
      resolveDir.endsWith("/better-sqlite3/lib") ? { path: "binding", namespace: "driver" } : undefined,
    );
    onLoad({ filter: /./, namespace: "driver" }, () => ({
      contents: `
        const { createRequire } = process.getBuiltinModule("node:module");
        const from = createRequire(__filename);
        exports.getBinding = (file) => from(from.resolve("better-sqlite3").replace(/index\\.js$/, "binding.js")).getBinding(file);`,
    }));
  },
};

/** Texts of ASCII are read in one step; other characters are within strings and patterns, where an escape is the same. */
function inAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Leaves out what its commands never ask for, and loads with the program what it would load when they run. */
function withContent({ commands, absent }) {
  const isAbsent = (path) => {
    const [, command] = /\/commands\/([\w-]+)\.ts$/.exec(path) ?? [];
    return command === undefined ? absent.includes(path) : !commands.includes(command);
  };
  return {
    name: "content",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined;
        const [apart] = Object.entries(APART).find(([, target]) => target === targetOf(path, resolveDir)) ?? [];
        if (apart !== undefined) return { path: `./${apart}.js`, external: true };
        return isAbsent(targetOf(path, resolveDir)) ? { path, namespace: "absent" } : undefined;
      });
      onLoad({ filter: /./, namespace: "absent" }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is not in this bundle.`)});`,
      }));
      onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
        contents: withStaticImports(readFileSync(path, "utf8"), (target) => {
          const whole = targetOf(target, dirname(path));
          return Object.values(APART).includes(whole) || isAbsent(whole);
        }),
        loader: "ts",
      }));
    },
  };
}

/** The path of a module, or the name of a package. */
function targetOf(path, folder) {
  return path.startsWith(".") ? resolve(folder, path) : path;
}

/** Makes `const { a, b } = await import("x")` an import at the top, of these names alone: what else is in `x` may be left out. */
function withStaticImports(text, staysDynamic) {
  const imports = [];
  const body = text.replace(/const \{ ([\w, ]+) \} = await import\("(\.[^"]+)"\);/g, (whole, names, path) => {
    if (staysDynamic(path)) return whole;
    const pairs = names.split(", ").map((name) => ({ name, alias: `${name}_${imports.length}` }));
    imports.push(`import { ${pairs.map(({ name, alias }) => `${name} as ${alias}`).join(", ")} } from "${path}";`);
    return pairs.map(({ name, alias }) => `const ${name} = ${alias};`).join(" ");
  });
  return imports.join("") + body;
}

/** `var import_node_fs = require("node:fs");`, and `var import_command = __toESM(require_command(), 1);` of a bundled module, as esbuild writes them. */
const REQUIRED = /\bvar (import_\w+) = (?:__toESM\()?require(?:\("[^"]+"\)|_\w+\(\))(?:, 1\))?;/g;

function withLazyModules(text) {
  const names = new Set([...text.matchAll(REQUIRED)].map(([, name]) => name));
  if (names.size === 0) throw new Error("esbuild writes imports of other modules in another form than before.");
  return text
    .replace(/\bimport_\w+/g, (name) => (names.has(name) ? `(${name}())` : name))
    .replace(/\bvar \((import_\w+)\(\)\) = ([^;]+);/g, "var $1_made, $1 = () => $1_made ??= $2;");
}
