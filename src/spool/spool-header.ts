/**
 * The `-H` file of a message: envelope, variables, who has it already, recipients and headers. Pure: bytes in, what they say out; a file
 * that is cut, overwritten or of another message is told as damage and never thrown.
 *
 *     1vx1hi-0005yl-09-H                 its own name
 *     Debian-exim 102 105                login, uid, gid
 *     <x@sender1.example>                sender
 *     1772451890 0                       arrival, warnings sent
 *     -received_time_usec .045502        variables; "--" is what a stranger set, "--(mysql)" that and quoted
 *     XX                                 nobody has it, or a tree: "YN alice@example.org"
 *     1                                  recipients
 *     bob@example.org
 *
 *     017  X-Lab-Id: L00229              headers: length, kind, text; "*" is not sent any more
 * Source: Exim specification, "Format of spool files".
 */
import { decodeUtf8 } from "../text.ts";

export interface SpoolRecipient {
  readonly address: string;
  /** Number of the recipient it was made from, by a one-time redirection; -1: none. */
  readonly parent: number;
}

export interface SpoolHeaderLine {
  /** `P` Received, `F` From, `T` To, `I` Message-ID, … ` ` others, `*` not sent any more. */
  readonly kind: string;
  /** Bytes with the name and the newlines. */
  readonly bytes: Buffer;
}

export interface SpoolHeader {
  readonly id: string;
  readonly login: string;
  readonly uid: number;
  readonly gid: number;
  /** Empty for a bounce. */
  readonly sender: string;
  /** Seconds since 1970. */
  readonly receivedTime: number;
  readonly warnings: number;
  /** Names as in the file, without dashes: `frozen` → `1772451890`; those of ACLs are `acl_c0`, `acl_mname`. */
  readonly variables: ReadonlyMap<string, string>;
  /** Seconds since 1970; undefined: not frozen. */
  readonly frozenTime: number | undefined;
  /** Addresses that need no delivery any more, in the order of the file's tree. */
  readonly nonRecipients: readonly string[];
  readonly recipients: readonly SpoolRecipient[];
  /** Bytes of the headers that are sent. */
  readonly headerBytes: number;
  /** Headers; empty unless asked for. */
  readonly headers: readonly SpoolHeaderLine[];
  /** Damage in the headers, where the envelope could be read; undefined if none. */
  readonly headerDamage: string | undefined;
}

export type SpoolReading =
  | { readonly kind: "read"; readonly header: SpoolHeader }
  | { readonly kind: "damaged"; readonly reason: string };

/** Exim's own limit. */
const MOST_RECIPIENTS = 16_384;
const MOST_HEADERS = 100_000;
const MOST_TREE_DEPTH = 100_000;
const NEWLINE = 0x0a;
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];
const MOST_LENGTH_DIGITS = 9;
const BLANK = 0x20;
const MINUS = 0x2d;

/** `name`: of the file, `1vx1hi-0005yl-09-H`. */
export function readSpoolHeader(name: string, bytes: Buffer, options: { readonly withHeaders: boolean }): SpoolReading {
  const reading = new HeaderReading(bytes);
  try {
    return { kind: "read", header: reading.read(name, options.withHeaders) };
  } catch (error) {
    if (error instanceof Damage) return { kind: "damaged", reason: error.message };
    throw error;
  }
}

type HeaderPart = Pick<SpoolHeader, "headerBytes" | "headers" | "headerDamage">;

/** Stays within this file. */
class Damage extends Error {}

class HeaderReading {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(name: string, withHeaders: boolean): SpoolHeader {
    if (this.#text("its first line") !== name) throw new Damage(`Its first line is not "${name}".`);
    const [, login, uid, gid] = /^(.+) (-?\d+) (-?\d+)$/.exec(this.#text("the line of the user")) ?? [];
    if (login === undefined) throw new Damage("Its second line does not name a user with two numbers.");
    const [, sender] = /^<(.*)>$/s.exec(this.#text("the sender")) ?? [];
    if (sender === undefined) throw new Damage("Its third line is not a sender between < and >.");
    const [, seconds, warnings] = /^(\d{1,12}) (\d{1,9})$/.exec(this.#text("the time of arrival")) ?? [];
    if (seconds === undefined) throw new Damage("Its fourth line is not a time and a number of warnings.");
    const variables = new Map<string, string>();
    const treeLine = this.#readVariables(variables);
    const nonRecipients = this.#readTree(treeLine);
    const recipients = this.#readRecipients();
    const envelope = {
      id: name.slice(0, -"-H".length),
      login,
      uid: Number(uid),
      gid: Number(gid),
      sender,
      receivedTime: Number(seconds),
      warnings: Number(warnings),
      variables,
      frozenTime: frozenTimeOf(variables),
      nonRecipients,
      recipients,
    };
    return { ...envelope, ...this.#readHeaders(withHeaders) };
  }

  /** Fills `variables`; returns the first line behind them. */
  #readVariables(variables: Map<string, string>): Buffer {
    for (;;) {
      const line = this.#line("the variables");
      if (line[0] !== MINUS) return line;
      const [, , name = "", value = ""] =
        /^--?(\([^)]*\))?([^ ]*) ?(.*)$/s.exec(decodeUtf8(line.toString("latin1"))) ?? [];
      if (name !== "aclc" && name !== "aclm" && name !== "acl") variables.set(name, value);
      else variables.set(...this.#readAclVariable(name, value));
    }
  }

  /** `name` is `aclc` or `aclm`, with a name and a length, or `acl` of old, with a number and a length; the value is on lines of its own. */
  #readAclVariable(name: string, value: string): [name: string, value: string] {
    const [, variable = "", length] = /^(\S*) (\d{1,9})$/.exec(value) ?? [];
    if (length === undefined) throw new Damage(`The line of an ACL variable is not a name and a length: "${value}".`);
    const end = this.#at + Number(length);
    if (end > this.#bytes.length) throw new Damage("It ends within an ACL variable.");
    const content = decodeUtf8(this.#bytes.subarray(this.#at, end).toString("latin1"));
    this.#at = end + 1;
    if (name !== "acl") return [`acl_${name.slice(-1)}${variable}`, content];
    const number = Number(variable);
    return [
      number < OLD_CONNECTION_VARIABLES ? `acl_c${number}` : `acl_m${number - OLD_CONNECTION_VARIABLES}`,
      content,
    ];
  }

  /** `XX`, or the nodes of a tree, each with letters that tell whether a left and a right one follow. */
  #readTree(first: Buffer): readonly string[] {
    if (first.length === 2 && first.toString("latin1") === "XX") return [];
    const addresses: string[] = [];
    let [line, missing] = [first, 1];
    for (;;) {
      if (line.length < "NN a".length || line[2] !== BLANK)
        throw new Damage("The addresses it was delivered to are no tree.");
      for (const letter of line.toString("latin1", 0, 2)) {
        if (letter === "Y") missing++;
        else if (letter !== "N") throw new Damage("The addresses it was delivered to are no tree.");
      }
      addresses.push(decodeUtf8(line.subarray(3).toString("latin1")));
      missing--;
      if (missing === 0) return addresses;
      if (addresses.length > MOST_TREE_DEPTH) throw new Damage("It was delivered to more addresses than there can be.");
      line = this.#line("the addresses it was delivered to");
    }
  }

  #readRecipients(): readonly SpoolRecipient[] {
    const [, digits] = /^\s*(\d{1,9})/.exec(this.#text("the number of recipients")) ?? [];
    const count = Number(digits);
    if (digits === undefined || count > MOST_RECIPIENTS)
      throw new Damage("The number of recipients is none, or too large.");
    const recipients: SpoolRecipient[] = [];
    for (let index = 0; index < count; index++) {
      const line = this.#line("the recipients").toString("latin1");
      if (line === "") throw new Damage(`It names ${index} of its ${count} recipients.`);
      recipients.push(toRecipient(line));
    }
    return recipients;
  }

  #readHeaders(withHeaders: boolean): HeaderPart {
    const headers: SpoolHeaderLine[] = [];
    let headerBytes = 0;
    const result = (headerDamage?: string): HeaderPart => ({ headerBytes, headers, headerDamage });
    if (this.#bytes[this.#at] !== NEWLINE) return result("No empty line precedes the headers.");
    this.#at++;
    for (let count = 0; this.#at < this.#bytes.length; count++) {
      if (count >= MOST_HEADERS) return result(`It has more than ${MOST_HEADERS} headers.`);
      const length = this.#readLength();
      if (length === undefined) return result("A header has no length in front.");
      const kind = this.#bytes.toString("latin1", this.#at, this.#at + 1);
      // NOTE: the kind, and a blank behind it.
      const start = this.#at + 2;
      const end = start + length;
      if (kind === "" || this.#bytes[start - 1] !== BLANK) return result("A header has no kind in front.");
      if (kind !== "*") headerBytes += length;
      if (end > this.#bytes.length) return result("It ends within a header.");
      const text = this.#bytes.subarray(start, end);
      if (text.includes(0)) return result("A header holds a NUL.");
      if (withHeaders) headers.push({ kind, bytes: text });
      this.#at = end;
    }
    return result();
  }

  #readLength(): number | undefined {
    let [length, digits] = [0, 0];
    for (; digits < MOST_LENGTH_DIGITS; digits++) {
      const code = this.#bytes[this.#at] ?? 0;
      if (code < DIGIT_0 || code > DIGIT_9) break;
      length = length * 10 + code - DIGIT_0;
      this.#at++;
    }
    return digits === 0 ? undefined : length;
  }

  #text(what: string): string {
    return decodeUtf8(this.#line(what).toString("latin1"));
  }

  /** The next line without its newline. Errors: damage, at the end of the file or at a NUL. */
  #line(what: string): Buffer {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    if (end === -1) throw new Damage(this.#bytes.length === 0 ? "It is empty." : `It ends within ${what}.`);
    const line = this.#bytes.subarray(this.#at, end);
    if (line.includes(0)) throw new Damage(`A NUL is in ${what}.`);
    this.#at = end + 1;
    return line;
  }
}

const OLD_CONNECTION_VARIABLES = 10;

function frozenTimeOf(variables: ReadonlyMap<string, string>): number | undefined {
  const value = variables.get("frozen");
  if (value === undefined) return undefined;
  if (!/^\d{1,12}$/.test(value)) throw new Damage(`It has an invalid time of freezing: "${value}".`);
  return Number(value);
}

/**
 * The forms of a recipient, read from the end: an address may hold blanks, a domain none. One character is one byte.
 *
 *     bob@example.org                                         alone
 *     bob@example.org 0,2,0                                   Exim 3: the second number is its parent
 *     bob@example.org 2                                       early Exim 4: its parent
 *     bob@example.org owner@example.org 17,2#1                errors address, its length, parent
 *     bob@example.org rfc822;b@x.org 14,8 own@x.org 9,2#3     original recipient, its length, flags; then as before
 */
function toRecipient(line: string): SpoolRecipient {
  const marked = /^(.*)#(\d{1,9})$/s.exec(line);
  if (marked !== null) return toMarkedRecipient(marked[1] ?? "", Number(marked[2]));
  const old = /^(.+) \d+,(-?\d+),\d+$/s.exec(line) ?? /^(.+) (-?\d+)$/s.exec(line);
  return old === null
    ? { address: fromBytes(line), parent: -1 }
    : { address: fromBytes(old[1] ?? ""), parent: Number(old[2]) };
}

const HAS_ERRORS_ADDRESS = 1;
const HAS_ORIGINAL = 2;

function toMarkedRecipient(data: string, flags: number): SpoolRecipient {
  let [rest, parent] = [data, -1];
  for (const flag of [HAS_ERRORS_ADDRESS, HAS_ORIGINAL]) {
    if ((flags & flag) === 0) continue;
    const [all = "", length, number] = / (\d{1,9}),(-?\d{1,9})$/.exec(rest) ?? [];
    if (length === undefined) throw new Damage("The text after a recipient has no lengths.");
    const end = rest.length - all.length - Number(length);
    if (rest[end - 1] !== " ") throw new Damage("The text after a recipient does not have the stated length.");
    rest = rest.slice(0, end - 1);
    if (flag === HAS_ERRORS_ADDRESS) parent = Number(number);
  }
  if (rest === "") throw new Damage("A recipient has no address.");
  return { address: fromBytes(rest), parent };
}

function fromBytes(text: string): string {
  return decodeUtf8(text);
}
