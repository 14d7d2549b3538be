/** Kind of an attachment by its first bytes and its name, and reasons why it may be more than it seems. Pure. */

interface Signature {
  readonly kind: string;
  /** Bytes in latin1. */
  readonly bytes: string;
  readonly at?: number;
}

/** Sources: the formats' own specifications. */
const SIGNATURES: readonly Signature[] = [
  { kind: "program", bytes: "MZ" },
  { kind: "program", bytes: "\x7fELF" },
  { kind: "program", bytes: "\xca\xfe\xba\xbe" },
  { kind: "program", bytes: "\xcf\xfa\xed\xfe" },
  { kind: "program", bytes: "\xce\xfa\xed\xfe" },
  { kind: "program", bytes: "\xfe\xed\xfa\xce" },
  { kind: "program", bytes: "\xfe\xed\xfa\xcf" },
  { kind: "script", bytes: "#!" },
  { kind: "shortcut", bytes: "L\0\0\0\x01\x14\x02\0" },
  { kind: "zip", bytes: "PK\x03\x04" },
  { kind: "zip", bytes: "PK\x05\x06" },
  { kind: "rar", bytes: "Rar!\x1a\x07" },
  { kind: "7z", bytes: "7z\xbc\xaf\x27\x1c" },
  { kind: "gzip", bytes: "\x1f\x8b" },
  { kind: "bzip2", bytes: "BZh" },
  { kind: "xz", bytes: "\xfd7zXZ\0" },
  { kind: "zstd", bytes: "\x28\xb5\x2f\xfd" },
  { kind: "cab", bytes: "MSCF" },
  { kind: "tar", bytes: "ustar", at: 257 },
  { kind: "iso", bytes: "CD001", at: 32_769 },
  { kind: "pdf", bytes: "%PDF-" },
  { kind: "office", bytes: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" },
  { kind: "rtf", bytes: "{\\rtf" },
  { kind: "png", bytes: "\x89PNG\r\n\x1a\n" },
  { kind: "jpeg", bytes: "\xff\xd8\xff" },
  { kind: "gif", bytes: "GIF87a" },
  { kind: "gif", bytes: "GIF89a" },
  { kind: "webp", bytes: "WEBP", at: 8 },
];

/** Bytes at the start of an attachment that are enough to find its kind. */
export const HEAD_BYTES = 33_000;

/** By the first bytes; `text`: of letters and blanks alone. Null: of no kind that is known. */
export function detectKind(head: Buffer): string | null {
  const found = SIGNATURES.find(({ bytes, at = 0 }) => head.toString("latin1", at, at + bytes.length) === bytes);
  if (found !== undefined) return found.kind === "zip" && isEncryptedZip(head) ? "encrypted zip" : found.kind;
  const start = head
    .toString("latin1", 0, 1024)
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .toLowerCase();
  if (/^<(?:!doctype html|html|head|body|script|iframe|meta|svg|\?xml[^>]*>\s*<svg)/.test(start))
    return start.includes("<svg") ? "svg" : "html";
  return head.length > 0 && !CONTROL.test(head.toString("latin1", 0, 4096)) ? "text" : null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has.
const CONTROL = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/;
const ENCRYPTED_AT = 6;

function isEncryptedZip(head: Buffer): boolean {
  return head.length > ENCRYPTED_AT && ((head[ENCRYPTED_AT] ?? 0) & 1) === 1;
}

const PICTURES: readonly string[] = ["png", "jpeg", "gif", "webp"];
const ARCHIVES: readonly string[] = [
  "zip",
  "encrypted zip",
  "rar",
  "7z",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "cab",
  "tar",
  "iso",
];
const DOCUMENTS: readonly string[] = ["pdf", "office", "rtf"];

/** Types of text that no program runs. */
const PLAIN_TYPES = /^text\/(?:plain|csv|calendar|vcard|x-vcard|tab-separated-values|x-log|x-diff|x-patch|markdown)$/;
const RUN_BY_NAME =
  /\.(?:exe|scr|com|pif|bat|cmd|msi|msp|mst|cpl|dll|js|jse|vbs|vbe|wsf|wsh|hta|ps1|psm1|jar|lnk|url|reg|inf|sh|bash|py|pl|rb|php|apk|app|dmg|deb|rpm|chm|scf|desktop|appref-ms|iso|img|vhd|docm|xlsm|pptm|xlam|dotm|html?|xhtml|shtml|svg|xml|mht|mhtml|eml)[\s.]*$/i;
const DOCUMENT_IN_FRONT =
  /\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|txt|csv|rtf|jpe?g|png|gif|mp3|mp4|zip)[\s._-]*\.[a-z0-9]{1,10}[\s.]*$/i;
/** Turn the order of letters round, or are not seen. */
const HIDDEN_LETTERS = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
const MANY_BLANKS = /\s{8}/;

export interface AttachmentFacts {
  readonly filename: string | null;
  readonly contentType: string;
  readonly detected: string | null;
}

/** Why an attachment is not known to be inert: sentences; none for a picture or a plain text that is what it says. */
export function findAttachmentTroubles({ filename, contentType, detected }: AttachmentFacts): readonly string[] {
  const type = contentType.toLowerCase();
  const findings: string[] = [];
  if (filename !== null) findings.push(...findNameTroubles(filename));
  if (detected === "program" || detected === "script" || detected === "shortcut")
    findings.push(`It begins like a ${detected}.`);
  else if (detected === "encrypted zip")
    findings.push("It is an encrypted archive, into which no scanner on the way could look.");
  else if (detected !== null && ARCHIVES.includes(detected)) findings.push("It is an archive, which was not opened.");
  else if (detected !== null && DOCUMENTS.includes(detected))
    findings.push("It is a document, which may hold macros or scripts and was not examined.");
  else if (detected === "html" || detected === "svg")
    findings.push(`It is ${detected === "html" ? "HTML" : "SVG"}, which can hold scripts.`);
  else if (detected !== null && PICTURES.includes(detected)) {
    if (!/^image\//.test(type)) findings.push(`It is a picture (${detected}), but is declared as ${contentType}.`);
  } else if (detected === "text") {
    if (!PLAIN_TYPES.test(type)) findings.push(`It is text, but is declared as ${contentType}.`);
  } else findings.push("Its kind is not known.");
  if (detected !== null && /^image\//.test(type) && !PICTURES.includes(detected) && detected !== "svg")
    findings.push(`It is declared as a picture, but is ${detected}.`);
  return findings;
}

function findNameTroubles(filename: string): readonly string[] {
  const findings: string[] = [];
  if (HIDDEN_LETTERS.test(filename))
    findings.push("Its name has characters that are invisible or reverse the order of others.");
  if (MANY_BLANKS.test(filename)) findings.push("Its name has many spaces in a row, which hide its end.");
  const isRun = RUN_BY_NAME.test(filename);
  if (isRun && DOCUMENT_IN_FRONT.test(filename))
    findings.push("Its name looks like that of a document, but ends like that of a program.");
  else if (isRun) findings.push("Its name ends like that of a file that is run, or opened by a browser.");
  return findings;
}
