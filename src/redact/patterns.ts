/** Finds what is to be hidden in a text: by its form, or by what precedes it in a log line or a sentence. */

/** Kind of a match; also the name of its group. */
export type MatchKind =
  | "known"
  | "subject"
  | "certificate"
  | "address"
  | "actor"
  | "host"
  | "path"
  | "id"
  | "ip"
  | "mention"
  | "rest";

const LABEL = String.raw`[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?`;
const DELIMITER = String.raw`\s<>()"',;:=[\]`;
const BRACKETED_IP = String.raw`\[[\da-fA-F.:]+\]`;
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
/** Flag of an address line, after the message id or at the beginning of a text. */
const ADDRESS_FLAG = String.raw`(?:^|(?<!\S)[\w-]{16,23} )(?:<=|\(=|=>|->|>>|\*>|==|\*\*) `;
/** The word in the place of the address, but not one that Exim writes instead of an address. */
const NO_ADDRESS = String.raw`(?!(?:discarded|blackhole)\b)[^\s<>|/:"([]\S*`;

/** In the order in which they are tried at each place. A thing that has several forms has several lines. */
const FORMS: readonly (readonly [found: Exclude<MatchKind, "known" | "rest">, form: string])[] = [
  ["subject", `(?<= T=)${QUOTED}`],
  ["certificate", `(?<= DN=)${QUOTED}`],
  ["address", String.raw`(?<=<)(?:${QUOTED}|[^\s<>"]+)@[^\s<>]+(?=>)`],
  ["address", `(?<=${ADDRESS_FLAG})${NO_ADDRESS}`],
  ["address", String.raw`(?<= id\*?=)[^\s"]+`],
  // Without a domain.
  ["address", String.raw`(?<=(?:^ {4}|[ :]|\b[A-Z]=)<)[\w.+~=-]+(?=>)`],
  ["address", String.raw`(?<= header is: )[^\s)]+`],
  ["address", String.raw`(?<=\+)[\w.-]+(?==[\w.-]+\.[\w-])`],
  ["address", String.raw`(?<= args: .{0,1024} -[fF])[^\s"]+`],
  ["address", String.raw`(?<= (?:args|queue run): .{0,1024} -[RS](?:ff?|rf?f?)? )[^\s"-]\S*`],
  ["address", String.raw`(?<= (?:U|user|set_id)=)[^\s"<>)]+`],
  ["address", String.raw`(?<= identification .{0,1024} S=)[^\s"<>]+`],
  ["address", String.raw`(?<=\(set_id=)[^\s"<>)]+`],
  ["address", String.raw`(?<= A=[\w-]+:)[^\s:]+`],
  ["actor", String.raw`(?<=\b(?:[Rr]emoved|[Ff]rozen|[Uu]nfrozen|[Tt]hawed|[Cc]ancelled|added|delivered) by )[\w.-]+`],
  ["actor", String.raw`(?<=\bfrozen \()[\w.-]+(?=\))`],
  ["actor", String.raw`(?<=\bsender (?:address )?changed to \S+ by )[\w.-]+`],
  // Greetings of clients, and names without a domain.
  ["host", String.raw`(?<=(?:^| )H=(?:[^\s()[\]]+ )?(?:DS )?\().{1,1024}?(?=\)(?: ${BRACKETED_IP}|$))`],
  ["host", String.raw`(?<=(?:^| )H=)[^\s()[\]:]+`],
  ["host", String.raw`(?<=\b(?:from|to|host|by way of) (?:[\w.-]+ )?\().{1,1024}?(?=\) ${BRACKETED_IP})`],
  ["host", String.raw`(?<=\b(?:from|to|host|by|at|by way of) )[\w.-]+(?= (?:\([^()]*\) )?${BRACKETED_IP})`],
  ["host", String.raw`(?<=^server )[\w.-]+$`],
  ["path", String.raw`(?<=^|[\s'"(=|<>,])\/[^\s'"()<>,;|/:][^\s'"()<>,;|]*[^\s'"()<>,;|:.]`],
  [
    "address",
    String.raw`(?:(?<![^${DELIMITER}])${QUOTED}|(?<![^${DELIMITER}])[^${DELIMITER}]+)@(?:\[[^\]\s]*\]|(?:[\p{L}\p{N}_-]+\.)*[\p{L}\p{N}_-]+)`,
  ],
  [
    "id",
    String.raw`(?:(?<![\w-])|(?<=(?:^|\s)-[A-Za-z]{1,3}))(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4})(?!\w|-(?![DHJK]\b))`,
  ],
  ["ip", String.raw`(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.[\w.]*[A-Za-z_])`],
  [
    "ip",
    String.raw`(?<=^|[^\w:.]|IPv6:)(?=[0-9a-fA-F:.]{0,40}?(?:::|(?:[0-9a-fA-F]{1,4}:){7}))[0-9a-fA-F]*:[0-9a-fA-F:.]*[0-9a-fA-F:](?![\w:])`,
  ],
  ["host", String.raw`(?<![\p{L}\p{N}_.-])(?:${LABEL}\.)+\p{L}[\p{L}\p{N}-]*[\p{L}\p{N}](?![\p{L}\p{N}_-])`],
  // Names without a domain, where such may be; they are replaced when they are known from elsewhere.
  ["mention", String.raw`(?<=\b(?:as|by|to|for) |[=*>-][>*=] |\/)[\p{L}\p{N}._-]+(?![\p{L}\p{N}@])`],
];

const BY_FORM = new RegExp(FORMS.map(([, form]) => `(${form})`).join("|"), "gu");

/** Part of a text, from `from` up to `to`. */
interface Span {
  readonly found: MatchKind;
  readonly from: number;
  readonly to: number;
}

/**
 * Replaces all that is found, each once, and what is between as `rest`; `known` texts are found wherever they are words. What is known
 * gives way to a form that it is a part of, and stands for any other that it touches.
 */
export function replaceFound(
  text: string,
  known: KnownTexts,
  replace: (found: MatchKind, text: string) => string,
): string {
  const byForm = [...text.matchAll(BY_FORM)].map(spanOf);
  const asKnown = placesOf(known, text).filter((place) => !byForm.some((span) => isWithin(place, span)));
  const others = byForm.filter((span) => !asKnown.some((place) => touches(place, span)));
  let replaced = "";
  let end = 0;
  for (const { found, from, to } of [...asKnown, ...others].sort((one, other) => one.from - other.from)) {
    replaced += replace("rest", text.slice(end, from)) + replace(found, text.slice(from, to));
    end = to;
  }
  return replaced + replace("rest", text.slice(end));
}

function spanOf({ index, 0: whole, ...groups }: RegExpExecArray): Span {
  const group = FORMS.findIndex((_, number) => groups[number + 1] !== undefined);
  return { found: FORMS[group]?.[0] ?? "mention", from: index, to: index + whole.length };
}

/** Texts to be found as words, each with what stands for it; sought by length, so that their number costs no time. */
export class KnownTexts {
  readonly #names = new Map<string, string>();
  readonly #lengths = new Set<number>();

  set(text: string, name: string): void {
    this.#names.set(text, name);
    this.#lengths.add(text.length);
  }

  get(text: string): string | undefined {
    return this.#names.get(text);
  }

  has(text: string): boolean {
    return this.#names.has(text);
  }

  /** Longest first. */
  get lengths(): readonly number[] {
    return [...this.#lengths].sort((one, other) => other - one);
  }
}

/** Longer ones first: of two that touch, the first counts. */
function placesOf(known: KnownTexts, text: string): Span[] {
  const places: Span[] = [];
  for (const length of known.lengths) {
    for (let from = 0; from + length <= text.length; from++) {
      if (!known.has(text.slice(from, from + length))) continue;
      const place = { found: "known", from, to: from + length } as const;
      if (isWord(text, place) && !places.some((other) => touches(other, place))) places.push(place);
    }
  }
  return places;
}

function isWithin(inner: Span, outer: Span): boolean {
  return inner.from >= outer.from && inner.to <= outer.to && inner.to - inner.from < outer.to - outer.from;
}

function touches(one: Span, other: Span): boolean {
  return one.from < other.to && other.from < one.to;
}

const WORD = /[\p{L}\p{N}_]/u;
const BEFORE_WORD = /[\p{L}\p{N}_.@-]$/u;
const AFTER_WORD = /^(?:[\p{L}\p{N}_@=-]|\.[\p{L}\p{N}])/u;

/** No part of a longer word, address or name of a host, and no key. */
function isWord(text: string, { from, to }: Span): boolean {
  const isCutBefore = WORD.test(text.charAt(from)) && BEFORE_WORD.test(text.slice(Math.max(0, from - 2), from));
  return !isCutBefore && !(WORD.test(text.charAt(to - 1)) && AFTER_WORD.test(text.slice(to, to + 3)));
}
