/** Adds to a configuration what setup finds, and leaves all else of it as it is written. */

export interface WantedSettings {
  /** Undefined if it is already set. */
  readonly db: string | undefined;
  /** Undefined if they are already set. */
  readonly logs: readonly string[] | undefined;
}

/** The text with the settings in it, each on a line of its own. What reads them has to look whether they are there: TOML has other forms too. */
export function addSettings(text: string, { db, logs }: WantedSettings): string {
  const withLogs = logs === undefined ? text : addLogs(text, `logs = [${logs.map(quote).join(", ")}]`);
  return db === undefined ? withLogs : `db = ${quote(db)}\n${withLogs}`;
}

/** Strings of JSON are strings of TOML. */
function quote(value: string): string {
  return JSON.stringify(value);
}

const TABLE = /^\[ingest\][ \t]*(?:#.*)?$/m;
const EXAMPLE = /^# logs = .*$/m;

function addLogs(text: string, line: string): string {
  // NOTE: by functions, since a name may have a $ in it.
  if (!TABLE.test(text)) return `${text.replace(/\n*$/, "\n")}\n[ingest]\n${line}\n`;
  if (EXAMPLE.test(text)) return text.replace(EXAMPLE, () => line);
  return text.replace(TABLE, (table) => `${table}\n${line}`);
}
