/**
 * Logs and spools in which every name is a nonsense word that nothing else contains, so that a leak is seen by its letters. Forms of lines
 * stay Exim's. It shares no code with the redactor: what one overlooks the other finds.
 */

/** Seven rare letters: no word of a language, of Exim or of this program has five of them in a row. */
const LETTERS = "qxzjkvw";
const WORD_LENGTH = 8;
const LEAK = /[qxzjkvw]{5}[qxzjkvw\w.-]*|\b177\.2\d\d(?:\.\d+)*|(?:[cd]{4}:)+[cd]/gi;

/** Returns the nonsense in an output: words, or parts of at least five characters. */
export function leaksIn(output: string): string[] {
  return [...new Set((output.match(LEAK) ?? []).map((leak) => leak.replace(/[.-]+$/, "")))];
}

const NAME = String.raw`[\p{L}\p{N}_.+~*!#$%&'/?^{|}-]`;
const TOP = "example|net|org|com|internal|test|invalid|local|lan";
const HOST = String.raw`(?<![\p{L}\p{N}_-])(?:[\p{L}\p{N}_-]+\.)+(?:${TOP})(?![\p{L}\p{N}_-])`;
const IS_TOP = new RegExp(`^(?:${TOP})$`, "i");
/** Exim's words where an address could be. */
const NO_NAMES: ReadonlySet<string> = new Set(
  "discarded blackhole srs0 srs1 prvs acl the delivery an a system errmsg rcpt dot exim".split(" "),
);

/** Places of names, in the order in which they are replaced: the first group, or all of it. */
const PLACES: readonly RegExp[] = [
  // Subjects, certificates and what people write in headers.
  /(?<=\bT=")((?:[^"\\]|\\.)*)(?=")/g,
  /(?<=\bDN=")((?:[^"\\]|\\.)*)(?=")/g,
  /^(?:\d{3,}[ PFTCBRSI*] |[PFTCBRSI* ] )?(?:Subject|Comments|Keywords|Thread-Topic|X-[\w-]+|List-[\w-]+|DKIM-Signature): (.*(?:\n[ \t].*)*)/gim,
  /^(?:\d{3,}[ PFTCBRSI*] |[PFTCBRSI* ] )?(?:From|To|Cc|Reply-To|Sender): (.*(?:\n[ \t].*)*)/gim,
  /\bid\*?=(\S+)/g,
  new RegExp(String.raw`("[^"\n]*"|${NAME}*)@(?=[\p{L}\p{N}[])`, "gu"),
  new RegExp(HOST, "giu"),
  /(?<=^|[\s'"(=|<>,:])(\/[^\s'"()<>,;|:]{2,})/gm,
  // Accounts.
  /\bset_id=([^\s)]+)/g,
  /(?<= A=[\w-]+:)(\S+)/g,
  /(?<=\b(?:U|D|user)=)([^\s<>]*[A-Za-z][^\s<>:]*)/g,
  /(?<=\bidentification .* S=)([^\s<>]*[A-Za-z][^\s<>:]*)/g,
  /\b(?:[Rr]emoved|[Ff]rozen|[Uu]nfrozen|[Cc]ancelled|changed to \S+|added|delivered) by ([\w.-]+)/g,
  // Local parts without a domain.
  /(?<!\*)(?:<=|\(=|=>|->|>>|\*>|==|\*\*) ([^\s<>|/:"([]\S*)/g,
  /(?<=[\s:=,(])<([^<>\s]+)>/g,
  /(?<= <= .* for )([^"=\]]+)$/gm,
  // Greetings and short names of hosts.
  /(?<=\bH=(?:\S+ )?(?:DS )?)\(([^\s[]*?)\)/g,
  /(?<=\b(?:from|host|helo) (?:\S+ )?)\(([^()[]*?)\)(?= \[)/g,
  /(?<=\bH=)([\w-]+)(?= \[)/g,
  /(?<=\bhelo=)([\w.-]+)/g,
  // Ids of other servers.
  /\b((?=[0-9A-Fa-f]*\d)(?=[0-9A-Fa-f]*[A-Fa-f])[0-9A-Fa-f]{10,})\b/g,
  /(?<=[Qq]ueued as )([\w.-]+)/g,
];
const ID = /(?<![\w-])([0-9A-Za-z]{6})-([0-9A-Za-z]{11}|[0-9A-Za-z]{6})-(?=(?:[0-9A-Za-z]{4}|[0-9A-Za-z]{2})(?![\w]))/g;
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g;
const IPV6 = /(?<=[[ ]|IPv6:)(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){7})[0-9a-f]*:[0-9a-f:]+/gi;

export class Nonsense {
  readonly #words = new Map<string, string>();
  readonly #ips = new Map<string, string>();

  /** The nonsense that stands for a word; what is nonsense already stays. */
  word(real: string): string {
    if (/^[qxzjkvw]{6,}$/i.test(real) || /^(?:\p{L}|\d{1,4})$/u.test(real)) return real;
    const key = real.toLowerCase();
    let word = this.#words.get(key);
    if (word === undefined) {
      word = spell(this.#words.size + 1, WORD_LENGTH);
      this.#words.set(key, word);
    }
    return real === real.toUpperCase() && /\p{Lu}/u.test(real) ? word.toUpperCase() : word;
  }

  /** A log, a listing or a message; as latin1 where it is to stay what it was. */
  text(text: string): string {
    let replaced = text
      .replace(ID, (_, time: string, rest: string) => `${time}-${this.#part(rest)}-`)
      .replace(IPV4, (ip) => this.#ip(ip, (n) => `177.2${pad(n >> 6)}.2${pad((n >> 3) & 7)}.2${pad(n & 7)}`))
      .replace(IPV6, (ip) =>
        this.#ip(ip, (n) => `cddc:dccd:ccdd::${n.toString(2).replace(/0/g, "c").replace(/1/g, "d")}`),
      );
    for (const place of PLACES) {
      replaced = replaced.replace(place, (whole: string, found: unknown) =>
        typeof found === "string" ? this.#instead(whole, found) : this.#inside(whole),
      );
    }
    return replaced;
  }

  /** The header file of a spool, whose headers begin with their lengths. */
  spoolHeader(text: string): string {
    const headers = /^(?=\d{3,}[ PFTCBRSI*] )/m;
    return this.text(text)
      .split(headers)
      .map((part) => {
        const [, type, header] = /^\d{3,}([ PFTCBRSI*]) (.*)$/s.exec(part) ?? [];
        return header === undefined ? part : `${String(Buffer.byteLength(header)).padStart(3, "0")}${type} ${header}`;
      })
      .join("");
  }

  #instead(whole: string, found: string): string {
    const at = whole.lastIndexOf(found);
    return whole.slice(0, at) + this.#inside(found) + whole.slice(at + found.length);
  }

  #inside(text: string): string {
    return text.replace(/\p{L}[\p{L}\p{N}_]*|\p{N}+(?:[\p{L}_][\p{L}\p{N}_]*)?/gu, (word, at: number) => {
      if (NO_NAMES.has(word.toLowerCase())) return word;
      if (text[at - 1] === "." && IS_TOP.test(word) && !/^\.?\w/.test(text.slice(at + word.length))) return word;
      // Keys of a distinguished name, escapes.
      if (/^(?:CN|OU|O|C|L|ST)$/.test(word) || text[at - 1] === "\\") return word;
      return this.word(word);
    });
  }

  #part(rest: string): string {
    return this.word(`${rest}-id`).slice(0, 6).padStart(rest.length, "q");
  }

  #ip(real: string, spell: (number: number) => string): string {
    if (/^177\.2|^cddc/.test(real)) return real;
    let ip = this.#ips.get(real);
    if (ip === undefined) {
      ip = spell(this.#ips.size + 8);
      this.#ips.set(real, ip);
    }
    return ip;
  }
}

/** Two digits up to 55 of an octet from 200. */
function pad(number: number): string {
  return String(number % 56).padStart(2, "0");
}

function spell(number: number, length: number): string {
  // NOTE: a step without a common divisor: words that follow each other have little in common.
  let rest = (number * 1_234_577) % LETTERS.length ** length;
  let word = "";
  for (let place = 0; place < length; place++) {
    word += LETTERS[rest % LETTERS.length];
    rest = Math.floor(rest / LETTERS.length);
  }
  return word;
}
