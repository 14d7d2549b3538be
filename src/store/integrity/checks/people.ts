import { type IntegrityCheck, rowsOf } from "./check.ts";

/** A hash whose parameters and parts are not there cannot be compared with any password. */
const IS_HASH = `password_hash GLOB 'scrypt$[1-9]*$[1-9]*$[1-9]*$?*$?*' AND length(password_hash) >= 60`;
const HAS_CONTROL = `(note GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || ']*')`;
const LONGEST_NOTE = 10_000;

const RULES: readonly (readonly [table: string, isWrong: string, what: string])[] = [
  ["stored_users", `password_hash IS NOT NULL AND NOT (${IS_HASH})`, "have a password that is not hashed by scrypt"],
  ["stored_users", "active NOT IN (0, 1)", "are neither active nor disabled"],
  [
    "stored_notes",
    `trim(note) = '' OR length(note) > ${LONGEST_NOTE} OR ${HAS_CONTROL}`,
    "have no text, too much of it, or control characters",
  ],
  ["stored_notes", "author = '' OR is_public NOT IN (0, 1)", "have no author, or are neither public nor private"],
  ["stored_tags", "author = ''", "have no author"],
  ["tag_names", "colour NOT GLOB '#' || replace('xxxxxx', 'x', '[0-9a-f]')", "have a colour that is none"],
  ["tag_names", "colour IS NULL AND about IS NULL", "have neither colour nor meaning"],
];

export const PEOPLE: IntegrityCheck = {
  name: "people",
  question: "Are users, notes and tags as people could have written them?",
  readsAllText: false,
  *run({ database }) {
    for (const [table, isWrong, what] of RULES) {
      const count = database.prepare<[], number>(`SELECT count(*) FROM ${table} WHERE ${isWrong}`).pluck().get() ?? 0;
      if (count > 0) yield `${rowsOf(count, table)} ${what}.`;
    }
  },
};
