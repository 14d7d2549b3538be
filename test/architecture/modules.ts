/** The modules of the program, as far as the rules of its architecture ask about them. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Import {
  readonly specifier: string;
  readonly names: readonly string[];
  /** Gone when the program runs. */
  readonly isType: boolean;
}

export interface Module {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Every node with the property of its parent that holds it. */
  readonly nodes: readonly Place[];
  readonly statements: readonly Node[];
}

export interface Place {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly key: string;
}

/** A node of the syntax tree, in the form of ESTree. */
export interface Node {
  readonly type: string;
  readonly [property: string]: unknown;
}

const parsed = new Map<string, Module>();

/** The modules of a path → text map, parsed. */
export function modulesIn(files: ReadonlyMap<string, string>): Module[] {
  return [...files].map(([path, text]) => {
    const key = `${path}\n${text}`;
    const module = parsed.get(key) ?? parseModule(path, text);
    parsed.set(key, module);
    return module;
  });
}

function parseModule(path: string, text: string): Module {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const nodes: Place[] = [];
  collect(program as unknown as Node, undefined, "", nodes);
  return { path, nodes, imports: nodes.flatMap(toImports), statements: program.body as unknown as Node[] };
}

function collect(node: Node, parent: Node | undefined, key: string, places: Place[]): void {
  places.push({ node, parent, key });
  for (const [property, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) collect(child, node, property, places);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function toImports({ node }: Place): Import[] {
  const isTypeKind = (item: Node): boolean => item["importKind"] === "type" || item["exportKind"] === "type";
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration": {
      const specifier = literalText(node["source"]);
      if (specifier === undefined) return [];
      const specifiers = (node["specifiers"] ?? []) as Node[];
      const values = specifiers.filter((item) => !isTypeKind(item));
      const isType = isTypeKind(node) || (specifiers.length > 0 && values.length === 0);
      const names = specifiers.map((item) => nameOf(item["imported"] ?? item["local"]) ?? "default");
      return [{ specifier, names, isType }];
    }
    case "ImportExpression":
      return [{ specifier: literalText(node["source"]) ?? "", names: [], isType: false }];
    case "TSImportType":
      return [{ specifier: literalText(node["source"] ?? node["argument"]) ?? "", names: [], isType: true }];
    default:
      return [];
  }
}

/** The text of a string, or of a template without values. */
export function literalText(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === "Literal" && typeof value["value"] === "string") return value["value"];
  if (value.type === "TSLiteralType") return literalText(value["literal"]);
  if (value.type !== "TemplateLiteral") return undefined;
  const quasis = value["quasis"] as Node[];
  return quasis.length === 1 ? templateText(quasis[0]) : undefined;
}

export function templateText(quasi: Node | undefined): string {
  return (quasi?.["value"] as { cooked?: string } | undefined)?.cooked ?? "";
}

export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? (value["name"] as string) : undefined;
}

export function graph(modules: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(modules));
}

export function readModules(folder: string): Map<string, string> {
  return new Map(
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.m?[jt]s$/.test(path))
      .map((path) => [posix.join(folder, path.replaceAll("\\", "/")), readFileSync(join(ROOT, folder, path), "utf8")]),
  );
}

export function renameFolder(modules: ReadonlyMap<string, string>, from: string, to: string): Map<string, string> {
  return new Map([...modules].map(([path, text]) => [path.replace(`src/${from}/`, `src/${to}/`), text]));
}

export function trackedFiles(): string[] {
  return (
    execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
      .split("\0")
      // Removed from the working tree, a file can still be in the index.
      .filter((path) => path !== "" && existsSync(join(ROOT, path)))
  );
}

export function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

export const LEAVES = [
  "src/errors.ts",
  "src/units.ts",
  "src/text.ts",
  "src/when.ts",
  "src/sorted.ts",
  "src/threads.ts",
  "src/diagnostics.ts",
];

export function isLibrary({ specifier }: Import): boolean {
  return specifier !== "" && !/^\.|^node:/.test(specifier) && !NODE_MODULES.has(specifier);
}

export function libraryOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

export const NODE_MODULES = new Set([
  "fs",
  "fs/promises",
  "os",
  "path",
  "process",
  "child_process",
  "crypto",
  "zlib",
  "stream",
]);

export function outside(folder: string, files: ReadonlyMap<string, string>): Module[] {
  return modulesIn(files).filter(({ path }) => !path.startsWith(folder));
}

export function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}
