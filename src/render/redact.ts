/**
 * Answers that can be shown to strangers: addresses, hosts, IPs, logins, ids and subjects replaced by made-up ones, the same by the same
 * within one output. What is written in words of its own, as in the text of a refusal, may still tell something.
 */

/** Values that say nothing of anybody. */
const HARMLESS = new Set([
  "direction",
  "enhancedCode",
  "event",
  "kind",
  "logType",
  "mark",
  "next",
  "phase",
  "protocol",
  "router",
  "seenIn",
  "status",
  "timeZone",
  "timestamp",
  "tls",
  "tone",
  "transport",
  "completedAt",
  "deliveredAt",
  "deferredAt",
  "lastTriedAt",
  "first",
  "last",
  "category",
]);
const ADDRESSES = new Set(["sender", "senders", "recipient", "recipients", "address", "finalAddress"]);
const HOSTS = new Set(["host", "helo", "server"]);
const LOGINS = new Set(["ident", "auth", "account", "accounts", "succeeded", "user", "users"]);

const ANY_ID =
  /(?<![\w-])(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4})(?!\w|-(?![DHJK]\b))/g;
const LOGGED_SUBJECT = /(?<= T=)"(?:[^"\\]|\\.)*"/g;
const ADDRESS = /(?:"[^"\n]*"|[^\s<>()"',;:=[\]]+)@(?:[\p{L}\p{N}_-]+\.)*[\p{L}\p{N}_-]+/gu;
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)/g;
const IPV6 =
  /(?<=^|[^\w:.]|IPv6:)(?=[0-9a-fA-F:.]*(?:::|(?:[0-9a-fA-F]+:){7}))[0-9a-fA-F]*:[0-9a-fA-F:.]*[0-9a-fA-F:](?![\w:])/g;
const HOST =
  /(?<![\w.-])(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}](?![\p{L}\p{N}_-])/gu;
/** Where a log line has an account or a local user. */
const LOGIN_NAME = /(?<= U=| A=[\w-]+:|\(set_id=)[\p{L}\p{N}._-]+(?![\p{L}\p{N}@])/gu;
/** Where a name without a domain stands in a log line or in a sentence about it. */
const LOCAL_NAME = /(?<=[=*-][>*=] |>> |\*> |\bas |\bby |\bto |\bfor |\bin as |\/)[\p{L}\p{N}._-]+(?![\p{L}\p{N}@])/gu;

/** Tells made-up names, in the order in which the real ones come. */
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
  readonly #ipv4 = new Names((number) => `198.18.${number >> 8}.${number & 0xff}`);
  readonly #ipv6 = new Names((number) => `2001:db8::${number.toString(16)}`);
  readonly #shortIds = new Names((number) => `hidden-${String(number).padStart(6, "0")}-id`);
  readonly #longIds = new Names((number) => `hidden-${String(number).padStart(11, "0")}-long`);
  readonly #tags = new Names((number) => `tag${number}`);
  readonly #subjects = new Names((number) => `subject ${number}`);

  /** The same value with all its texts redacted. */
  redact<Value>(value: Value): Value {
    this.#learn(value, "");
    return this.#replace(value, "") as Value;
  }

  /** Local names are known as such where they have a field of their own, and replaced wherever they stand for an address. */
  #learn(value: unknown, key: string): void {
    if (Array.isArray(value)) for (const item of value) this.#learn(item, key);
    else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) this.#learn(item, name);
    } else if (typeof value === "string") {
      if (ADDRESSES.has(key)) this.#address(value);
      else if (LOGINS.has(key)) this.#login(value);
      else if (!HARMLESS.has(key)) for (const [address] of value.matchAll(ADDRESS)) this.#address(address);
    }
  }

  #replace(value: unknown, key: string): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#replace(item, key));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#replace(item, name)]));
    }
    if (typeof value !== "string" || HARMLESS.has(key)) return value;
    if (ADDRESSES.has(key)) return this.#address(value);
    if (HOSTS.has(key)) return this.#host(value);
    if (key === "ipAddress") return value.includes(":") ? this.#ipv6.of(value) : this.#ipv4.of(value);
    if (LOGINS.has(key)) return this.#login(value);
    if (key === "tags") return this.#tags.of(value);
    if (key === "subject") return this.#subjects.of(value);
    return this.#text(value);
  }

  #text(text: string): string {
    return text
      .replace(LOGGED_SUBJECT, (subject) => `"${this.#subjects.of(subject.slice(1, -1))}"`)
      .replace(ANY_ID, (id) => this.#id(id))
      .replace(ADDRESS, (address) => this.#address(address))
      .replace(IPV4, (ip) => this.#ipv4.of(ip))
      .replace(IPV6, (ip) => this.#ipv6.of(ip.toLowerCase()))
      .replace(LOGIN_NAME, (name) => (/^user\d+$/.test(name) ? name : this.#users.of(name)))
      .replace(HOST, (host) => this.#host(host))
      .replace(LOCAL_NAME, (name) => (this.#users.has(name) ? this.#users.of(name) : name));
  }

  #id(id: string): string {
    if (id.startsWith("hidden-")) return id;
    return (id.length === 16 ? this.#shortIds : this.#longIds).of(id);
  }

  /** The null sender, pipes and files say nothing of anybody, or are texts. */
  #address(address: string): string {
    if (address === "<>" || address === "") return address;
    if (/^[|/:]/.test(address)) return this.#text(address);
    const at = address.lastIndexOf("@");
    if (at === -1) return /^user\d+$/.test(address) ? address : this.#users.of(address);
    const domain = address.slice(at + 1);
    if (/^user\d+@host\d+\.example$/.test(address)) return address;
    return `${this.#users.of(address.slice(0, at))}@${this.#host(domain)}`;
  }

  #host(host: string): string {
    if (/^host\d+\.example$/.test(host) || host === "") return host;
    if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) return this.#ipv4.of(host);
    return host.includes(":") ? this.#text(host) : this.#hosts.of(host.toLowerCase());
  }

  /** `PLAIN:bob` keeps its authenticator. */
  #login(login: string): string {
    const colon = login.indexOf(":");
    const name = login.slice(colon + 1);
    return login.slice(0, colon + 1) + (name.includes("@") ? this.#address(name) : this.#users.of(name));
  }
}
