/** Encoded words of RFC 2047 in a header: `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=` is `Grüße`. What cannot be decoded stays as it is. */

const WORD = /=\?([^?*\s]{1,40})(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=/;
const BLANK_BETWEEN = new RegExp(`(${WORD.source})\\s+(?=${WORD.source})`, "g");

export function decodeEncodedWords(text: string): string {
  if (!text.includes("=?")) return text;
  return text
    .replace(BLANK_BETWEEN, "$1")
    .replace(new RegExp(WORD.source, "g"), (all: string, charset: string, form: string, data: string) => {
      const bytes = form.toUpperCase() === "B" ? Buffer.from(data, "base64") : fromQuoted(data);
      try {
        return new TextDecoder(charset).decode(bytes).replaceAll("\0", "?");
      } catch (error) {
        // A charset that nobody knows.
        if (error instanceof RangeError) return all;
        throw error;
      }
    });
}

function fromQuoted(data: string): Buffer {
  const text = data
    .replaceAll("_", " ")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(text, "latin1");
}
