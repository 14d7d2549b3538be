/** A line with a flag given back from what was read of it, so that nothing of it can have been swallowed. */
import { parseDuration } from "../../src/parse/durations.ts";
import type { AddressPart, Authentication, Host, LogEvent } from "../../src/parse/events.ts";
import { closingQuote, printingsOf, unescapePrinted, unescapeQuoted, unescapeReply } from "../../src/parse/quoting.ts";

/** Returns the end of the part that begins at `at`; undefined if it is not there. */
type Part = (text: string, at: number) => number | undefined;

function anyText(...texts: readonly string[]): Part {
  const longestFirst = [...texts].sort((one, other) => other.length - one.length);
  return (text, at) => {
    const found = longestFirst.find((part) => text.startsWith(part, at));
    return found === undefined ? undefined : at + found.length;
  };
}

/** `T="…"` that means `value`; a reply that Exim's buffer cut has no closing quote. */
function quoted(key: string, value: string, read: (raw: string) => string): Part {
  return (text, at) => {
    const start = ` ${key}="`;
    if (!text.startsWith(start, at)) return undefined;
    const from = at + start.length;
    const close = closingQuote(text, from);
    const end = close === -1 ? text.length : close;
    return read(text.slice(from, end)) === value ? Math.min(end + 1, text.length) : undefined;
  };
}

function duration(key: string, ms: number): Part {
  return (text, at) => {
    const word = new RegExp(`^ ${key}=([\\w.]+)`).exec(text.slice(at));
    return word !== null && parseDuration(word[1] ?? "") === ms ? at + word[0].length : undefined;
  };
}

function hostText({ name, helo, ip, port, portText, secure }: Host): string {
  const address =
    ip === undefined
      ? undefined
      : `[${ip}]${port === undefined && portText === undefined ? "" : `:${port ?? portText}`}`;
  return [name, secure ? "DS" : undefined, helo === undefined ? undefined : `(${helo})`, address]
    .filter((part) => part !== undefined)
    .join(" ");
}

function authText({ authenticator, id }: Authentication): string {
  return id === undefined ? authenticator : `${authenticator}:${id}`;
}

/** ` KEY=value` with the value bare, in quotes or in angle brackets, which the key decides. */
function detailParts(details: readonly string[]): Part[] {
  const parts: Part[] = [];
  for (let index = 0; index < details.length; index += 2) {
    const [key = "", value = ""] = details.slice(index, index + 2);
    if (key === "id*") continue;
    if (key === "H*") parts.push(anyText("*"));
    else if (key === "from") parts.push(anyText(` from <${value}>`));
    else if (key === "defer") parts.push(anyText(` defer (${value})`));
    else if (value === "") parts.push(anyText(` ${key}`, ` ${key}=`, ` ${key}=<>`));
    else parts.push(anyText(` ${key}=${value}`, ` ${key}="${value}"`, ` ${key}=<${value}>`));
  }
  return parts;
}

function addressTexts({ final, parents, original }: AddressPart): string[] {
  const group = parents.length === 0 ? "" : ` (${parents.join(", ")})`;
  return [`${final}${group}`, `${final}${group} <${original}>`];
}

interface Parts {
  readonly head: Part;
  readonly fields: readonly Part[];
  /** Error as it was read; fields of the remote side may be in it. */
  readonly error: string;
}

function partsOf(event: LogEvent, flag: string): Parts | undefined {
  const fields: Part[] = [];
  const add = (key: string, value: string | number | undefined): void => {
    if (value !== undefined) fields.push(anyText(` ${key}=${value}`));
  };
  if (event.kind === "arrival") {
    const { sender, host, auth, headerMessageId, subject, recipients } = event;
    add("R", event.parentId);
    add("H", host && hostText(host));
    add("U", event.ident);
    add("P", event.protocol);
    add("X", event.tls);
    add("A", auth && authText(auth));
    add("S", event.sizeBytes);
    if (headerMessageId !== undefined)
      fields.push(anyText(...printingsOf(headerMessageId).flatMap((id) => [` id=${id}`, ` id*=${id}`])));
    if (subject !== undefined) fields.push(quoted("T", subject, unescapeQuoted));
    if (recipients !== undefined) fields.push(anyText(` for ${recipients.join(" ")}`));
    fields.push(...detailParts(event.details));
    return { head: anyText(`${flag} ${sender === "" ? "<>" : sender}`), fields, error: "" };
  }
  if (event.kind === "discard") {
    if (event.address === undefined) return undefined;
    add("R", event.router);
    const heads = addressTexts(event.address).map((address) => `${flag} ${address}`);
    return { head: anyText(...heads), fields: [...fields, ...detailParts(event.details)], error: "" };
  }
  if (event.kind !== "delivery" && event.kind !== "deferral" && event.kind !== "failure") return undefined;
  const { address, host } = event;
  add("R", event.router);
  add("T", event.transport);
  add("H", host && hostText(host));
  add("X", event.tls);
  if (event.deliveryMs !== undefined) fields.push(duration("DT", event.deliveryMs));
  fields.push(...detailParts(event.details));
  if (event.kind === "delivery") {
    if (event.queueMs !== undefined) fields.push(duration("QT", event.queueMs));
    if (event.confirmation !== undefined) fields.push(quoted("C", event.confirmation, unescapeReply));
  }
  if (event.kind === "deferral") {
    for (const word of ["routing", "transporting"]) fields.push(anyText(` ${word}`));
    fields.push(anyText(` defer (${event.errno})`));
  }
  const heads = addressTexts(address).map((text) => `${flag} ${text}`);
  return { head: anyText(...heads), fields, error: "error" in event ? event.error : "" };
}

const FIELD = / [A-Z][A-Za-z0-9]*=\S/;

/** Values without quotes or brackets around them, in which fields that follow would disappear. */
function swallowing(event: LogEvent): string[] {
  if (event.kind === "arrival") {
    const { sender, ident = "", protocol = "", auth } = event;
    return [sender.startsWith('"') ? "" : sender, ident, protocol, auth?.id ?? ""];
  }
  if (event.kind !== "delivery" && event.kind !== "deferral" && event.kind !== "failure") return [];
  const { final, original, parents } = event.address;
  return final === original && parents.length === 0 && !final.startsWith('"') ? [final] : [];
}

/**
 * Text of a flagged line that its event does not give back, in Exim's own order of fields; "" if all is. Undefined for lines
 * that are composed of words alone.
 */
export function notRecomposed(text: string, event: LogEvent): string | undefined {
  if (event.kind === "completed") {
    const end = event.queueMs === undefined ? 9 : duration("QT", event.queueMs)(text, 9);
    return /^Completed(?: QT=\S+)?$/.test(text) && (end === text.length || event.details !== undefined) ? "" : text;
  }
  const parts = partsOf(event, text.slice(0, 2));
  if (parts === undefined) return undefined;
  if (swallowing(event).some((value) => FIELD.test(value))) return text;
  let at = parts.head(text, 0) ?? 0;
  let { error } = parts;
  const left = [...parts.fields];
  while (at < text.length) {
    const found = left.findIndex((part) => isWhole(text, part(text, at)));
    if (found !== -1) {
      at = left.splice(found, 1)[0]?.(text, at) ?? text.length;
      continue;
    }
    const said = saidAt(text, at, error, left);
    if (said === undefined) return text.slice(at);
    at = said.end;
    error = said.error;
  }
  return error === "" ? "" : error;
}

function isWhole(text: string, end: number | undefined): boolean {
  return end !== undefined && (end === text.length || /^[ :*\n]/.test(text.slice(end)));
}

/** The next piece of an error, up to a field within it or to the end. */
function saidAt(
  text: string,
  at: number,
  error: string,
  left: readonly Part[],
): { end: number; error: string } | undefined {
  if (error === "") return undefined;
  const start = [": ", " : ", " ", "\n"].find((word) => text.startsWith(word, at));
  if (start === undefined) return undefined;
  const from = at + start.length;
  const ends = [text.length];
  for (let blank = text.indexOf(" ", from); blank !== -1; blank = text.indexOf(" ", blank + 1))
    if (left.some((part) => isWhole(text, part(text, blank)))) ends.push(blank);
  for (const end of ends) {
    const piece = unescapePrinted(text.slice(from, end));
    if (piece === error) return { end, error: "" };
    const joint = error.startsWith("\n", piece.length) ? "\n" : ": ";
    if (piece !== "" && error.startsWith(piece + joint))
      return { end, error: error.slice(piece.length + joint.length) };
  }
  return undefined;
}
