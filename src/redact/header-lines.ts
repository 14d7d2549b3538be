/** The lines below an entry, where they are a header dump: what a header says is told by its name. */
import { startsHeaderDump } from "../parse/header-dump.ts";
import { KnownTexts, replaceFound } from "./patterns.ts";

/** Each gives what is in the place of a value. */
export interface HeaderHiders {
  readonly text: (text: string) => string;
  readonly subject: (text: string) => string;
  readonly address: (text: string) => string;
  readonly host: (text: string) => string;
}

/** `F From:`, `  Subject:`, `* Received:`. */
const HEADER = /^([PFTCBRSI* ] )([!-9;-~]+?)([ \t]*:[ \t]*)(.*)$/s;
const FOLD = /^[ \t]*/;

const WORDS: readonly string[] = ["subject", "thread-topic", "comments", "keywords", "content-description"];
/** Beside the addresses they have names of people. */
const NAMES =
  /^(?:resent-)?(?:from|to|cc|bcc|reply-to|sender)$|^(?:delivered|envelope|x-original|errors|apparently)-to$/;
const IDS: readonly string[] = ["message-id", "in-reply-to", "references", "resent-message-id"];

/** Each line redacted; those before a dump, and all when there is none, as text. */
export function redactHeaderLines(lines: readonly string[], hide: HeaderHiders): string[] {
  let isDump = false;
  let name = "";
  return lines.map((line, index) => {
    isDump ||= startsHeaderDump(line);
    if (!isDump) return hide.text(line);
    const [, type = "", header = "", colon = "", value = ""] = HEADER.exec(line) ?? [];
    if (header !== "") {
      name = header.toLowerCase();
      const folds = WORDS.includes(name) ? foldsBelow(lines.slice(index + 1)) : "";
      return `${type}${hide.text(header)}${colon}${hideValue(name, value + folds, hide)}`;
    }
    if (name === "" || line === "") return hide.text(line);
    // Its words are in the line above already.
    const [blanks = ""] = FOLD.exec(line) ?? [];
    return blanks + (WORDS.includes(name) ? "" : hideValue(name, line.slice(blanks.length), hide));
  });
}

function foldsBelow(lines: readonly string[]): string {
  const end = lines.findIndex((line) => line === "" || HEADER.test(line));
  return lines.slice(0, end === -1 ? lines.length : end).join("");
}

function hideValue(name: string, value: string, hide: HeaderHiders): string {
  if (WORDS.includes(name)) return value.trim() === "" ? "" : hide.subject(value);
  if (NAMES.test(name))
    return addressesIn(value)
      .map((address) => `<${hide.address(address)}>`)
      .join(", ");
  if (IDS.includes(name)) return value.replace(/(?<=<)[^<>]+(?=>)/g, hide.address);
  if (name === "received") return hideHosts(value, hide);
  return hide.text(value);
}

function addressesIn(value: string): string[] {
  const addresses: string[] = [];
  replaceFound(value, new KnownTexts(), (found, text) => {
    if (found === "address") addresses.push(text);
    return text;
  });
  return addresses;
}

/** `from laptop ([203.0.113.7] helo=laptop)`, `by mx1 with esmtp`. */
function hideHosts(value: string, hide: HeaderHiders): string {
  return value
    .split(/((?<=(?:^|\s)(?:from|by) |\bhelo=)[^\s()<>[\]]+)/)
    .map((part, index) => (index % 2 === 1 ? hide.host(part) : hide.text(part)))
    .join("");
}
