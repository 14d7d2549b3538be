/** Character codes the parser looks at; bytes of a log are read as latin1, so a code is a byte below 0x100. */
export const TAB = 0x09;
export const LF = 0x0a;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const PERCENT = 0x25;
export const LEFT_PAREN = 0x28;
export const RIGHT_PAREN = 0x29;
export const ASTERISK = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const DIGIT_0 = 0x30;
export const DIGIT_9 = 0x39;
export const COLON = 0x3a;
export const LESS_THAN = 0x3c;
export const EQUALS = 0x3d;
export const GREATER_THAN = 0x3e;
export const AT = 0x40;
export const UPPER_A = 0x41;
export const UPPER_D = 0x44;
export const UPPER_S = 0x53;
export const UPPER_T = 0x54;
export const UPPER_Z = 0x5a;
export const LEFT_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const RIGHT_BRACKET = 0x5d;
export const UNDERSCORE = 0x5f;
export const LOWER_A = 0x61;
export const LOWER_F = 0x66;
export const LOWER_I = 0x69;
export const LOWER_Z = 0x7a;
export const PIPE = 0x7c;

export function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

export function isUpper(code: number): boolean {
  return code >= UPPER_A && code <= UPPER_Z;
}

const ALPHANUMERIC = 1;
const IN_ADDRESS = 2;

/** Class of each code; the table has all codes, so that no look-up leaves it. */
const CLASSES = new Uint8Array(0x10000);
for (let code = DIGIT_0; code <= LOWER_Z; code++) {
  if (isDigit(code) || isUpper(code) || code >= LOWER_A) CLASSES[code] = ALPHANUMERIC | IN_ADDRESS;
}
for (const code of [COLON, DOT, PERCENT, MINUS, UNDERSCORE]) CLASSES[code] = IN_ADDRESS;

/** True for a letter or digit of ASCII; false for NaN, the code past the end of a text. */
export function isAlphanumeric(code: number): boolean {
  return ((CLASSES[code | 0] ?? 0) & ALPHANUMERIC) !== 0;
}

/** True for what an address of the net, or the name in its place in test logs, is made of. */
export function isAddressCharacter(code: number): boolean {
  return ((CLASSES[code | 0] ?? 0) & IN_ADDRESS) !== 0;
}
