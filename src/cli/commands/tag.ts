import { text } from "node:stream/consumers";
import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { findWriter } from "../../people/actor.ts";
import { toColour } from "../../people/colours.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderTagChange, renderTagDescription, renderTags } from "../../render/tags-page.ts";
import {
  assertAbout,
  assertTags,
  changeTags,
  describeTag,
  type TagChange,
  type TagDescription,
} from "../../tags/tags.ts";
import { accountOf } from "../account.ts";
import { type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, paintFor, screenOf, usingReader } from "../context.ts";
import { toTimeRange } from "../flags/time-range.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface TagFlags extends DatabaseFlags, AuditFlags {
  readonly server?: string;
  readonly remove?: boolean;
  readonly names?: boolean;
  /** Tag whose colour and meaning are set. */
  readonly describe?: string;
  readonly colour?: string;
  readonly about?: string;
  readonly popular?: boolean;
  readonly since?: string;
  readonly limit?: number;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Tags that `--popular` prints. */
const MOST_POPULAR = 20;

/** Without an id prints the tags there are, or describes one. `id` "-" stands for the ids of standard input. Errors: `usage`, `not_found`, those of the database. */
export async function runTag(id: string | undefined, tags: readonly string[], flags: TagFlags, io: Io): Promise<void> {
  assertFlags(id, flags);
  if (flags.describe !== undefined) return describe(flags.describe, flags, io);
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
  if (flags.json === true) io.stdout.write(renderJson("tag", { ...shown, isRemoval }));
  else printLines(renderTagChange(shown, shown.tags, isRemoval), io);
}

function assertFlags(id: string | undefined, flags: TagFlags): void {
  const { describe, colour, about, popular, since, limit, remove, names } = flags;
  if (describe === undefined && (colour !== undefined || about !== undefined)) {
    throw new PilotError("usage", "--colour and --about belong to --describe.", {
      hint: "Name the tag: `exim-pilot tag --describe vip --colour '#c0392b'`.",
    });
  }
  if (popular !== true && (since !== undefined || limit !== undefined)) {
    throw new PilotError("usage", "--since and --limit belong to --popular.", { hint: "Leave them out, or add it." });
  }
  const ofMessage = remove === true ? "--remove" : flags.server === undefined ? undefined : "--server";
  if (id === undefined && describe === undefined && popular !== true && ofMessage !== undefined) {
    throw new PilotError("usage", `${ofMessage} belongs to a message and its tags.`, {
      hint: "Name them: `exim-pilot tag ID ticket-4711`; without any, all tags are listed.",
    });
  }
  const alone = describe !== undefined ? "--describe" : popular === true ? "--popular" : undefined;
  if (alone !== undefined && (id !== undefined || remove === true || (alone === "--describe" && names === true))) {
    throw new PilotError("usage", `${alone} is about a tag wherever it is given, and goes with no message.`, {
      hint: "Run two commands.",
    });
  }
  if (describe !== undefined && colour === undefined && about === undefined) {
    throw new PilotError("usage", "Neither a colour nor a meaning was given.", {
      hint: "Give --colour or --about; an empty text removes one.",
    });
  }
}

async function describe(tag: string, flags: TagFlags, io: Io): Promise<void> {
  const { colour, about } = flags;
  assertTags([tag]);
  assertAbout(about ?? "");
  const wishes = {
    tag,
    colour: colour === "" ? null : colour && toColour(colour),
    about: about === undefined ? undefined : about.trim() || null,
  };
  const isSame = ({ before, after }: TagDescription): boolean => JSON.stringify(before) === JSON.stringify(after);
  const change = await auditedEdit(
    {
      action: "tag describe",
      parameters: { tag },
      affected: (done: TagDescription) => (isSame(done) ? undefined : done),
      edit: ({ people }) => describeTag(people, wishes, findWriter(people, accountOf(io)), io.now()),
    },
    flags,
    io,
  );
  const { after } = redactor(flags, io)(change);
  if (flags.json === true) io.stdout.write(renderJson("tag_description", { ...after, isUnchanged: isSame(change) }));
  else printLines(renderTagDescription(after, isSame(change), paintFor(io.stdout, io)), io);
}

async function listTags(flags: TagFlags, io: Io): Promise<void> {
  const { since, limit = MOST_POPULAR } = flags;
  const from = toTimeRange({ since }, io).since;
  const found = await usingReader(flags, io, (reader) =>
    flags.popular === true ? reader.tags.popular(from, limit) : reader.tags.list(),
  );
  const { tags } = redactor(flags, io)({ tags: found });
  if (flags.names === true) {
    io.stdout.write(tags.map(({ tag }) => `${tag}\n`).join(""));
    return;
  }
  io.stdout.write(flags.json === true ? renderJson("tags", { tags }) : renderTags(tags, io.timeZone, screenOf(io)));
}
