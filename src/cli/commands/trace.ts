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
  const traces = await usingReader(flags, io, (reader) =>
    trace(reader.messages, id, { server: flags.server, formatTime }),
  );
  if (traces.length === 0) {
    throw new PilotError(
      "not_found",
      `The database knows no message ${id}${flags.server === undefined ? "" : ` of ${flags.server}`}.`,
      {
        hint: "Ingest the logs of that day, rotated ones too; mind upper and lower case. `exim-pilot stats` shows the time that is covered.",
      },
    );
  }
  if (flags.json === true) {
    io.stdout.write(renderJson("trace", { messages: traces }));
    return 0;
  }
  const options = { columns: columnsOf(io.stdout, io), paint: paintFor(io.stdout, io), raw: flags.raw === true };
  io.stdout.write(traces.map((found) => renderTracePage(found, options)).join("\n\n"));
  return 0;
}
