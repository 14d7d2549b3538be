/**
 * Answers that can be shown to strangers: addresses, hosts, IPs, logins, ids, subjects and paths replaced by made-up ones, the same by
 * the same within one output. A value is replaced by what its field holds; of other text, forms of names are replaced, and each word that
 * is not in the vocabulary.
 */
import { isMessageId, SHORT_ID_LENGTH } from "../parse/message-id.ts";
import { unescapeQuoted } from "../parse/quoting.ts";
import { unwrapLine } from "../parse/wrappers.ts";
import { type Secret, secretOf } from "./fields.ts";
import { type HeaderHiders, redactHeaderLines } from "./header-lines.ts";
import { KnownTexts, type MatchKind, replaceFound } from "./patterns.ts";
import { isPublicWord, isTimeZone } from "./vocabulary.ts";

/** Forms of made-up names. Ids have the form of Exim's, so that a redacted line can be read like any other. */
const MADE_UP_ID = { short: ["hidden-", 6, "-id"], long: ["hidden-", 11, "-long"] } as const;

/** Stands for all of a text. */
const WITHHELD = "(hidden)";

const NOTHING_KNOWN = new KnownTexts();

/** Shorter texts are words that stand everywhere. */
const SHORTEST_KNOWN = 4;

/** Words of Exim's where the name of somebody could stand. */
const NO_ACTORS: readonly string[] = ["ACL", "the", "delivery", "an", "a", "errmsg"];

/** Made-up names, numbered in the order of the real ones; equal real names have equal made-up ones. */
class Names {
  readonly #names = new Map<string, string>();
  readonly #madeUp = new Set<string>();
  readonly #make: (number: number) => string;

  constructor(make: (number: number) => string) {
    this.#make = make;
  }

  of(real: string): string {
    let name = this.#names.get(real);
    if (name === undefined) {
      name = this.#make(this.#names.size + 1);
      this.#names.set(real, name);
      this.#madeUp.add(name);
    }
    return name;
  }

  has(real: string): boolean {
    return this.#names.has(real);
  }

  hasMadeUp(name: string): boolean {
    return this.#madeUp.has(name);
  }
}

export class Redactor {
  readonly #users = new Names((number) => `user${number}`);
  readonly #hosts = new Names((number) => `host${number}.example`);
  /** From 198.18.0.0/15, which is for tests. */
  readonly #ipv4 = new Names((number) => `198.${18 + (number >> 16)}.${(number >> 8) & 0xff}.${number & 0xff}`);
  readonly #ipv6 = new Names((number) => `2001:db8::${number.toString(16)}`);
  readonly #shortIds = new Names((number) => madeUpId(number, MADE_UP_ID.short));
  readonly #longIds = new Names((number) => madeUpId(number, MADE_UP_ID.long));
  readonly #queueIds = new Names((number) => `queue-id${number}`);
  readonly #tags = new Names((number) => `tag${number}`);
  readonly #subjects = new Names((number) => `subject ${number}`);
  readonly #paths = new Names((number) => `/path${number}`);
  /** Words of no vocabulary; as a whole where a value has no known form. */
  readonly #words = new Names((number) => `word${number}`);
  readonly #texts = new Names((number) => `text ${number}`);
  /** Names that the configuration of Exim gives: routers, transports, authenticators. */
  readonly #configured = new Set<string>();
  /** Texts of the value at hand that are hidden wherever they are in it, and by what. */
  #known = new KnownTexts();

  /** The same value with all its texts redacted. */
  redact<Value>(value: Value): Value {
    this.#learnAll(value, isSeenEverywhere);
    return this.#replace(value, "", "") as Value;
  }

  /**
   * The lines of an entry, with what was read of them: an event under its kind, `{ delivery: {…} }`. Where such a value stands as a
   * word of the lines it is hidden, whatever its form: a host without a domain, a user called `mail`.
   */
  redactEntry(lines: string, readAs: object): string {
    this.#learnAll(readAs, isHidden);
    return this.#text(lines);
  }

  /**
   * A sentence for the user, redacted: an error, a hint, a note. Whatever `typed` has, which the user wrote in the same command, and names
   * that were made up before, are kept.
   */
  redactSentence(sentence: string, typed: string, servers: readonly string[] = []): string {
    this.#known = new KnownTexts();
    for (const server of servers) this.#known.set(server, this.#host(server));
    const isKept = (text: string): boolean =>
      hasWord(typed.toLowerCase(), text.toLowerCase()) || this.#isMadeUp(text.toLowerCase());
    const replace = (found: MatchKind, text: string): string => {
      if (found === "rest") return this.#rest(text, isKept);
      // NOTE: `<file>` is a word of ours.
      const isOurs = !text.includes("@") && (found === "address" || found === "mention") && isPublicWord(text);
      return isKept(text) || isOurs ? text : this.#replaceOne(found, text);
    };
    // NOTE: a quoted text is a value, whatever words it has.
    return sentence
      .split(SENTENCE_PARTS)
      .map((part) => {
        if (part.startsWith("\u001b")) return part;
        if (STACK_FRAME.test(part)) return part.replace(/\/\S*\/(?=[^/\s]+:\d)/g, "");
        const [, quoted] = /^"(.*)"$/s.exec(part) ?? [];
        if (isTimeZone(part)) return part;
        return quoted === undefined || isKept(quoted)
          ? replaceFound(part, this.#known, replace)
          : `"${this.#hideQuoted(quoted, replace)}"`;
      })
      .join("");
  }

  /** A value of no known field, as a whole. */
  redactUnknown(text: string): string {
    return this.#texts.of(text);
  }

  #hideQuoted(text: string, replace: (found: MatchKind, text: string) => string): string {
    const redacted = replaceFound(text, this.#known, replace);
    return redacted === text && !/\s/.test(text) ? this.#words.of(text.toLowerCase()) : redacted;
  }

  #isMadeUp(text: string): boolean {
    const all = [
      this.#users,
      this.#hosts,
      this.#ipv4,
      this.#ipv6,
      this.#shortIds,
      this.#longIds,
      this.#queueIds,
      this.#tags,
      this.#subjects,
      this.#paths,
      this.#words,
      this.#texts,
    ];
    const parts = /^(user\d+)@(.+)$/.exec(text)?.slice(1) ?? [text];
    return parts.every((part) => all.some((names) => names.hasMadeUp(part)));
  }

  #learnAll(value: unknown, isKnown: IsKnown): void {
    this.#known = new KnownTexts();
    this.#learn(value, "", "", isKnown);
  }

  /** Local names are known as such where they have a field of their own, and replaced wherever they stand for an address. */
  #learn(value: unknown, parent: string, key: string, isKnown: IsKnown): void {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        // Odd places of details (`key, value, key, value …`) hold values.
        const name = key === "details" && index % 2 === 1 ? String(value[index - 1]) : key;
        this.#learn(item, key === "details" ? `${parent}.details` : parent, name, isKnown);
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) this.#learn(item, key, name, isKnown);
    } else if (typeof value === "string") {
      const secret = secretOf(parent, key);
      if (secret === "configured") this.#configured.add(value);
      else if (isKnown(value, secret)) this.#known.set(value, this.#hide(value, secret));
      else if (secret === "address" || secret === "login") this.#hide(value, secret);
      else if (secret === "text")
        replaceFound(value, NOTHING_KNOWN, (found, text) => (found === "address" ? this.#address(text) : text));
    }
  }

  #replace(value: unknown, parent: string, key: string): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#replace(item, parent, key));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#replace(item, key, name)]));
    return typeof value === "string" ? this.#hide(value, secretOf(parent, key)) : value;
  }

  #hide(value: string, secret: Secret): string {
    switch (secret) {
      case "harmless":
      case "configured":
        return value;
      case "address":
        return this.#address(value);
      case "host":
        return this.#host(value);
      case "domain":
        return this.#users.has(value) || isNoName(value) ? this.#address(value) : this.#host(value);
      case "login":
        return this.#login(value);
      case "actor":
        return /\s/.test(value) || NO_ACTORS.includes(value) ? this.#text(value) : this.#address(value);
      case "tag":
        return this.#tags.of(value);
      case "subject":
        return this.#subjects.of(value.trim());
      case "path":
        return value === "/" || value === "-" ? value : this.#paths.of(value);
      case "identifier":
        return this.#identifier(value);
      case "argument":
        return /^[-/]|^[\d.]+[smhdw]?$/.test(value) || this.#text(value) !== value
          ? this.#text(value)
          : this.#address(value);
      case "withheld":
        return WITHHELD;
      case "text":
        return this.#text(value);
    }
  }

  /** Replaces one match in a text. */
  #replaceOne(found: MatchKind, text: string): string {
    switch (found) {
      case "known":
        return this.#known.get(text) ?? text;
      case "subject":
        return `"${this.#subjects.of(unescapeQuoted(text.slice(1, -1)).trim())}"`;
      case "certificate":
        return `"CN=${this.#hosts.of(text)}"`;
      case "id":
        return (text.length === 16 ? this.#shortIds : this.#longIds).of(text);
      case "ip":
        return this.#ip(text);
      case "mention":
        return this.#users.has(text) ? this.#users.of(text) : this.#rest(text);
      case "rest":
        return this.#rest(text);
      default:
        return this.#hide(text, found);
    }
  }

  /** Words between the names that are found by their form. */
  #rest(text: string, isKept: (word: string) => boolean = () => false): string {
    return text.replace(WORD, (word) => {
      if (word.startsWith("\\") || isPublicWord(word) || this.#configured.has(word) || isKept(word)) return word;
      const lower = word.toLowerCase();
      if (this.#users.has(word)) return this.#users.of(word);
      if (this.#hosts.has(lower)) return this.#host(word);
      if (this.#tags.has(word)) return this.#tags.of(word);
      const name = this.#words.of(lower);
      return word === lower || !/\p{Lu}{2}/u.test(word) ? name : name.toUpperCase();
    });
  }

  /** Any text; of the lines of an entry, those below the first can be a header dump. */
  #text(text: string): string {
    const replace = (part: string): string =>
      replaceFound(part, this.#known, (found, match) => this.#replaceOne(found, match));
    const lines = text.split("\n").map((line) => this.#withoutSyslog(line));
    const hiders: HeaderHiders = {
      text: replace,
      subject: (value) => this.#subjects.of(value.trim()),
      address: (value) => this.#address(value),
      host: (value) => this.#host(value),
    };
    const redacted = redactHeaderLines(
      lines.map((line) => line.text),
      hiders,
    );
    return lines.map(({ prefix }, index) => prefix + (redacted[index] ?? "")).join("\n");
  }

  /** Splits a line into the prefix of syslog, its host redacted, and the text. */
  #withoutSyslog(line: string): { readonly prefix: string; readonly text: string } {
    const wrapped = unwrapLine(line);
    if (wrapped === undefined) return { prefix: "", text: line };
    const { header, text } = wrapped;
    // In JSON the text is not as it is there, and what else is there names the machine: the text alone is shown.
    if (!line.endsWith(text) || line.startsWith("{")) return { prefix: "", text };
    const prefix = line.slice(0, line.length - text.length);
    const { host } = header;
    return { prefix: host === undefined ? prefix : prefix.replace(host, this.#host(host)), text };
  }

  #address(address: string): string {
    if (isNoName(address)) return this.#text(address);
    const at = address.lastIndexOf("@");
    if (at === -1) return this.#users.of(address);
    return `${this.#users.of(address.slice(0, at))}@${this.#host(address.slice(at + 1))}`;
  }

  /** Upper case shows that it is another spelling. */
  #host(host: string): string {
    if (host === "") return host;
    const [, literal] = /^\[(.*)\]$/.exec(host) ?? [];
    if (literal !== undefined) return `[${this.#host(literal)}]`;
    if (IPV4.test(host) || IPV6.test(host)) return this.#ip(host);
    const name = this.#hosts.of(host.toLowerCase());
    return host === host.toLowerCase() ? name : name.toUpperCase();
  }

  /** One of no known form may be a number alone. */
  #identifier(id: string): string {
    if (isMessageId(id)) return (id.length === SHORT_ID_LENGTH ? this.#shortIds : this.#longIds).of(id);
    return id.includes("@") ? this.#address(id) : this.#queueIds.of(id);
  }

  #ip(ip: string): string {
    return ip.includes(":") ? this.#ipv6.of(ip.toLowerCase()) : this.#ipv4.of(ip);
  }

  /** `PLAIN:bob` keeps its authenticator. */
  #login(login: string): string {
    const colon = login.indexOf(":");
    return login.slice(0, colon + 1) + this.#address(login.slice(colon + 1));
  }
}

/** True for a text that is to be hidden wherever it stands. */
type IsKnown = (text: string, secret: Secret) => boolean;

/** A colour, a call of the stack of a bug, a text in quotes, perhaps a time zone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those of a colour.
const SENTENCE_PARTS = /(\u001b\[[\d;]*m|^ +at .*$|"[^"\n]*"|\b[A-Z][a-z]+\/[\w/+-]+)/m;
const STACK_FRAME = /^ +at /;

/** True when `text` has `word`, and no letter, digit or hyphen beside it. */
function hasWord(text: string, word: string): boolean {
  if (word === "") return true;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!/[\p{L}\p{N}_-]$/u.test(text.slice(0, at)) && !/^[\p{L}\p{N}_-]/u.test(text.slice(at + word.length)))
      return true;
  }
  return false;
}

/** A word, or an escape, whose letter is no part of the word behind it. */
const WORD = /\\[nrt]|[\p{L}\p{M}\p{N}_]+(?:-[\p{L}\p{M}\p{N}_]+)*/gu;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV6 = /^[0-9a-fA-F.]*:[0-9a-fA-F:.]*$/;

/** The null sender, what Exim writes in the place of an address, pipes and files: they say nothing of anybody, or are texts. */
function isNoName(address: string): boolean {
  return ["", "<>", "discarded", "blackhole"].includes(address) || /^[|/:]/.test(address);
}

function madeUpId(number: number, [start, digits, end]: readonly [string, number, string]): string {
  return `${start}${String(number).padStart(digits, "0")}${end}`;
}

/** Subjects, which have no form; and addresses and hosts that are not seen to be such. */
function isSeenEverywhere(text: string, secret: Secret): boolean {
  if (text.length < SHORTEST_KNOWN || isNoName(text)) return false;
  if (secret === "address") return text.includes("@") && /[\s=;:,()[\]]/.test(text);
  return secret === "subject" || (secret === "host" && /[\s()]/.test(text));
}

/** Names of somebody or something; what has a form of its own needs not be known. */
function isHidden(text: string, secret: Secret): boolean {
  if (["text", "harmless", "configured", "path", "withheld"].includes(secret)) return false;
  return text.length > 1 && !isNoName(text) && !(secret === "argument" && text.startsWith("-"));
}
