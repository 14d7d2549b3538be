/** From where programs handed messages over: the `cwd=` lines of Exim's calls, joined to the arrivals they belong to. */
import type { parseEntryText } from "../../parse/record.ts";
import { SECOND_MS } from "../../units.ts";
import type { AbusePeriod, AbuseReader, LocalMessageRow } from "./abuse-reader.ts";

/** A message arrives so soon after Exim was called for it. */
export const LONGEST_CALL_MS = 2 * SECOND_MS;

/** The parser of an entry, passed in by callers that may import it. */
export type EntryParser = typeof parseEntryText;

interface Call {
  readonly serverId: number;
  readonly ms: number;
  readonly pid: number | undefined;
  readonly directory: string;
}

/** A message and the directory in which Exim was called for it. */
export interface ScriptArrival {
  readonly directory: string;
  readonly message: LocalMessageRow;
}

/**
 * A line `cwd=` has no message id: it belongs to the arrival that the same process logs next, or, where pids are not logged, to the
 * next local arrival within two seconds. In the order of time.
 */
export async function* findScriptArrivals(
  reader: AbuseReader,
  period: AbusePeriod,
  readEntry: EntryParser,
): AsyncGenerator<ScriptArrival> {
  // Arrivals that a page has taken and the next one meets again.
  const taken = new Map<number, number>();
  for await (const page of reader.invocations(period)) {
    const calls = page.flatMap(({ server_id, ms, bytes }): Call[] => {
      const parsed = bytes === undefined ? undefined : readEntry(bytes);
      if (parsed?.event.kind !== "invocation" || parsed.event.directory === undefined) return [];
      if (handsNothingOver(parsed.event.args ?? parsed.event.command.split(" "))) return [];
      return [{ serverId: server_id, ms, pid: parsed.prefix.pid, directory: parsed.event.directory }];
    });
    const [first, last] = [calls[0], calls.at(-1)];
    if (first === undefined || last === undefined) continue;
    for (const [key, ms] of taken) if (ms < first.ms) taken.delete(key);
    const arrived = await reader.localMessages({ sinceMs: first.ms, untilMs: last.ms + LONGEST_CALL_MS + 1 });
    const messages = arrived.filter(({ key }) => !taken.has(key));
    for (const call of calls) {
      const message = takeArrival(messages, call, readEntry);
      if (message === undefined) continue;
      taken.set(message.key, message.ms);
      yield { directory: call.directory, message };
    }
  }
}

/**
 * Exim called to deliver, to run the queue, to listen, to tell something, or by itself for a bounce (`-E`): whatever hands nothing
 * over. Source: Exim specification, "The Exim command line".
 */
function handsNothingOver(args: readonly string[]): boolean {
  return args.some((arg) => /^-(?:q|M|E\w{6}-|b(?!m$|s$|S$|nq$))/.test(arg));
}

function takeArrival(
  messages: LocalMessageRow[],
  { serverId, ms, pid }: Call,
  readEntry: EntryParser,
): LocalMessageRow | undefined {
  const index = messages.findIndex((message) => {
    if (message.server_id !== serverId || message.ms < ms || message.ms > ms + LONGEST_CALL_MS) return false;
    const own = message.bytes === undefined ? undefined : readEntry(message.bytes)?.prefix.pid;
    return pid === undefined || own === undefined || own === pid;
  });
  return index === -1 ? undefined : messages.splice(index, 1)[0];
}
