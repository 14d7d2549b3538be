import { text } from "node:stream/consumers";
import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { findWriter } from "../../people/actor.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderTagChange, renderTags } from "../../render/tags-page.ts";
import { assertTags, changeTags, type TagChange } from "../../tags/tags.ts";
import { accountOf } from "../account.ts";
import { type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, paintFor, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface TagFlags extends DatabaseFlags, AuditFlags {
  readonly server?: string;
  readonly remove?: boolean;
  readonly names?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Without an id prints the tags there are. `id` "-" stands for the ids of standard input. Errors: `usage`, `not_found`, those of the database. */
export async function runTag(id: string | undefined, tags: readonly string[], flags: TagFlags, io: Io): Promise<void> {
  if (id === undefined) return listTags(flags, io);
  if (tags.length === 0) {
    throw new PilotError("usage", "No tag was given.", { hint: "Name one: `exim-pilot tag ID ticket-4711`." });
  }
  const ids = id === "-" ? (await text(io.stdin)).split(/\s+/).filter((word) => word !== "") : [id];
  const wrong = ids.find((word) => !isMessageId(word));
  if (wrong !== undefined) {
    throw new PilotError("usage", `"${wrong}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  const isRemoval = flags.remove === true;
  const order = { ids, tags, server: flags.server, isRemoval };
  const affected = ({ messages, changed }: TagChange): object | undefined =>
    changed === 0 ? undefined : { messages: messages.map((message) => message.id), tags, changed };
  assertTags(tags);
  const change = await auditedEdit(
    {
      action: isRemoval ? "tag remove" : "tag",
      parameters: { ...flags, id, tags },
      affected,
      edit: (transactor) => changeTags(transactor, order, findWriter(transactor.people, accountOf(io)), io.now()),
    },
    flags,
    io,
  );
  const shown = redactor(flags, io)({ tags, ...change });
  io.stdout.write(
    flags.json === true ? renderJson("tag", { ...shown, isRemoval }) : renderTagChange(shown, shown.tags, isRemoval),
  );
}

async function listTags(flags: TagFlags, io: Io): Promise<void> {
  const found = await usingReader(flags, io, (reader) => reader.tags.list());
  const { tags } = redactor(flags, io)({ tags: found });
  if (flags.names === true) {
    io.stdout.write(tags.map(({ tag }) => `${tag}\n`).join(""));
    return;
  }
  io.stdout.write(
    flags.json === true ? renderJson("tags", { tags }) : renderTags(tags, io.timeZone, paintFor(io.stdout, io)),
  );
}
