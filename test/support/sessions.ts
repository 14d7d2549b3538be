/** The driver's side of the SMTP sessions of a full corpus, `sessions.jsonl`: which of its commands were refused. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RejectionPhase } from "../../src/parse/events.ts";

/** A command with a reply of 4xx or 5xx. */
export interface Refusal {
  readonly scenario: string;
  /** Address of the client. */
  readonly ip: string;
  /** Phase of the session in which the command was given. Undefined for a reply that no command asked for. */
  readonly phase: RejectionPhase | undefined;
  readonly code: number;
  /** The whole reply without its first code. */
  readonly reply: string;
  /** A reply to one recipient after the data (PRDR). */
  readonly isForRecipient: boolean;
  /** The same reply was given to a command of the same phase since the last MAIL. */
  readonly isRepeated: boolean;
}

/** `S`: from the server; `C`: from the client, one write, several commands in it where they were pipelined; `-`, `E`: notes. */
type Step = readonly [from: "S" | "C" | "-" | "E", text: string];

interface Session {
  readonly scenario: string;
  /** Missing where the connection failed. */
  readonly client?: readonly [ip: string, port: number];
  readonly log: readonly Step[];
}

/** The sessions of a corpus; undefined for a trimmed one, which has none. */
export function readSessions(directory: string): readonly Session[] | undefined {
  const path = join(directory, "sessions.jsonl");
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Session);
}

export function refusalsOf({ scenario, client, log }: Session): Refusal[] {
  const refusals: Refusal[] = [];
  const dialogue = new Dialogue();
  for (const [from, text] of log) {
    if (from === "C") dialogue.send(text);
    if (from !== "S" || client === undefined) continue;
    const reply = dialogue.receive(text);
    // NOTE: an empty line, or TLS in place of a reply, has no code.
    if (!(reply.code >= 400 && reply.code < 600)) continue;
    const isRepeated = dialogue.hasHeard(reply.phase, reply.reply);
    refusals.push({ scenario, ip: client[0], ...reply, isRepeated });
  }
  return refusals;
}

const PHASES: Readonly<Record<string, RejectionPhase>> = {
  EHLO: "helo",
  HELO: "helo",
  STARTTLS: "starttls",
  AUTH: "auth",
  MAIL: "mail",
  RCPT: "rcpt",
  DATA: "data",
  BDAT: "data",
};

/** Assigns replies to commands: replies come in the order of the commands. */
class Dialogue {
  /** Phases of the commands without a reply; the first is the connection itself. */
  readonly #open: RejectionPhase[] = ["connect"];
  #heard = new Set<string>();
  #isInLogin = false;
  #isInRecipients = false;

  send(text: string): void {
    if (this.#isInLogin) this.#open.push("auth");
    else if (text.startsWith("<message: ")) this.#open.push("data");
    else for (const command of commandsIn(text)) this.#sendCommand(command);
  }

  receive(text: string): Pick<Refusal, "phase" | "code" | "reply" | "isForRecipient"> {
    const code = Number(text.slice(0, 3));
    const isForRecipient = this.#isInRecipients;
    // NOTE: after 353 there is a reply for each recipient, and then one for all, which names the message.
    if (code === 353) this.#isInRecipients = true;
    else if (/^\d{3} (?:OK )?id=/.test(text)) this.#isInRecipients = false;
    const phase = isForRecipient ? "data" : this.#open.shift();
    this.#isInLogin = code === 334;
    return { phase, code, reply: text.slice(4), isForRecipient };
  }

  hasHeard(phase: RejectionPhase | undefined, reply: string): boolean {
    const key = `${phase} ${reply}`;
    const isKnown = this.#heard.has(key);
    this.#heard.add(key);
    return isKnown;
  }

  #sendCommand(command: string): void {
    const verb = /^[A-Za-z]*/.exec(command)?.[0].toUpperCase() ?? "";
    if (verb === "MAIL") this.#heard = new Set();
    this.#open.push(PHASES[verb] ?? "command");
  }
}

/** Commands with bytes beyond ASCII are in Python's form: `b'RCPT TO:<n\xf6body@example.org>\r\n'`. */
function commandsIn(text: string): string[] {
  const plain = text.startsWith("b'") ? text.slice(2, -1).replaceAll("\\r\\n", "\r\n") : text;
  return plain.split("\r\n").filter((command) => command !== "");
}
