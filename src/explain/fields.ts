/** An event as a flat list of its fields, each with what may precede it in a line. */
import type { LogEvent } from "../parse/events.ts";
import type { HeaderDump } from "../parse/header-dump.ts";
import type { ParsedEntry } from "../parse/record.ts";

/** A field that the line states: `host.ip`, `recipients[0]`, `details.DN`. */
export interface Field {
  readonly name: string;
  readonly value: string | number | true;
  /** Texts that may precede it: a key with its `=`, a word, a bracket; "" if it may be anywhere. Undefined if it never occurs as text. */
  readonly openers: readonly string[] | undefined;
  /** Name of the field whose text holds this one. */
  readonly within: string | undefined;
}

/** Keys and words before a value, by the name of the property. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  router: ["R=", ""],
  transport: ["T=", ""],
  parentId: ["R="],
  tls: ["X=", ""],
  ident: ["U=", ""],
  protocol: ["P="],
  sizeBytes: ["S="],
  headerMessageId: ["id=", "id*="],
  queueMs: ["QT="],
  deliveryMs: ["DT="],
  durationMs: ["D="],
  confirmation: ["C="],
  sender: ["F=", "S=", ""],
  user: ["U="],
  pid: ["pid=", ""],
  queue: ["Q=", ""],
  domain: ["d=", ""],
  selector: ["s=", ""],
  directory: ["cwd=", ""],
  connections: ["count=", "TCP/IP connection count = ", ""],
  "host.name": ["H=", ""],
  "host.helo": ["H=(", "(", ""],
  "host.ip": ["[", ""],
  "host.port": ["]:"],
  "auth.authenticator": ["A=", ""],
  "auth.id": [":", ""],
  "arrival.subject": ["T="],
  "identification.host.ip": ["A="],
  "identification.host.port": ["P="],
};

/** Told by the form of a line, not by words of it. */
const BY_FORM: ReadonlySet<string> = new Set([
  "phase",
  "action",
  "problem",
  "mechanism",
  "result",
  "verdict",
  "scan.scanner",
  "verification.subject",
  "signature.mechanism",
  "isTemporary",
  "isRetrySkip",
  "isRetryTimeout",
  "fakeReject",
  "reply.isTimeout",
]);
/** Names above that are a text of the line in one event. */
const AS_TEXT: ReadonlySet<string> = new Set(["rewrite.result"]);

/** The fields of an entry's event that say something, in the order of the event; what is unknown or "no" is left out. */
export function fieldsOf({ event }: ParsedEntry): Field[] {
  return Object.entries(event).flatMap(([name, value]) => {
    if (name === "kind") return [];
    return name === "details" ? detailFields(value as readonly string[]) : fieldsUnder(name, value, event);
  });
}

function fieldsUnder(name: string, value: unknown, event: LogEvent): Field[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => fieldsUnder(`${name}[${index}]`, item, event));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, inner]) => fieldsUnder(`${name}.${key}`, inner, event));
  if (name === "residue" && value === "") return [];
  const isTold = typeof value === "string" || typeof value === "number" || value === true;
  return isTold ? [{ name, value, openers: openersOf(name, value, event), within: containerOf(name) }] : [];
}

function openersOf(name: string, value: string | number | true, { kind }: LogEvent): readonly string[] | undefined {
  if (name === "host.secure") return ["DS"];
  const ofKind = `${kind}.${name}`;
  if (value === true || BY_FORM.has(ofKind) || (BY_FORM.has(name) && !AS_TEXT.has(ofKind))) return undefined;
  return OPENERS[ofKind] ?? OPENERS[name] ?? [""];
}

function containerOf(name: string): string | undefined {
  return name.startsWith("reply.") ? "error" : undefined;
}

/** `KEY=value`; a bare flag is its key; some keys are words. */
function detailFields(details: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let index = 0; index + 1 < details.length; index += 2) {
    const [key = "", value = ""] = details.slice(index, index + 2);
    const fieldName = `details.${key}`;
    if (value !== "")
      fields.push({ name: fieldName, value, openers: [`${key}=`, `${key} `, `${key}: `, ""], within: undefined });
    else if (key !== "") fields.push({ name: fieldName, value: true, openers: [key, `${key}=`], within: undefined });
  }
  return fields;
}

/** Fields of a header dump, one for each header: `F From: <x@partner.example>`. The dump is no part of the text that is marked. */
export function headerDumpFields(dump: HeaderDump): Field[] {
  const { envelopeSender, envelopeRecipients, hasMoreRecipients, headers, isTruncated } = dump;
  const fields = [
    ...(envelopeSender === undefined ? [] : [["envelopeSender", `<${envelopeSender}>`] as const]),
    ...envelopeRecipients.map((address, index) => [`envelopeRecipients[${index}]`, `<${address}>`] as const),
    ...(hasMoreRecipients ? [["hasMoreRecipients", true] as const] : []),
    ...headers.map(
      ({ type, name, value }, index) => [`headers[${index}]`, `${type} ${name}: ${value}`.trim()] as const,
    ),
    ...(isTruncated ? [["isTruncated", true] as const] : []),
  ];
  return fields.map(([name, value]) => ({ name, value, openers: undefined, within: undefined }));
}
