/** Plans the steps until logs are read regularly, or no longer are. Nothing is changed here. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Account, findAccount, findGroups, type Group } from "./accounts.ts";
import { type LogPlace, readingNeeds } from "./log-places.ts";

export const SERVICE_USER = "exim-pilot";
export const DATA_DIRECTORY = "/var/lib/exim-pilot";
export const SECRETS_DIRECTORY = "/etc/exim-pilot";
export const TIMERS = ["ingest", "prune", "backup", "report"].map((name) => `exim-pilot-${name}.timer`);
/** Started by hand only: not every user may read the spool, and channels have to be configured. */
const OTHER_TIMERS = ["exim-pilot-snapshot.timer", "exim-pilot-notify.timer"];
const UNITS_OF_ADMINISTRATOR = "/etc/systemd/system";
const UNITS_OF_PACKAGES = ["/usr/lib/systemd/system", "/lib/systemd/system"];
const CRON_FILE = "/etc/cron.d/exim-pilot";

/** Changes that a step makes; paths are below the root. */
export type Action =
  | { readonly kind: "run"; readonly program: string; readonly args: readonly string[] }
  | { readonly kind: "file"; readonly path: string; readonly text: string; readonly keepsOld: boolean }
  /** The configuration, whose path is complete. */
  | { readonly kind: "configuration"; readonly path: string; readonly text: string; readonly keepsOld: boolean }
  | { readonly kind: "remove"; readonly path: string }
  /** Belongs to the user of the services. */
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  /** The database and its directory, made if they are not there, for a group to read. */
  | { readonly kind: "share"; readonly database: string; readonly groupId: number };

export interface Step {
  /** Subject of the step: `logs`, `user`, `timers`. */
  readonly about: string;
  /** `done`: nothing is to do. `todo`: its actions are. `kept`: somebody changed it, so it stays. `missing`: somebody else has to do it. */
  readonly state: "done" | "todo" | "kept" | "missing";
  readonly message: string;
  readonly hint?: string;
  readonly actions: readonly Action[];
}

export interface SetupFacts {
  /** Stands before all paths; `/` but in tests. */
  readonly root: string;
  readonly place: LogPlace | undefined;
  /** Path of the database. */
  readonly database: string;
  /** Its name, with `--group`. */
  readonly group: string | undefined;
  readonly configuration: Step;
  /** The folder `contrib` of the program. */
  readonly examples: string;
  /** True when systemd runs this machine, and can be asked. */
  readonly hasSystemd: boolean;
  readonly areTimersOn: boolean;
  /** Tool of this system that adds users. */
  readonly userTool: "useradd" | "pw" | undefined;
  /** The program is where the services look for it. */
  readonly isOnServicePath: boolean;
  /** Files that were changed are written again. */
  readonly isForced: boolean;
}

export function planSetup(facts: SetupFacts): readonly Step[] {
  const { root, place, database, group } = facts;
  const account = findAccount(SERVICE_USER, root);
  return [
    place === undefined
      ? done("logs", "The configuration names the logs.")
      : done("logs", `${place.system} has them: ${place.pattern}`),
    ...(facts.isOnServicePath ? [] : [notOnPath()]),
    planUser(account, facts),
    ...(place === undefined ? [] : planGroups(place, account, facts)),
    planDirectory(DATA_DIRECTORY, group === undefined ? 0o700 : 0o2750, facts, account),
    planDirectory(SECRETS_DIRECTORY, 0o700, facts, account),
    facts.configuration,
    ...(dirname(database) === DATA_DIRECTORY ? [] : [elsewhere(database)]),
    ...(group === undefined ? [] : [planSharing(group, facts)]),
    ...planClock(facts),
  ];
}

/** Plans the removal of what was set up; the database, the configuration and the user stay. */
export function planRemoval(facts: Pick<SetupFacts, "root" | "examples" | "hasSystemd" | "isForced">): readonly Step[] {
  const { root, examples, hasSystemd } = facts;
  const units = readdirSync(join(examples, "systemd"));
  const files = [
    ...units.map((unit) => [join(UNITS_OF_ADMINISTRATOR, unit), join("systemd", unit)] as const),
    [CRON_FILE, join("cron", "exim-pilot")] as const,
  ];
  const steps = files.flatMap(([path, example]) =>
    planRemovalOf(path, readFileSync(join(examples, example), "utf8"), facts),
  );
  const hasUnits = [UNITS_OF_ADMINISTRATOR, ...UNITS_OF_PACKAGES].some((folder) =>
    existsSync(join(root, folder, TIMERS[0] ?? "")),
  );
  const stop =
    hasSystemd && hasUnits
      ? [
          todo(
            "timers",
            `Stop and disable ${[...TIMERS, ...OTHER_TIMERS].join(", ")}.`,
            run("systemctl", "disable", "--now", ...TIMERS, ...OTHER_TIMERS),
          ),
        ]
      : [];
  const reload =
    hasSystemd && steps.some(({ state }) => state === "todo")
      ? [todo("systemd", "Make systemd forget the removed units.", run("systemctl", "daemon-reload"))]
      : [];
  const kept = done(
    "database",
    `${DATA_DIRECTORY}, the configuration, ${SECRETS_DIRECTORY} and the user ${SERVICE_USER} stay: remove them by hand.`,
  );
  return [...stop, ...steps, ...reload, kept];
}

function planRemovalOf(path: string, text: string, { root, isForced }: Pick<SetupFacts, "root" | "isForced">): Step[] {
  const there = readIfThere(join(root, path));
  if (there === undefined) return [];
  if (there === text || isForced) return [todo("file", `Remove ${path}.`, { kind: "remove", path })];
  return [kept("file", `${path} was edited, and stays.`, "--force removes it anyway.")];
}

function planUser(account: Account | undefined, { userTool }: SetupFacts): Step {
  if (account !== undefined) return done("user", `There is a user ${SERVICE_USER}.`);
  const message = `Make the user ${SERVICE_USER}, whom the services run as.`;
  if (userTool === "useradd")
    return todo(
      "user",
      message,
      run(
        "useradd",
        "--system",
        "--user-group",
        "--home-dir",
        DATA_DIRECTORY,
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        SERVICE_USER,
      ),
    );
  if (userTool === "pw")
    return todo("user", message, run("pw", "useradd", SERVICE_USER, "-d", DATA_DIRECTORY, "-s", "/usr/sbin/nologin"));
  return missing(
    "user",
    `There is no user ${SERVICE_USER}, and neither useradd nor pw to make one.`,
    `Make a user and a group of that name without a password; then run this again.`,
  );
}

function planGroups(place: LogPlace, account: Account | undefined, { root, userTool }: SetupFacts): Step[] {
  const needs = readingNeeds(place.main, root);
  const groups = findGroups(root);
  const joins = needs.groups.map((id): Step => {
    const group = groups.find((candidate) => candidate.id === id);
    if (group === undefined)
      return missing(
        "group",
        `The group ${id} may read the logs, and has no name.`,
        "Give it one in /etc/group; then run this again.",
      );
    if (isMember(group, account))
      return done("group", `${SERVICE_USER} is in the group ${group.name}, which may read the logs.`);
    const join =
      userTool === "pw"
        ? run("pw", "groupmod", group.name, "-m", SERVICE_USER)
        : run("usermod", "-a", "-G", group.name, SERVICE_USER);
    return todo("group", `Add ${SERVICE_USER} to the group ${group.name}, which may read the logs.`, join);
  });
  const hint =
    "Set log_file_mode = 0640 in Exim, or give the logs and their directory to a group; then run this again.";
  return [...joins, ...needs.missing.map((sentence) => missing("group", sentence, hint))];
}

function isMember({ id, members }: Group, account: Account | undefined): boolean {
  return account?.groupId === id || members.includes(SERVICE_USER);
}

function planDirectory(path: string, mode: number, { root }: SetupFacts, account: Account | undefined): Step {
  const status = statSync(join(root, path), { throwIfNoEntry: false });
  const octal = mode.toString(8).padStart(4, "0");
  if (status === undefined) return todo("directory", `Make ${path}, mode ${octal}.`, { kind: "directory", path, mode });
  if (!status.isDirectory())
    return missing("directory", `${path} is no directory.`, "Move it away; then run this again.");
  if (account !== undefined && status.uid === account.userId) return done("directory", `${path} is there.`);
  return todo("directory", `Give ${path} to ${SERVICE_USER}, mode ${octal}.`, { kind: "directory", path, mode });
}

function planSharing(name: string, { root, database }: SetupFacts): Step {
  const group = findGroups(root).find((candidate) => candidate.name === name);
  if (group === undefined)
    return missing("sharing", `There is no group ${name}.`, `Make it with \`groupadd ${name}\`; then run this again.`);
  const [file, directory] = [database, dirname(database)].map((path) =>
    statSync(join(root, path), { throwIfNoEntry: false }),
  );
  const isShared =
    file !== undefined &&
    directory !== undefined &&
    (file.mode & 0o7777) === 0o640 &&
    (directory.mode & 0o7777) === 0o2750 &&
    file.gid === group.id &&
    directory.gid === group.id;
  return isShared
    ? done("sharing", `The group ${name} can read the database.`)
    : todo("sharing", `Let the group ${name} read the database: mode 0640, its directory 2750.`, {
        kind: "share",
        database,
        groupId: group.id,
      });
}

/** NOTE: without logs to read, each run would fail, and each failure be mailed. */
function planClock(facts: SetupFacts): Step[] {
  if (facts.configuration.state === "missing") return [];
  return facts.hasSystemd ? planUnits(facts) : [planCron(facts)];
}

function planUnits(facts: SetupFacts): Step[] {
  const { root, examples } = facts;
  const first = TIMERS[0] ?? "";
  const packaged = UNITS_OF_PACKAGES.find((folder) => existsSync(join(root, folder, first)));
  const files =
    packaged === undefined
      ? readdirSync(join(examples, "systemd")).map((unit) =>
          planFile(
            "unit",
            join(UNITS_OF_ADMINISTRATOR, unit),
            readFileSync(join(examples, "systemd", unit), "utf8"),
            facts,
          ),
        )
      : [done("units", `They are in ${packaged}, from the package.`)];
  const hasNew = files.some(({ state }) => state === "todo");
  const reload = hasNew ? [run("systemctl", "daemon-reload")] : [];
  const timers =
    facts.areTimersOn && !hasNew
      ? done("timers", "They run.")
      : todo("timers", `Start ${TIMERS.join(", ")}.`, ...reload, run("systemctl", "enable", "--now", ...TIMERS));
  return [...files, timers];
}

function planCron(facts: SetupFacts): Step {
  const text = readFileSync(join(facts.examples, "cron", "exim-pilot"), "utf8");
  if (existsSync(join(facts.root, dirname(CRON_FILE)))) return planFile("cron", CRON_FILE, text, facts);
  const lines = text.split("\n").filter((line) => /^[\d*]/.test(line));
  const own = lines.map((line) => line.replace(/^((?:\S+ +){5})exim-pilot +/, "$1"));
  return missing(
    "cron",
    `There is neither systemd nor ${dirname(CRON_FILE)}.`,
    `Give these lines to \`crontab -u ${SERVICE_USER} -e\`: ${own.join(" ⏎ ")}`,
  );
}

function planFile(about: string, path: string, text: string, { root, isForced }: SetupFacts): Step {
  const there = readIfThere(join(root, path));
  if (there === text) return done(about, `${path} is up to date.`);
  if (there === undefined) return todo(about, `Write ${path}.`, { kind: "file", path, text, keepsOld: false });
  if (isForced)
    return todo(about, `Write ${path} again; what was there stays as ${path}.old.`, {
      kind: "file",
      path,
      text,
      keepsOld: true,
    });
  return kept(
    about,
    `${path} differs from what this version writes, and stays.`,
    "--force rewrites it, and keeps the old one beside it.",
  );
}

function notOnPath(): Step {
  return missing(
    "program",
    "exim-pilot is not in /usr/local/bin, /usr/bin or another directory where services look.",
    "Install it there: `npm install --global`, or a package.",
  );
}

function elsewhere(database: string): Step {
  return missing(
    "database",
    `The services may write to ${DATA_DIRECTORY} only, and the configuration puts the database at ${database}.`,
    `Add ReadWritePaths=${dirname(database)} to each service with \`systemctl edit\`, or change db.`,
  );
}

/** Undefined when there is none. Errors: those of the system. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function run(program: string, ...args: string[]): Action {
  return { kind: "run", program, args };
}

export function done(about: string, message: string): Step {
  return { about, state: "done", message, actions: [] };
}

export function todo(about: string, message: string, ...actions: Action[]): Step {
  return { about, state: "todo", message, actions };
}

export function kept(about: string, message: string, hint: string): Step {
  return { about, state: "kept", message, hint, actions: [] };
}

export function missing(about: string, message: string, hint: string): Step {
  return { about, state: "missing", message, hint, actions: [] };
}
