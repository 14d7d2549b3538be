/**
 * Answers that can be shown to strangers: addresses, hosts, IPs, logins, ids, subjects and paths replaced by made-up ones, the same by
 * the same within one output. What is written in words of its own, as in the text of a refusal, may still tell something.
 */
import { unescapeQuoted } from "../parse/quoting.ts";
import { unwrapLine } from "../parse/wrappers.ts";
import { type Secret, secretOf } from "./fields.ts";
import { type HeaderHiders, redactHeaderLines } from "./header-lines.ts";
import { KnownTexts, type MatchKind, replaceFound } from "./patterns.ts";

/** Forms of made-up names. Ids have the form of Exim's, so that a redacted line can be read like any other. */
const MADE_UP_ID = { short: ["hidden-", 6, "-id"], long: ["hidden-", 11, "-long"] } as const;

const NOTHING_KNOWN = new KnownTexts();

/** Shorter texts are words that stand everywhere. */
const SHORTEST_KNOWN = 4;

/** Words of Exim's where the name of somebody could stand. */
const NO_ACTORS: readonly string[] = ["ACL", "the", "delivery", "an", "a", "errmsg"];

/** Made-up names, numbered in the order of the real ones; equal real names have equal made-up ones. */
class Names {
  readonly #names = new Map<string, string>();
  readonly #make: (number: number) => string;

  constructor(make: (number: number) => string) {
    this.#make = make;
  }

  of(real: string): string {
    let name = this.#names.get(real);
    if (name === undefined) {
      name = this.#make(this.#names.size + 1);
      this.#names.set(real, name);
    }
    return name;
  }

  has(real: string): boolean {
    return this.#names.has(real);
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
  readonly #tags = new Names((number) => `tag${number}`);
  readonly #subjects = new Names((number) => `subject ${number}`);
  readonly #paths = new Names((number) => `/path${number}`);
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
      if (isKnown(value, secret)) this.#known.set(value, this.#hide(value, secret));
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
      case "argument":
        return /^[-/]|^[\d.]+[smhdw]?$/.test(value) || this.#text(value) !== value
          ? this.#text(value)
          : this.#address(value);
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
        return this.#users.has(text) ? this.#users.of(text) : text;
      default:
        return this.#hide(text, found);
    }
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
  if (["text", "harmless", "path"].includes(secret)) return false;
  return text.length > 1 && !isNoName(text) && !(secret === "argument" && text.startsWith("-"));
}
