import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { formatTime } from "../../render/format.ts";
import { renderJson } from "../../render/json.ts";
import { renderTracePage } from "../../render/trace-page.ts";
import { trace } from "../../trace/trace.ts";
import { columnsOf, type DatabaseFlags, paintFor, usingReader } from "../context.ts";
import type { Io } from "../io.ts";

export interface TraceFlags extends DatabaseFlags {
  readonly server?: string;
  readonly raw?: boolean;
  readonly json?: boolean;
}

/** Prints the message; returns the exit status. Errors: `usage`, `not_found`, those of the database. */
export async function runTrace(id: string, flags: TraceFlags, io: Io): Promise<number> {
  if (!isMessageId(id)) {
    throw new PilotError("usage", `"${id}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  const found = await usingReader(flags, io, (reader) => trace(reader.messages, id, formatTime));
  const traces = found.filter(({ message }) => flags.server === undefined || message.server === flags.server);
  if (traces.length === 0)
    throw notFound(
      id,
      flags.server,
      found.map(({ message }) => message.server),
    );
  if (flags.json === true) {
    io.stdout.write(renderJson("trace", { messages: traces }));
    return 0;
  }
  const options = { columns: columnsOf(io.stdout, io), paint: paintFor(io.stdout, io), raw: flags.raw === true };
  io.stdout.write(traces.map((found) => renderTracePage(found, options)).join("\n"));
  return 0;
}

function notFound(id: string, server: string | undefined, others: readonly string[]): PilotError {
  if (server !== undefined && others.length > 0) {
    return new PilotError("not_found", `${server} has no message ${id}, but ${others.join(" and ")} has.`, {
      hint: "Leave --server out to see it.",
    });
  }
  return new PilotError("not_found", `The database knows no message ${id}.`, {
    hint: "`exim-pilot stats` shows what time is covered; ingest the logs of that day, rotated ones too.",
  });
}
