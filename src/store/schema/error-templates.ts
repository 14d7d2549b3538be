/**
 * Error texts without what makes each of them unique: the address or IP they are about, which the same row holds anyway.
 *
 *     198.51.100.7 is listed at zen.example   (ip 198.51.100.7)   →   ␁ is listed at zen.example
 *
 * Ten thousand rejections then share one string, which is also what counting reasons wants. The views put the values back.
 */

const PLACEHOLDERS = { ip: "\u0001", recipient: "\u0002", sender: "\u0003" } as const;

export interface TemplateValues {
  readonly ip?: string | undefined;
  readonly recipient?: string | undefined;
  readonly sender?: string | undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the placeholders themselves.
const RESERVED = /[\u0001-\u0003]/g;
const CONTROL_PICTURES = 0x2400;
const SHORTEST_VALUE = 3;

/** The text with each value replaced by its placeholder. A placeholder met in the text itself is shown as its control picture. */
export function toTemplate(text: string, values: TemplateValues): string {
  let template = RESERVED.test(text)
    ? text.replace(RESERVED, (character) => String.fromCharCode(CONTROL_PICTURES + character.charCodeAt(0)))
    : text;
  template = replaceValue(template, values.recipient, PLACEHOLDERS.recipient);
  template = replaceValue(template, values.sender, PLACEHOLDERS.sender);
  return replaceValue(template, values.ip, PLACEHOLDERS.ip);
}

/** Values that a template may replace: an address, or an IP. */
const VALUE =
  /[^\s<>"',;:()[\]]+@[^\s<>"',;:()[\]]+|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])[\da-f]*:[\da-f:]+:[\da-f:]*(?![\w:])/gi;

/** Forms of a text part in templates: itself, and with its addresses and IPs replaced. */
export function templatesOf(part: string): readonly string[] {
  const addresses = [PLACEHOLDERS.recipient, PLACEHOLDERS.sender];
  const values = [...new Set(part.match(VALUE) ?? [])];
  return values.reduce<readonly string[]>(
    (templates, value) =>
      templates.flatMap((template) =>
        [value, ...(value.includes("@") ? addresses : [PLACEHOLDERS.ip])].map((other) =>
          template.replaceAll(value, () => other),
        ),
      ),
    [part],
  );
}

/** The text of a template. */
export function fromTemplate(template: string, values: TemplateValues): string {
  return template
    .replaceAll(PLACEHOLDERS.ip, () => values.ip ?? "")
    .replaceAll(PLACEHOLDERS.recipient, () => values.recipient ?? "")
    .replaceAll(PLACEHOLDERS.sender, () => values.sender ?? "");
}

function replaceValue(text: string, value: string | undefined, placeholder: string): string {
  if (value === undefined || value.length < SHORTEST_VALUE || !text.includes(value)) return text;
  return text.replaceAll(value, placeholder);
}
