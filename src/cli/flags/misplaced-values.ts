/** Values that a filter cannot match because they are of another kind: an IP address for --host, a domain for --sender. */
import { isMessageId } from "../../parse/message-id.ts";
import { isNet } from "../../store/search/text-lookup.ts";
import type { FilterFlags } from "./filter-flags.ts";

/** Kinds that a value can be told by its form. */
type ValueKind = "ip" | "id" | "address" | "bracketed" | "atDomain" | "domain";

const NAMES: Readonly<Record<ValueKind, string>> = {
  ip: "an IP address",
  id: "Exim's id of a message",
  address: "an address",
  bracketed: "an address in angle brackets",
  atDomain: "a domain with an @",
  domain: "a domain or the name of a host",
};

/** Advice for a value of the kind, where the flag has none of its own. */
const ADVICE: Readonly<Record<ValueKind, string>> = {
  ip: "Give it to --ip.",
  id: "Give it to `exim-pilot trace`.",
  address: "Give it to --sender, --recipient or --address.",
  bracketed: "Leave the brackets out.",
  atDomain: "Leave the @ out, and give it to --domain.",
  domain: "Give it to --domain or --host.",
};

interface Expectation {
  readonly takes: string;
  readonly kinds: readonly ValueKind[];
}

const ADDRESS: Expectation = { takes: "an address", kinds: ["address"] };

/** Kinds of values that each flag compares; flags for any text are not here. */
const EXPECTATIONS: Readonly<Partial<Record<keyof FilterFlags, Expectation>>> = {
  sender: ADDRESS,
  recipient: ADDRESS,
  address: ADDRESS,
  domain: { takes: "a domain", kinds: ["domain"] },
  host: { takes: "the name of a host", kinds: ["domain"] },
  helo: { takes: "the name in a HELO", kinds: ["domain", "ip"] },
  auth: { takes: "a login", kinds: ["address", "domain"] },
  ident: { takes: "the name of a local user, or an ident", kinds: ["address", "domain"] },
  messageId: { takes: "the Message-ID of a header", kinds: ["address", "bracketed", "domain"] },
  transport: { takes: "the name of a transport", kinds: ["domain"] },
  router: { takes: "the name of a router", kinds: ["domain"] },
};

/**
 * Explains which values are of another kind than their flag compares, and where they belong: a sentence for each flag and kind. An
 * answer may not be empty all the same: a host can be named by its IP address.
 */
export function explainMisplaced(flags: FilterFlags): readonly string[] {
  const sentences = Object.entries(EXPECTATIONS).flatMap(([name, { takes, kinds }]) => {
    const values = (flags[name as keyof FilterFlags] ?? []) as readonly string[];
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return values.flatMap((value) => {
      const kind = kindOf(value);
      if (kind === undefined || kinds.includes(kind)) return [];
      return [`--${flag} compares ${takes}, and ${NAMES[kind]} was given. ${ADVICE[kind]}`];
    });
  });
  return [...new Set(sentences)];
}

/** The same as hints of an answer that is empty, a line each. */
export function hintsOfMisplaced(flags: FilterFlags): string {
  return explainMisplaced(flags)
    .map((sentence) => `hint: ${sentence}\n`)
    .join("");
}

/** Undefined: a word, or a pattern that may match anything. */
function kindOf(value: string): ValueKind | undefined {
  const text = value.replace(/^\[(.*)\]$/, "$1");
  if (isNet(text) || isIpPattern(text)) return "ip";
  if (isMessageId(value)) return "id";
  if (/^<[^<>\s]+@[^<>\s]+>$/.test(value)) return "bracketed";
  if (/^@[^@\s]+$/.test(value)) return "atDomain";
  if (value === "<>" || /[^@]@[^@]/.test(value)) return "address";
  return /^(?:[\w-]+\.)+[A-Za-z][\w-]*$/.test(value) ? "domain" : undefined;
}

/** `203.0.113.*` */
function isIpPattern(text: string): boolean {
  return /^[\d*?]+(?:\.[\d*?]+){1,3}$/.test(text) && /^\d{1,3}\./.test(text);
}
