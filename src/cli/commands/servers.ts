import { PilotError } from "../../errors.ts";
import { renderJson } from "../../render/form/json.ts";
import {
  renderNames,
  renderRemoval,
  renderRename,
  renderServers,
  renderSettings,
  toServerFacts,
} from "../../render/servers-page.ts";
import { changeServer, removeServer, renameServer, type ServerChange } from "../../servers/servers.ts";
import { type AuditedEdit, type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { assertTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface ServersFlags extends DatabaseFlags, AuditFlags {
  readonly names?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

export interface ServerSettingsFlags extends ServersFlags {
  readonly environment?: string;
  readonly owner?: string;
  readonly timezone?: string;
}

/** Prints the servers. Errors: those of the database. */
export async function runServers(flags: ServersFlags, io: Io): Promise<void> {
  const found = await usingReader(flags, io, (reader) => reader.servers.list());
  const { servers } = redactor(flags, io)({ servers: found });
  if (flags.names === true) {
    io.stdout.write(renderNames(servers.map(({ name }) => name)));
    return;
  }
  io.stdout.write(
    flags.json === true
      ? renderJson("servers", { servers: servers.map(toServerFacts) })
      : renderServers(servers, io.timeZone, screenOf(io)),
  );
}

/** Errors: `not_found`, `usage`, those of the database. */
export async function runRenameServer(oldName: string, newName: string, flags: ServersFlags, io: Io): Promise<void> {
  const done = await changing("servers rename", { ...flags, oldName, newName }, flags, io, (transactor, sources) =>
    renameServer(transactor, sources, oldName, newName),
  );
  const change = redactor(flags, io)(done);
  if (flags.json === true) io.stdout.write(renderChangeJson(change));
  else printLines(renderRename(change), io);
}

/** Errors: `not_found`, `usage`, those of the database. */
export async function runSetServer(name: string, flags: ServerSettingsFlags, io: Io): Promise<void> {
  const { environment, owner, timezone: timeZone } = flags;
  if (environment === undefined && owner === undefined && timeZone === undefined) {
    throw new PilotError("usage", "No setting was given.", {
      hint: "Give --environment, --owner or --timezone; an empty text removes the first two.",
    });
  }
  assertTimeZone(timeZone);
  const done = await changing("servers set", { ...flags, name }, flags, io, (transactor, sources) =>
    changeServer(transactor, sources, name, { environment, owner, timeZone }),
  );
  const change = redactor(flags, io)(done);
  if (flags.json === true) io.stdout.write(renderChangeJson(change));
  else printLines(renderSettings(change), io);
}

/** Errors: `not_found`, `usage`, those of the database. */
export async function runRemoveServer(name: string, flags: ServersFlags, io: Io): Promise<void> {
  const done = await changing("servers remove", { ...flags, name }, flags, io, (transactor, sources) =>
    removeServer(transactor, sources, name),
  );
  const removed = redactor(flags, io)(done);
  if (flags.json === true) io.stdout.write(renderJson("server_removed", removed));
  else printLines(renderRemoval(removed), io);
}

function renderChangeJson({ before, after }: ServerChange): string {
  const { name, timeZone, environment = null, owner = null, ownerUserId = null } = after;
  return renderJson("server", {
    previousName: before.name,
    server: { name, environment, owner, ownerUserId, timeZone },
    needsRebuild: before.timeZone !== after.timeZone,
  });
}

/** Changes a server of a database that is there, and records it. */
function changing<Change extends object>(
  action: string,
  parameters: object,
  flags: ServersFlags,
  io: Io,
  edit: AuditedEdit<Change>["edit"],
): Promise<Change> {
  const affected = (done: Change): object => done;
  return auditedEdit({ action, parameters, affected, edit }, flags, io);
}
