/**
 * The files of a spool, read while Exim works on them: nothing is written, locked or followed out of it. Exim replaces `-H` as a whole, by
 * renaming, so that no half file is ever there; a journal whose `-H` was replaced meanwhile is read again with that one.
 */
import { isUtf8 } from "node:buffer";
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import { isMessageId } from "../parse/message-id.ts";
import { damagedMessage, dataStart, readSpoolMessage, type SpoolMessage } from "../spool/spool-message.ts";
import { describeSystemError, isSystemError, translateSystemError } from "../store/files/system-errors.ts";
import { compareText } from "../text.ts";
import { PackedTexts } from "./packed-texts.ts";
import {
  type DirectoryListing,
  HEADER_SUFFIX,
  type SpoolDirectory,
  type SpoolPlace,
  SpoolPlaces,
} from "./spool-places.ts";

export interface SpoolList {
  readonly places: SpoolPlaces;
  /** Directories that could not be listed; a message of them is not among the places. */
  readonly unreadable: readonly string[];
}

/** Names beside those of queues: Exim's own, and that of the root of a file system. */
const NO_QUEUES: readonly string[] = ["input", "msglog", "db", "scan", "gnutls-params", "lost+found"];
const INPUT = "input";
/** Directories of a spool that is split. */
const PART = /^[A-Za-z0-9]$/;
const BODY_SUFFIX = "-D";
const JOURNAL_SUFFIX = "-J";
const ALL_QUEUES = "*";

const MIB = 1024 * 1024;
const MOST_HEADER_BYTES = 16 * MIB;
/** Attempts to read a file that Exim replaces meanwhile. */
const TRIES = 5;
const TURN_FILES = 500;
const NAMES_TOGETHER = 512;
const RIGHTS_HINT =
  "Run it as root or as a member of Exim's group, such as Debian-exim or exim (`SupplementaryGroups=` in a unit of systemd).";

/** Where packages of systems have it: Debian, and all others. */
export const KNOWN_SPOOLS: readonly string[] = ["/var/spool/exim4", "/var/spool/exim"];

/** The first known place where a spool is, as far as can be told without the right to read it. `root` stands before all paths. */
export function findSpool(root: string): string | undefined {
  return KNOWN_SPOOLS.map((place) => join(root, place)).find((place) => spoolRight(place).kind !== "none");
}

/** Rights of this user in a spool. */
export type SpoolRight =
  | { readonly kind: "none" }
  | { readonly kind: "readable" }
  /** Its directory `path`, of this group, cannot be listed, or its header file `path` not be read. */
  | {
      readonly kind: "closed";
      readonly path: string;
      readonly isFile: boolean;
      readonly groupId: number;
      readonly isGroupEnough: boolean;
    };

const [GROUP_LISTS, GROUP_READS] = [0o050, 0o040];

/** Looks at a spool without reading what is in it. Errors: of the system, but those of rights. */
export function spoolRight(spool: string): SpoolRight {
  for (const path of [spool, join(spool, INPUT)]) {
    let stats: Stats | undefined;
    try {
      stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isDirectory() !== true) return { kind: "none" };
      readdirSync(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      // A directory above it is closed, so that nothing can be told.
      if (stats === undefined || !isRefusal(error)) return { kind: "none" };
      const isGroupEnough = (stats.mode & GROUP_LISTS) === GROUP_LISTS;
      return { kind: "closed", path, isFile: false, groupId: stats.gid, isGroupEnough };
    }
  }
  return rightOfFiles(join(spool, INPUT));
}

/** The right to read the first header file of a directory, as that of all. Errors: of the system, but those of rights. */
function rightOfFiles(directory: string): SpoolRight {
  const name = readdirSync(directory).find((one) => isFileOf(one, HEADER_SUFFIX));
  if (name === undefined) return { kind: "readable" };
  const path = join(directory, name);
  let closed = directory;
  try {
    // NOTE: only who may enter the directory is told of its files.
    const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    closed = path;
    if (isThere) accessSync(path, constants.R_OK);
    return { kind: "readable" };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (!isRefusal(error)) return { kind: "readable" };
    const isFile = closed === path;
    const { gid, mode } = lstatSync(closed);
    const needed = isFile ? GROUP_READS : GROUP_LISTS;
    return { kind: "closed", path: closed, isFile, groupId: gid, isGroupEnough: (mode & needed) === needed };
  }
}

function isRefusal({ code }: { readonly code?: string | undefined }): boolean {
  return code === "EACCES" || code === "EPERM";
}

/** Names of the queues that a spool has beside the default one, those too that this user may not look into. Errors: `usage`, `unreadable`. */
export function namedQueues(spool: string): readonly string[] {
  assertSpool(spool);
  return list(spool)
    .filter((name) => !NO_QUEUES.includes(name) && !name.startsWith(".") && mayBeDirectory(join(spool, name, INPUT)))
    .sort(compareText);
}

/**
 * `queueName`: empty for the default queue, `*` for all. `allowsClosed`: a named queue that cannot be listed is among `unreadable`, as are those
 * of `*`. Errors: `usage` when it is no spool; `unreadable`, `not_found`.
 */
export function listSpool(spool: string, queueName = "", allowsClosed = queueName === ALL_QUEUES): SpoolList {
  assertSpool(spool);
  const queues = queueName === ALL_QUEUES ? ["", ...namedQueues(spool)] : [queueName];
  if (queueName !== "" && queueName !== ALL_QUEUES && !namedQueues(spool).includes(queueName)) {
    const names = namedQueues(spool);
    throw new PilotError("not_found", `"${spool}" has no queue named "${queueName}".`, {
      hint: names.length === 0 ? "It has the default queue only." : `Those there are: ${names.join(", ")}.`,
    });
  }
  const places = new SpoolPlaces();
  const unreadable: string[] = [];
  for (const name of queues) {
    try {
      for (const listing of listQueue(spool, name, unreadable)) places.add(listing);
    } catch (error) {
      if (name === "" || !allowsClosed || !(error instanceof PilotError)) throw error;
      unreadable.push(join(spool, name, INPUT));
    }
  }
  return { places, unreadable };
}

/** True when a message is on that queue, and when nobody can tell. Errors: `usage`, `unreadable`. */
export function mayHaveMessages(spool: string, queueName: string): boolean {
  const { places, unreadable } = listSpool(spool, queueName, true);
  return places.length > 0 || unreadable.length > 0;
}

/** The files of a queue: of its directory, and of those within it where they are split. `unreadable` is added to. Errors: `unreadable`. */
function* listQueue(spool: string, queueName: string, unreadable: string[]): Generator<DirectoryListing> {
  const input = join(spool, queueName, INPUT);
  if (queueName !== "") assertNoLinks(join(spool, queueName), input);
  const { parts, ...own } = listInput({ queueName, path: input });
  yield own;
  for (const part of parts) {
    const path = join(input, part);
    const listing = listPart({ queueName, path });
    if (listing === "unreadable") unreadable.push(path);
    else if (listing !== "gone") yield listing;
  }
}

/** A link may lead to a queue that is read already, or to none of this spool. Errors: `unreadable`. */
function assertNoLinks(...directories: readonly string[]): void {
  for (const path of directories) {
    if (!isLink(path)) continue;
    throw new PilotError("unreadable", `"${path}" is a symbolic link, which is not followed.`, {
      hint: "Give the spool that it leads to with --spool.",
    });
  }
}

/** Errors: `unreadable`. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch (error) {
    throw isSystemError(error) ? unreadable(path, error) : error;
  }
}

/** Errors: `unreadable`. */
function listInput(directory: SpoolDirectory): DirectoryListing & { readonly parts: readonly string[] } {
  try {
    return listDirectory(directory);
  } catch (error) {
    throw isSystemError(error) ? unreadable(directory.path, error) : error;
  }
}

/** A link leads to what is not known to be of this spool, so that its messages are missing too. */
function listPart(directory: SpoolDirectory): DirectoryListing | "unreadable" | "gone" {
  try {
    const stats = lstatSync(directory.path);
    if (stats.isSymbolicLink()) return "unreadable";
    return stats.isDirectory() ? listDirectory(directory) : "gone";
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return error.code === "ENOENT" ? "gone" : "unreadable";
  }
}

/** `parts`: names of one character, which are directories of a spool that is split. Errors: of the system. */
function listDirectory(directory: SpoolDirectory): DirectoryListing & { readonly parts: readonly string[] } {
  const headers = new PackedTexts();
  const journals = new Set<string>();
  const parts: string[] = [];
  let bodies = 0;
  for (const name of fileNames(directory.path)) {
    if (isFileOf(name, HEADER_SUFFIX)) headers.add(name);
    else if (isFileOf(name, BODY_SUFFIX)) bodies++;
    else if (isFileOf(name, JOURNAL_SUFFIX)) journals.add(idOf(name));
    else if (PART.test(name)) parts.push(name);
  }
  if (bodies > headers.length) for (const name of overlookedHeaders(directory.path, headers)) headers.add(name);
  return { directory, headers, journals, parts: parts.sort() };
}

function isFileOf(name: string, suffix: string): boolean {
  return name.endsWith(suffix) && isMessageId(name.slice(0, -suffix.length));
}

function idOf(name: string): string {
  return name.slice(0, -HEADER_SUFFIX.length);
}

/**
 * Header files that were renamed while the directory was listed, which some file systems then leave out: the body of such a message is there,
 * and never renamed. Errors: of the system.
 */
function* overlookedHeaders(path: string, listed: PackedTexts): Generator<string> {
  const headers = new Set(listed);
  for (const name of fileNames(path)) {
    if (!isFileOf(name, BODY_SUFFIX)) continue;
    const header = `${idOf(name)}${HEADER_SUFFIX}`;
    if (!headers.has(header) && lstatSync(join(path, header), { throwIfNoEntry: false }) !== undefined) yield header;
  }
}

/** Names are read in pieces: all of a large spool at once take much memory. Errors: of the system. */
function* fileNames(path: string): Generator<string> {
  const directory = opendirSync(path, { bufferSize: NAMES_TOGETHER });
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) yield entry.name;
  } finally {
    directory.closeSync();
  }
}

/** Place in an id of the character that names its directory, where a spool is split. */
const PART_CHARACTER = 5;

/** The place of a message's files, in whatever queue; undefined if it has none. Errors: `usage`, `unreadable`. */
export function findInSpool(spool: string, id: string): SpoolPlace | undefined {
  for (const queueName of ["", ...namedQueues(spool)]) {
    const input = join(spool, queueName, INPUT);
    for (const directory of [input, join(input, id.charAt(PART_CHARACTER))]) {
      if (isThere(join(directory, `${id}${HEADER_SUFFIX}`))) return { id, queueName, directory, hasJournal: true };
    }
  }
  return undefined;
}

/** Errors: `unreadable`. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOTDIR") return false;
    throw isSystemError(error) ? unreadable(path, error) : error;
  }
}

/** A message of a spool, and where its files are. */
export interface PlacedMessage extends SpoolMessage {
  readonly place: SpoolPlace;
}

/**
 * Each message that is still there, damaged ones too, in batches that are read while they are walked through: once, and before the next one.
 * `withHeaders`: with the text of its headers. Stops early when `signal` aborts.
 */
export async function* readSpool(
  places: Iterable<SpoolPlace>,
  options: { readonly withHeaders: boolean },
  signal?: AbortSignal,
): AsyncGenerator<Iterable<PlacedMessage>> {
  const rest = places[Symbol.iterator]();
  let next = rest.next();
  function* batch(): Generator<PlacedMessage> {
    for (let count = 0; count < TURN_FILES && next.done !== true; count++, next = rest.next()) {
      const found = readPlace(next.value, options);
      if (found !== undefined) yield { message: found.message, header: found.header, place: next.value };
    }
  }
  while (next.done !== true && signal?.aborted !== true) {
    yield batch();
    await nextTurn();
  }
}

/** Undefined: it has left the queue. */
export function readPlace(place: SpoolPlace, options: { readonly withHeaders: boolean }): SpoolMessage | undefined {
  const { id, queueName, directory, hasJournal } = place;
  const start = directory.endsWith("/") ? directory : `${directory}/`;
  const path = `${start}${id}${HEADER_SUFFIX}`;
  try {
    // NOTE: most files are small and sound, and need one question less.
    const message =
      hasJournal || options.withHeaders ? undefined : readSmall(place, path, `${start}${id}${BODY_SUFFIX}`);
    if (message !== undefined) return message;
    for (let tries = 0; tries < TRIES; tries++) {
      const header = readRegularFile(path, MOST_HEADER_BYTES, !options.withHeaders);
      if (typeof header === "string") return damaged(place, header);
      const data = lstatSync(`${start}${id}${BODY_SUFFIX}`, { throwIfNoEntry: false });
      const journal = hasJournal ? readJournal(`${start}${id}${JOURNAL_SUFFIX}`) : undefined;
      // NOTE: Measured: of 100,000 messages these two looks took a quarter of the time.
      if (hasJournal || data === undefined) {
        const after = lstatSync(path, { throwIfNoEntry: false });
        if (after === undefined) return undefined;
        if (!isSame(header.stats, after)) continue;
      }
      const dataFileBytes = data?.isFile() === true ? data.size : undefined;
      return readSpoolMessage({ id, queueName, header: header.bytes, journal, dataFileBytes }, options);
    }
    return damaged(place, `It was replaced ${TRIES} times while it was read.`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT") return undefined;
    return damaged(place, `It cannot be read: ${describeSystemError(error)}.`);
  }
}

/** A sound message without a journal; undefined: it must be read with more care, which also says what is wrong. */
function readSmall({ id, queueName }: SpoolPlace, path: string, bodyPath: string): SpoolMessage | undefined {
  try {
    const length = readOnce(path);
    // NOTE: where all of it was filled, more may follow.
    if (length === 0 || length === scratch.length) return undefined;
    const data = lstatSync(bodyPath, { throwIfNoEntry: false });
    if (data?.isFile() !== true) return undefined;
    const files = { id, queueName, header: scratch.subarray(0, length), journal: undefined, dataFileBytes: data.size };
    const found = readSpoolMessage(files, { withHeaders: false });
    return found.message.damage === null ? found : undefined;
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Reads the beginning of a file into {@link scratch}; returns its length. A pipe has no place, so that nothing is taken out of it. Errors: of the system. */
function readOnce(path: string): number {
  const descriptor = openSync(path, READ_FLAGS);
  try {
    return readSync(descriptor, scratch, 0, scratch.length, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Body of a message as Exim's `$message_body` has it: decoded, on one line, of `most` bytes at most; empty when there is none. */
export function readBody({ id, directory }: SpoolPlace, most: number): string {
  const bytes = readDataFile({ id, directory }, most);
  if (bytes === undefined) return "";
  // NOTE: measured: replacing them in the text takes 150 MiB for 16 MiB of short lines.
  for (const byte of [NEWLINE, 0])
    for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) bytes[at] = BLANK;
  return bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
}

const [NEWLINE, BLANK] = [0x0a, 0x20];

/** Bytes of the body, of `most` at most; undefined when there is no data file of this message. */
export function readDataFile(
  { id, directory }: Pick<SpoolPlace, "id" | "directory">,
  most: number,
): Buffer | undefined {
  const path = join(directory, `${id}-D`);
  try {
    const start = dataStart(id);
    const bytes = readStart(path, most + start);
    return bytes.toString("latin1", 0, start) === `${id}-D\n` ? bytes.subarray(start) : undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT" || error.code === "ELOOP") return undefined;
    throw unreadable(path, error);
  }
}

/**
 * Descriptor of the data file of a message, to be read from {@link dataStart} on and closed; undefined when there is none of this message.
 * Errors: `unreadable`, of the system in words.
 */
export function openDataFile({ id, directory }: Pick<SpoolPlace, "id" | "directory">): number | undefined {
  const path = join(directory, `${id}-D`);
  try {
    const descriptor = openSync(path, READ_FLAGS);
    const isOwn =
      fstatSync(descriptor).isFile() && readAll(descriptor, dataStart(id)).toString("latin1") === `${id}-D\n`;
    if (isOwn) return descriptor;
    closeSync(descriptor);
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT" || error.code === "ELOOP") return undefined;
    throw unreadable(path, error);
  }
}

function damaged({ id, queueName }: SpoolPlace, reason: string): SpoolMessage {
  return { message: damagedMessage(id, queueName, "spool read error", reason), header: undefined };
}

interface FileContent {
  readonly bytes: Buffer;
  readonly stats: Stats;
}

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Most header files are smaller; one is read after the other, and nothing of it is kept. */
const scratch = Buffer.allocUnsafe(16 * 1024);

/**
 * The whole file; a sentence when it is none, or too large. `isBrief`: its bytes are there until the next file is read. Errors: of the
 * system.
 */
function readRegularFile(path: string, most: number, isBrief = false): FileContent | string {
  let descriptor: number;
  try {
    descriptor = openSync(path, READ_FLAGS);
  } catch (error) {
    if (isSystemError(error) && error.code === "ELOOP") return "It is a symbolic link, which a spool does not have.";
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return "It is not a regular file.";
    if (stats.size > most) return `It is larger than ${most / MIB} MiB.`;
    const isSmall = isBrief && stats.size <= scratch.length;
    return { bytes: readAll(descriptor, stats.size, isSmall ? scratch.subarray(0, stats.size) : undefined), stats };
  } finally {
    closeSync(descriptor);
  }
}

function readStart(path: string, most: number): Buffer {
  const descriptor = openSync(path, READ_FLAGS);
  try {
    const stats = fstatSync(descriptor);
    return stats.isFile() ? readAll(descriptor, Math.min(stats.size, most)) : Buffer.alloc(0);
  } finally {
    closeSync(descriptor);
  }
}

function readAll(descriptor: number, size: number, bytes = Buffer.alloc(size)): Buffer {
  let filled = 0;
  while (filled < size) {
    const count = readSync(descriptor, bytes, filled, size - filled, filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Undefined: there is none, or what is there is no file of Exim's. */
function readJournal(path: string): Buffer | undefined {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  try {
    const content = readRegularFile(path, MOST_HEADER_BYTES);
    return typeof content === "string" ? undefined : content.bytes;
  } catch (error) {
    // NOTE: Exim removes it when its content stands in `-H`.
    if (isSystemError(error) && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isSame(before: Stats, after: Stats): boolean {
  return before.ino === after.ino && before.size === after.size && before.mtimeMs === after.mtimeMs;
}

/** Errors: `usage` when it is no spool; `unreadable`. */
export function assertSpool(spool: string): void {
  const stats = statOf(spool);
  if (stats === "none") {
    throw new PilotError("usage", `There is no directory "${spool}".`, {
      hint: "`exim -bP spool_directory` prints where the spool is; Debian's is /var/spool/exim4.",
    });
  }
  if (stats === "other" || statOf(join(spool, INPUT)) !== "directory") {
    throw new PilotError("usage", `"${spool}" is no spool of Exim's: it has no directory "input".`, {
      hint: "`exim -bP spool_directory` prints where the spool is; Debian's is /var/spool/exim4.",
    });
  }
}

function statOf(path: string): "directory" | "other" | "none" {
  try {
    return statSync(path).isDirectory() ? "directory" : "other";
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT") return "none";
    if (error.code === "ENOTDIR") return "other";
    throw unreadable(path, error);
  }
}

/** True of a link to one too, and where nothing tells that it is none. */
function mayBeDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return isRefusal(error);
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw isSystemError(error) ? unreadable(path, error) : error;
  }
}

function unreadable(path: string, error: Parameters<typeof translateSystemError>[0]): PilotError {
  const { message, code, hint } = translateSystemError(error, path);
  const isRefused = isRefusal(error);
  return new PilotError(isRefused ? "unreadable" : code, message, {
    hint: isRefused ? RIGHTS_HINT : (hint ?? RIGHTS_HINT),
    cause: error,
  });
}
