/**
 * Version of the parser, raised whenever it reads a line otherwise than before. It marks what an older parser derived, which
 * `exim-pilot rebuild` brings up to date.
 */
export const PARSER_VERSION = 5;
