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
import { isAscii } from "node:buffer";
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
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];
const MOST_LENGTH_DIGITS = 9;

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
  /** The whole file, one character a byte: one long text takes less time than one for each line. */
  readonly #text: string;
  readonly #hasNul: boolean;
  readonly #decode: (latin1: string) => string;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = bytes.toString("latin1");
    this.#hasNul = bytes.includes(0);
    this.#decode = isAscii(bytes) ? (latin1) => latin1 : decodeUtf8;
  }

  read(name: string, withHeaders: boolean): SpoolHeader {
    if (this.#decodedLine("its first line") !== name) throw new Damage(`Its first line is not "${name}".`);
    const [, login, uid, gid] = /^(.+) (-?\d+) (-?\d+)$/.exec(this.#decodedLine("the line of the user")) ?? [];
    if (login === undefined) throw new Damage("Its second line does not name a user with two numbers.");
    const bracketed = this.#decodedLine("the sender");
    if (!bracketed.startsWith("<") || !bracketed.endsWith(">"))
      throw new Damage("Its third line is not a sender between < and >.");
    const sender = bracketed.slice(1, -1);
    const [, seconds, warnings] = /^(\d{1,12}) (\d{1,9})$/.exec(this.#decodedLine("the time of arrival")) ?? [];
    if (seconds === undefined) throw new Damage("Its fourth line is not a time and a number of warnings.");
    const variables = new Map<string, string>();
    const treeLine = this.#readVariables(variables);
    const nonRecipients = this.#readTree(treeLine);
    const recipients = this.#readRecipients();
    const { headerBytes, headers, headerDamage } = this.#readHeaders(withHeaders);
    return {
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
      headerBytes,
      headers,
      headerDamage,
    };
  }

  /** Fills `variables`; returns the first line behind them. */
  #readVariables(variables: Map<string, string>): string {
    for (;;) {
      const line = this.#line("the variables");
      if (line[0] !== "-") return line;
      let start = line[1] === "-" ? 2 : 1;
      if (line[start] === "(") start = line.indexOf(")", start) + 1 || start;
      const blank = line.indexOf(" ", start);
      const name = this.#decode(blank === -1 ? line.slice(start) : line.slice(start, blank));
      const value = blank === -1 ? "" : this.#decode(line.slice(blank + 1));
      if (name !== "aclc" && name !== "aclm" && name !== "acl") variables.set(name, value);
      else variables.set(...this.#readAclVariable(name, value));
    }
  }

  /** `name` is `aclc` or `aclm`, with a name and a length, or `acl` of old, with a number and a length; the value is on lines of its own. */
  #readAclVariable(name: string, value: string): [name: string, value: string] {
    const [, variable = "", length] = /^(\S*) (\d{1,9})$/.exec(value) ?? [];
    if (length === undefined) throw new Damage(`The line of an ACL variable is not a name and a length: "${value}".`);
    const end = this.#at + Number(length);
    if (end > this.#text.length) throw new Damage("It ends within an ACL variable.");
    const content = this.#decode(this.#text.slice(this.#at, end));
    this.#at = end + 1;
    if (name !== "acl") return [`acl_${name.slice(-1)}${variable}`, content];
    const number = Number(variable);
    return [
      number < OLD_CONNECTION_VARIABLES ? `acl_c${number}` : `acl_m${number - OLD_CONNECTION_VARIABLES}`,
      content,
    ];
  }

  /** `XX`, or the nodes of a tree, each with letters that tell whether a left and a right one follow. */
  #readTree(first: string): readonly string[] {
    if (first === "XX") return [];
    const addresses: string[] = [];
    let [line, missing] = [first, 1];
    for (;;) {
      if (line.length < "NN a".length || line[2] !== " ")
        throw new Damage("The addresses it was delivered to are no tree.");
      for (const letter of line.slice(0, 2)) {
        if (letter === "Y") missing++;
        else if (letter !== "N") throw new Damage("The addresses it was delivered to are no tree.");
      }
      addresses.push(this.#decode(line.slice(3)));
      missing--;
      if (missing === 0) return addresses;
      if (addresses.length > MOST_TREE_DEPTH) throw new Damage("It was delivered to more addresses than there can be.");
      line = this.#line("the addresses it was delivered to");
    }
  }

  #readRecipients(): readonly SpoolRecipient[] {
    const [, digits] = /^\s*(\d{1,9})/.exec(this.#decodedLine("the number of recipients")) ?? [];
    const count = Number(digits);
    if (digits === undefined || count > MOST_RECIPIENTS)
      throw new Damage("The number of recipients is none, or too large.");
    const recipients: SpoolRecipient[] = [];
    for (let index = 0; index < count; index++) {
      const line = this.#line("the recipients");
      if (line === "") throw new Damage(`It names ${index} of its ${count} recipients.`);
      recipients.push(toRecipient(line));
    }
    return recipients;
  }

  #readHeaders(withHeaders: boolean): HeaderPart {
    const text = this.#text;
    const headers: SpoolHeaderLine[] = [];
    let headerBytes = 0;
    const result = (headerDamage?: string): HeaderPart => ({ headerBytes, headers, headerDamage });
    if (text[this.#at] !== "\n") return result("No empty line precedes the headers.");
    this.#at++;
    for (let count = 0; this.#at < text.length; count++) {
      if (count >= MOST_HEADERS) return result(`It has more than ${MOST_HEADERS} headers.`);
      const length = this.#readLength();
      if (length === undefined) return result("A header has no length in front.");
      const kind = text.charAt(this.#at);
      // NOTE: the kind, and a blank behind it.
      const start = this.#at + 2;
      const end = start + length;
      if (kind === "" || text[start - 1] !== " ") return result("A header has no kind in front.");
      if (kind !== "*") headerBytes += length;
      if (end > text.length) return result("It ends within a header.");
      if (this.#hasNul && text.slice(start, end).includes("\0")) return result("A header holds a NUL.");
      if (withHeaders) headers.push({ kind, bytes: this.#bytes.subarray(start, end) });
      this.#at = end;
    }
    return result();
  }

  #readLength(): number | undefined {
    let [length, digits] = [0, 0];
    for (; digits < MOST_LENGTH_DIGITS; digits++) {
      const code = this.#text.charCodeAt(this.#at);
      // NOTE: also where the file ends.
      if (!(code >= DIGIT_0 && code <= DIGIT_9)) break;
      length = length * 10 + code - DIGIT_0;
      this.#at++;
    }
    return digits === 0 ? undefined : length;
  }

  #decodedLine(what: string): string {
    return this.#decode(this.#line(what));
  }

  /** The next line without its newline, as latin1. Errors: damage, at the end of the file or at a NUL. */
  #line(what: string): string {
    const end = this.#text.indexOf("\n", this.#at);
    if (end === -1) throw new Damage(this.#text.length === 0 ? "It is empty." : `It ends within ${what}.`);
    const line = this.#text.slice(this.#at, end);
    if (this.#hasNul && line.includes("\0")) throw new Damage(`A NUL is in ${what}.`);
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
  // NOTE: all forms but the first end in a digit.
  const last = line.charCodeAt(line.length - 1);
  if (last < DIGIT_0 || last > DIGIT_9) return { address: fromBytes(line), parent: -1 };
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
