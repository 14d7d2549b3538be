/** The commands, and what else people call what they do. Loaded at every start, so nothing else is here. */

/** Words that are taken for a command. */
export const SYNONYMS: Readonly<Record<string, string>> = {
  check: "verify",
  show: "trace",
  find: "search",
  grep: "search",
};

/** Commands in the order of the help. Each has words that mean it, which its name is told for: what they are about to change or print is not guessed. */
const MEANINGS: Readonly<Record<string, string>> = {
  setup: "cron daemon enable install service services start systemd timer timers uninstall wizard",
  ingest: "add append collect import index insert load log logs mainlog read scan store sync update",
  trace: "explain history msg message messages track where why",
  search: "exigrep filter list ls lookup match query select who",
  tail: "events follow live monitor now recent stream watch",
  abuse: "abusers attack attacks brute bruteforce hacked security spam spammers",
  queue: "bp exiqgrep exiqsumm mailq pending spool waiting",
  content: "attachment attachments body eml headers message-content mime preview view",
  tag: "label mark name tags",
  stats: "count counts dashboard eximstats figures html metrics report reports statistics summary top",
  notify:
    "alarm alert alerts channels mail matrix notification notifications notifier ntfy outbox page pager send slack telegram webhook",
  servers: "host hosts rename server",
  sources: "coverage files source",
  export: "cat download dump extract raw save",
  sql: "database db psql shell sqlite sqlite3 table tables view views",
  verify: "fsck health integrity ok test validate",
  rebuild: "recreate reindex reparse reset",
  parse: "decode line lines",
  prune: "clean cleanup compact delete drop expire forget gc purge remove retention rm rotate shrink trim vacuum",
  backup: "backups copy snapshot",
  restore: "recover undo",
  migrate: "init schema upgrade",
  audit: "audits log-of-actions",
  doctor: "diagnose env info status",
  config: "configuration configure options settings",
  completion: "autocomplete bash completions fish zsh",
  help: "?? commands man manual usage",
};

export const COMMANDS = Object.keys(MEANINGS);

/** The command that a word means; undefined when it means none. */
export function commandMeantBy(word: string): string | undefined {
  const lower = word.toLowerCase();
  return (
    COMMANDS.find((name) => MEANINGS[name]?.split(" ").includes(lower)) ??
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
