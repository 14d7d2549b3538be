/** Examines a state with the program itself, as its user would after the power cut. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { dumpViews, readSources } from "../support/views.ts";
import { run } from "./program.ts";

/** Tells two contents apart: all public views. */
export function contentOf(database: string): string {
  return createHash("sha1")
    .update(JSON.stringify(dumpViews(database)))
    .digest("hex");
}

/** Undefined for a database with nothing in it: none, an empty file, or one whose maker stopped before its schema was whole, of which the views come last. */
export function textOf(database: string): ReadonlyMap<string, Buffer> | undefined {
  if (isUnmade(database)) return undefined;
  return new Map(readSources(database).map(({ path, bytes }) => [path, bytes]));
}

export function isUnmade(database: string): boolean {
  if (!existsSync(database) || statSync(database).size === 0) return true;
  const opened = new Database(database);
  try {
    return opened.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'view' LIMIT 1").get() === undefined;
  } finally {
    opened.close();
  }
}

const sound = new Map<string, readonly string[]>();

/** Findings of `verify --deep`; empty for a sound database. Equal files are examined once. */
export async function unsoundness(database: string): Promise<readonly string[]> {
  // NOTE: a write-ahead log or journal is a part of the database.
  if (existsSync(`${database}-wal`) || existsSync(`${database}-journal`)) return verify(database, "--deep");
  const key = existsSync(database) ? sha256(readFileSync(database)) : "";
  const known = sound.get(key) ?? (await verify(database, "--deep"));
  sound.set(key, known);
  return known;
}

/** Findings of `verify`, for a database whose views are known to be right: `--deep` would find the same. */
export async function flaws(database: string): Promise<readonly string[]> {
  return verify(database);
}

async function verify(database: string, ...flags: readonly string[]): Promise<readonly string[]> {
  const { status, stdout, stderr } = await run(["verify", ...flags, "--json", "--db", database]);
  if (status === 0) return [];
  if (stdout === "") return [`verify ends with ${status}: ${stderr.trim()}`];
  const { checks } = JSON.parse(stdout) as { checks: { name: string; count: number; findings: string[] }[] };
  return checks.filter(({ count }) => count > 0).map(({ name, findings }) => `verify, ${name}: ${findings[0]}`);
}

export async function tagsOf(database: string): Promise<readonly string[]> {
  const { stdout } = await run(["tag", "--json", "--db", database]);
  return stdout === "" ? [] : (JSON.parse(stdout) as { tags: { tag: string }[] }).tags.map(({ tag }) => tag);
}

/** `ingest done`, one for each record of the audit log. */
export async function auditOf(database: string): Promise<readonly string[]> {
  const { stdout } = await run(["audit", "--json", "--db", database]);
  if (stdout === "") return [];
  const { entries } = JSON.parse(stdout) as { entries: { action: string; result: string }[] };
  return entries.map(({ action, result }) => `${action} ${result}`);
}

export interface ArchivedText {
  readonly log: string;
  readonly from: number;
  readonly text: Buffer;
}

/** The text in an archive directory, and what is wrong there: a manifest that names a file which is not what it says. */
export function archivesIn(directory: string): {
  readonly texts: readonly ArchivedText[];
  readonly problems: readonly string[];
} {
  const texts: ArchivedText[] = [];
  const problems: string[] = [];
  for (const { manifest, path } of manifestsIn(directory)) {
    const text = tryTo(() => gunzipSync(readFileSync(path)));
    if (text === undefined || sha256(text) !== manifest["sha256"])
      problems.push(`The archive ${path} is not what its manifest says.`);
    else texts.push({ log: String(manifest["path"]), from: Number(manifest["position"]), text });
  }
  return { texts, problems };
}

/** Names of the backups in a directory that are whole, and what is wrong: a manifest that names a file which is not whole. */
export async function backupsIn(
  directory: string,
): Promise<{ readonly whole: readonly string[]; readonly problems: readonly string[] }> {
  const whole: string[] = [];
  const problems: string[] = [];
  for (const { path } of manifestsIn(directory)) {
    const { status, stderr } = await run(["backup", "--verify", path]);
    if (status === 0) whole.push(path);
    else problems.push(`The backup ${path} has a manifest, and: ${stderr.trim()}`);
  }
  return { whole, problems };
}

/** The manifests that can be read and whose file is there. */
function manifestsIn(
  directory: string,
): readonly { readonly path: string; readonly manifest: Record<string, unknown> }[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const path = join(directory, name.slice(0, -".json".length));
      const manifest = tryTo(() => JSON.parse(readFileSync(`${path}.json`, "utf8")) as Record<string, unknown>);
      return manifest === undefined || !existsSync(path) ? [] : [{ path, manifest }];
    });
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function tryTo<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
