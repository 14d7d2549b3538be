// How the program is bundled: one small file to start with, what each command needs beside it, and whole bundles for quick commands.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const CLI = fileURLToPath(new URL("src/cli/", import.meta.url));

/** The commands that each bundle of quick ones can run, see src/cli/quick.ts, and whether they open a database. */
const BRIEF = {
  trace: { commands: ["trace"], hasStore: true },
  ingest: { commands: ["ingest"], hasStore: true },
  words: { commands: ["help", "completion"], hasStore: false },
};

const SHARED = {
  bundle: true,
  platform: "node",
  target: "node22.15",
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  // It loads a compiled part from its own folder.
  external: ["better-sqlite3"],
  logLevel: "warning",
  metafile: true,
};

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
  const made = await Promise.all([
    bundleThreads(folder),
    bundleWhole("start.ts", join(folder, "start.cjs"), { commands: [], hasStore: false }),
    ...Object.entries(BRIEF).map(([name, content]) =>
      bundleWhole("brief.ts", join(folder, `brief-${name}.cjs`), content),
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

/** Threads and processes of the program, and what they share. */
function bundleThreads(folder) {
  const names = [
    "command-thread",
    "reading-worker",
    "checkpoint-worker",
    "children/query-process",
    "children/pattern-process",
    "children/text-pattern-process",
    "children/content-process",
    "children/evidence-process",
    "children/parent-watch",
  ];
  return build({
    ...SHARED,
    entryPoints: names.map((name) => join(CLI, `${name}.ts`)),
    outdir: folder,
    // Beside one another, whatever folder they come from.
    entryNames: "[name]",
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
    legalComments: "none",
    define: { "import.meta.url": "moduleUrl" },
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [withContent(content)],
  });
  writeFileSync(outfile, withLazyModules(result.outputFiles[0].text));
  return result;
}

/** Leaves out what its commands never ask for, and loads with the program what it would load when they run. */
function withContent({ commands, hasStore }) {
  const isAbsent = (path) => {
    // Detection follows an ingest that is told to, which is not brief.
    if (path === "./detection.ts") return true;
    const [, command] = /^\.\.?\/commands\/([\w-]+)\.ts$/.exec(path) ?? [];
    return command === undefined ? !hasStore && path.endsWith("/store/store.ts") : !commands.includes(command);
  };
  return {
    name: "content",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, kind }) =>
        kind === "dynamic-import" && isAbsent(path) ? { path, namespace: "absent" } : undefined,
      );
      onLoad({ filter: /./, namespace: "absent" }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is not in this bundle.`)});`,
      }));
      onLoad({ filter: /\/src\/cli\/.*\.ts$/ }, ({ path }) => ({
        contents: withStaticImports(readFileSync(path, "utf8"), isAbsent),
        loader: "ts",
      }));
    },
  };
}

/** Makes `const { a, b } = await import("x")` an import at the top, of these names alone: what else is in `x` may be left out. */
function withStaticImports(text, isAbsent) {
  const imports = [];
  const body = text.replace(/const \{ ([\w, ]+) \} = await import\("(\.[^"]+)"\);/g, (whole, names, path) => {
    if (isAbsent(path)) return whole;
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
