/** Finds the command that people mean. */
import { GROUPS } from "./groups.ts";

/** Words that are taken for a command. */
export const SYNONYMS: Readonly<Record<string, string>> = {
  check: "verify",
  show: "trace",
  find: "search",
  grep: "search",
};

const DECLARED = GROUPS.flatMap(({ commands }) => commands);

/** Names of the commands, in the order of the help. */
export const COMMANDS: readonly string[] = DECLARED.map(({ name }) => name);

/** The command that a word means; undefined when it means none. */
export function commandMeantBy(word: string): string | undefined {
  const lower = word.toLowerCase();
  return (
    DECLARED.find(({ words }) => words.split(" ").includes(lower))?.name ??
    COMMANDS.find((name) => isOneSlip(lower, name))
  );
}

/** True when one letter is wrong, missing or too many, or two neighbours have changed places. */
export function isOneSlip(typed: string, meant: string): boolean {
  if (typed === meant) return false;
  let start = 0;
  while (start < typed.length && typed[start] === meant[start]) start++;
  const [rest, wanted] = [typed.slice(start), meant.slice(start)];
  const isSwapped =
    rest.length >= 2 && rest[0] === wanted[1] && rest[1] === wanted[0] && rest.slice(2) === wanted.slice(2);
  return isSwapped || rest.slice(1) === wanted.slice(1) || rest.slice(1) === wanted || rest === wanted.slice(1);
}
