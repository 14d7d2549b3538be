/** Names and settings of the servers whose logs are stored. */
import { PilotError } from "../errors.ts";
import type { AttachedRows } from "../store/write/rows.ts";
import type { ServerRow, SourceCatalogue } from "../store/write/source-catalogue.ts";
import type { Transactor } from "../store/write/transactor.ts";

/** Undefined: as it is. An empty text takes an environment or an owner away. */
export interface ServerChanges {
  readonly environment?: string | undefined;
  readonly owner?: string | undefined;
  readonly timeZone?: string | undefined;
}

export interface ServerChange {
  readonly before: ServerRow;
  readonly after: ServerRow;
}

/** Gives a server another name. Errors: `not_found`; `usage` when there is one of that name, or it is empty; those of the database. */
export function renameServer(
  transactor: Transactor,
  sources: SourceCatalogue,
  oldName: string,
  newName: string,
): ServerChange {
  if (newName.trim() === "") {
    throw new PilotError("usage", "The new name is empty.", { hint: "Give a name such as mx1 or mx1.example.org." });
  }
  return change(transactor, sources, oldName, (server) => {
    if (newName !== oldName && sources.findServer(newName) !== undefined) throw nameTaken(newName);
    return { ...server, name: newName };
  });
}

/** Changes what is known of a server. An owner with the name of a user is that user. Errors: `not_found`, those of the database. */
export function changeServer(
  transactor: Transactor,
  sources: SourceCatalogue,
  name: string,
  { environment, owner, timeZone }: ServerChanges,
): ServerChange {
  return change(transactor, sources, name, (server) => ({
    ...server,
    timeZone: timeZone ?? server.timeZone,
    environment: environment === undefined ? server.environment : environment || undefined,
    owner: owner === undefined ? server.owner : owner || undefined,
    ownerUserId: owner === undefined ? server.ownerUserId : transactor.people.findUser(owner)?.id,
  }));
}

export interface ServerRemoval {
  readonly name: string;
  /** Rows that were attached to its messages and its queue, and went with it. */
  readonly removed: AttachedRows;
}

/** Removes a server of which no log line and no message is stored any more. Errors: `not_found`; `usage` when something is; those of the database. */
export function removeServer(transactor: Transactor, sources: SourceCatalogue, name: string): ServerRemoval {
  const server = findServer(sources, name);
  if (transactor.hasContent(server.id)) throw stillStored(name);
  return { name, removed: transactor.removeServer(server.id) };
}

function stillStored(name: string): PilotError {
  return new PilotError("usage", `Log lines or messages of "${name}" are stored.`, {
    hint: "`exim-pilot prune` removes what is old, and the server can go after it; `exim-pilot servers rename` mends a wrong name.",
  });
}

function change(
  transactor: Transactor,
  sources: SourceCatalogue,
  name: string,
  edit: (server: ServerRow) => ServerRow,
): ServerChange {
  const before = findServer(sources, name);
  const after = edit(before);
  transactor.updateServer(after);
  return { before, after };
}

function findServer(sources: SourceCatalogue, name: string): ServerRow {
  const server = sources.findServer(name);
  if (server !== undefined) return server;
  const names = sources.servers().map((other) => other.name);
  const hint = names.length === 0 ? "Nothing has been ingested yet." : `There are: ${names.join(", ")}.`;
  throw new PilotError("not_found", `The database knows no server "${name}".`, { hint, servers: names });
}

function nameTaken(name: string): PilotError {
  return new PilotError("usage", `There is a server "${name}" already.`, {
    hint: "Two servers cannot be merged, as Exim's ids are unique on one server only; rename that one first.",
  });
}
