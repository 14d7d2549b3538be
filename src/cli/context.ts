/** Brackets of a command: what it prints to, and the database it opens and closes. */
import { join } from "node:path";
import { PilotError } from "../errors.ts";
import { createPaint, type Paint } from "../render/form/paint.ts";
import type { StoreSettings } from "../store/database/settings.ts";
import type { Reader } from "../store/reader.ts";
import type { Writer } from "../store/write/writer.ts";
import { SECOND_MS } from "../units.ts";
import { assertDatabaseName } from "./flags/database-name.ts";
import type { Io, OutputStream } from "./io.ts";
import { findPackageRoot, readVersion } from "./package-root.ts";
import { thisMachine } from "./processes.ts";
import { NotBrief } from "./quick.ts";

/** Options of every command that uses the database. */
export interface DatabaseFlags {
  readonly db: string;
  /** Seconds. */
  readonly wait: number;
}

export const DEFAULT_DATABASE = "exim-pilot.db";
const DEFAULT_COLUMNS = 80;

/** SQLite waits without giving its thread back. */
const BRIEF_WAIT_MS = 50;

/** Errors: `usage` when `--db` names what cannot be a database; `io` when that cannot be told. */
export function toStoreSettings({ db, wait }: DatabaseFlags, io: Io): StoreSettings {
  assertDatabaseName(db);
  return {
    path: db,
    schemaDirectory: join(findPackageRoot(), "schema"),
    waitMs: io.isBrief === true ? Math.min(wait * SECOND_MS, BRIEF_WAIT_MS) : wait * SECOND_MS,
    program: readVersion(),
    now: io.now,
    processes: thisMachine,
  };
}

export async function usingReader<Result>(
  flags: DatabaseFlags,
  io: Io,
  action: (reader: Reader) => Promise<Result>,
): Promise<Result> {
  const { openReader } = await import("../store/store.ts");
  const settings = toStoreSettings(flags, io);
  return orNotBrief(io, async () => {
    const reader = openReader(settings);
    try {
      return await translating(settings.path, () => action(reader));
    } finally {
      await reader.close();
    }
  });
}

/**
 * The same for a command that also writes to the database meanwhile, its record in the audit log at least. A database with no
 * files beside it, such as a copy, would be read without locks. The command's own writes would make that reading void.
 */
export async function usingReaderOfWriter<Result>(
  flags: DatabaseFlags,
  io: Io,
  action: (reader: Reader) => Promise<Result>,
): Promise<Result> {
  const { canWriteTo } = await import("../store/database/companions.ts");
  // NOTE: without the right to write it is refused later, with what that means for the command.
  if (canWriteTo(flags.db)) await usingWriter(flags, io, () => {}, { create: false });
  return usingReader(flags, io, action);
}

/** A lock is waited for in a thread of its own. */
async function orNotBrief<Result>(io: Io, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (io.isBrief === true && error instanceof PilotError && error.code === "busy") throw new NotBrief();
    throw error;
  }
}

export async function usingWriter<Result>(
  flags: DatabaseFlags,
  io: Io,
  action: (writer: Writer, settings: StoreSettings) => Promise<Result> | Result,
  { create = true }: { readonly create?: boolean } = {},
): Promise<Result> {
  const { openWriter } = await import("../store/store.ts");
  const settings = toStoreSettings(flags, io);
  return orNotBrief(io, async () => {
    const writer = openWriter(settings, { create });
    try {
      return await translating(settings.path, () => action(writer, settings));
    } finally {
      writer.close();
    }
  });
}

/** Translates an error of the driver outside the store's transactions into one that a user can act on. */
async function translating<Result>(path: string, action: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    const { translateError } = await import("../store/database/sqlite-errors.ts");
    throw translateError(error, path);
  }
}

/** Colour is for terminals, unless `NO_COLOR` is set; `FORCE_COLOR` asks for it anywhere. */
export function paintFor(stream: OutputStream, io: Io): Paint {
  return createPaint(hasColour(stream, io));
}

export function hasColour(stream: OutputStream, { env }: Io): boolean {
  const isUnwanted = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  const isForced = (env["FORCE_COLOR"] ?? "") !== "" && env["FORCE_COLOR"] !== "0";
  return !isUnwanted && (isForced || stream.isTTY === true);
}

/** Width and colours of the output. */
export function screenOf(io: Io): { readonly columns: number; readonly paint: Paint } {
  return { columns: columnsOf(io.stdout, io), paint: paintFor(io.stdout, io) };
}

/** Variable that `--width` sets for the command. */
export const WIDTH = "EXIM_PILOT_WIDTH";

/**
 * The one rule of widths: that which was asked for, else that of the terminal; `Infinity` in a pipe or a file, where nothing is cut or wrapped.
 * A terminal that does not know its width has that of `COLUMNS`, else 80.
 */
export function columnsOf(stream: OutputStream, { env }: Io): number {
  const number = (name: string): number => Number.parseInt(env[name] ?? "", 10);
  const known = [number(WIDTH), stream.columns, ...(stream.isTTY === true ? [number("COLUMNS"), DEFAULT_COLUMNS] : [])];
  return known.find((columns) => columns !== undefined && columns > 0) ?? Infinity;
}
