import type { Host, Identification } from "./events.ts";
import { parseWholeNumber } from "./numbers.ts";

/**
 * Reads whose message it is, in the two forms of a widespread hosting panel.
 *
 *     20DlAQ-0009VN-0O SMTP connection identification H=mail.example A=203.0.113.101 P=33599 M=20DlAQ-0009VN-0O U=alice ID=1001 S=alice B=authenticated
 *                      ^
 *     20DlAQ-0009VN-0O Sender identification U=fred smith D=partner.example S=x@partner.example
 * Source: fixtures/logs/identification.log.
 */
export function parseIdentification(text: string): Identification | undefined {
  const isConnection = text.startsWith("SMTP connection identification ");
  if (!isConnection && !text.startsWith("Sender identification ")) return undefined;
  const fields = readFields(text, text.indexOf("identification ") + "identification".length);
  const details: string[] = [];
  const host: { -readonly [Key in keyof Host]: Host[Key] } = {
    name: undefined,
    helo: undefined,
    ip: undefined,
    port: undefined,
    secure: false,
  };
  let user: string | undefined;
  let sender: string | undefined;
  for (const [key, value] of fields) {
    if (key === "U") user = value;
    else if (key === "S") sender = value;
    else if (isConnection && key === "H") host.name = value === "" ? undefined : value;
    else if (isConnection && key === "A") host.ip = value === "" ? undefined : value;
    else if (isConnection && key === "P" && parseWholeNumber(value) !== undefined) host.port = parseWholeNumber(value);
    else details.push(key, value);
  }
  return { kind: "identification", host: isConnection ? host : undefined, user, sender, details };
}

const FIELD = / (H|A|P|M|U|ID|S|B|D)=/g;

/** Values may hold blanks: each ends where the next of the known keys begins. */
function readFields(text: string, from: number): (readonly [string, string])[] {
  const starts = [...text.matchAll(FIELD)].filter(({ index }) => index >= from);
  return starts.map((match, index) => {
    const [whole, key = ""] = match;
    return [key, text.slice(match.index + whole.length, starts[index + 1]?.index)] as const;
  });
}
