/**
 * Raised whenever a line is read otherwise than before, so that what was derived by an older parser can be told from what this one
 * derives: `exim-pilot rebuild` brings it up to date.
 */
export const PARSER_VERSION = 5;
