/** Character codes the parser looks at; bytes of a log are read as latin1, so a code is a byte below 0x100. */
export const TAB = 0x09;
export const LF = 0x0a;
export const SPACE = 0x20;
export const QUOTE = 0x22;
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
export const UPPER_Z = 0x5a;
export const LEFT_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const RIGHT_BRACKET = 0x5d;
export const LOWER_A = 0x61;
export const LOWER_Z = 0x7a;
export const PIPE = 0x7c;

export function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

export function isUpper(code: number): boolean {
  return code >= UPPER_A && code <= UPPER_Z;
}

export function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isUpper(code) || (code >= LOWER_A && code <= LOWER_Z);
}
