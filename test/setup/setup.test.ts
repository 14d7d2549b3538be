/** `setup` on made-up systems: their files lie below a folder, and their programs are scripts that write down how they were called. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const CONTRIB = fileURLToPath(new URL("../../contrib", import.meta.url));
const [USER, GROUP] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
const TIMERS = ["ingest", "prune", "backup", "report"].map((name) => `exim-pilot-${name}.timer`);

interface SystemOptions {
  readonly logs?: readonly string[];
  readonly logMode?: number;
  readonly hasSystemd?: boolean;
  /** Exim's answer for `log_file_path`. */
  readonly exim?: string;
  readonly hasUser?: boolean;
}

function makeSystem({
  logs = ["/var/log/exim4/mainlog"],
  logMode = 0o644,
  hasSystemd = true,
  exim,
  hasUser = false,
}: SystemOptions = {}) {
  const root = temporaryFolder();
  const at = (path: string): string => join(root, path);
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
    chmodSync(at(path), mode);
  };
  const account = `exim-pilot:x:${USER}:${GROUP}::/var/lib/exim-pilot:/usr/sbin/nologin\n`;
  put("/etc/passwd", hasUser ? account : "root:x:0:0::/:/bin/sh\n");
  put("/etc/group", `adm:x:4:root\nreaders:x:${GROUP}:\n`);
  for (const log of logs) put(log, "", logMode);
  put("/usr/bin/exim-pilot", "", 0o755);
  const called = at("/called");
  writeFileSync(called, "");
  // Each says how it was called; its output and status follow.
  const tool = (name: string, body = ""): void =>
    put(`/tools/${name}`, `#!/bin/sh\necho "${name} $*" >>'${called}'\n${body}\n`, 0o755);
  tool("useradd", `printf '${account.trim()}\\n' >>'${at("/etc/passwd")}'`);
  tool("usermod");
  if (hasSystemd) {
    mkdirSync(at("/run/systemd/system"), { recursive: true });
    tool(
      "systemctl",
      `case $1 in is-*) [ -e '${at("/on")}' ] || exit 1; case $1 in is-enabled) w=enabled;; *) w=active;; esac; shift; for t; do echo $w; done;; enable) touch '${at("/on")}';; esac`,
    );
  } else mkdirSync(at("/etc/cron.d"), { recursive: true });
  if (exim !== undefined)
    tool("exim4", `case $2 in log_file_path) echo '${exim}';; *) echo 'spool_directory = /var/spool/other';; esac`);
  const world = {
    systemRoot: root,
    configFile: at("/etc/exim-pilot.toml"),
    isAdministrator: true,
    env: { PATH: `${at("/tools")}:/usr/bin:/bin` },
  };
  return {
    at,
    put,
    setup: (...words: string[]) => runCli(["setup", ...words], world),
    unprivileged: (...words: string[]) => runCli(["setup", ...words], { ...world, isAdministrator: false }),
    /** Calls that changed something; questions are left out. */
    calls: () =>
      readFileSync(called, "utf8")
        .split("\n")
        .filter((line) => /^(user|systemctl (?!is-|--version))/.test(line)),
    configuration: () => readFileSync(at("/etc/exim-pilot.toml"), "utf8"),
  };
}

describe("setup", () => {
  test("makes the user, writes the configuration and starts the timers; a second run finds nothing to do", async () => {
    const { setup, calls, configuration, at } = makeSystem();
    const first = await setup();
    expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: "" });
    expect(first.stdout).toMatch(/ steps done\.\n$/);
    expect(configuration()).toContain('\nlogs = ["/var/log/exim4/{main,reject,panic}log{,.1,.0,.01,-????????}"]\n');
    expect(statSync(at("/etc/exim-pilot.toml")).mode & 0o777).toBe(0o644);
    expect(readdirSync(at("/etc/systemd/system")).sort()).toEqual(readdirSync(join(CONTRIB, "systemd")).sort());
    for (const path of ["/var/lib/exim-pilot", "/etc/exim-pilot"])
      expect(statSync(at(path)).mode & 0o7777, path).toBe(0o700);
    expect(calls()).toEqual([
      "useradd --system --user-group --home-dir /var/lib/exim-pilot --no-create-home --shell /usr/sbin/nologin exim-pilot",
      "systemctl daemon-reload",
      `systemctl enable --now ${TIMERS.join(" ")}`,
    ]);
    const second = await setup();
    expect(second.stdout).toMatch(/\n0 steps done\.\n$/);
    expect(calls()).toHaveLength(3);
  });

  test.each([[["--dry-run"]], [["-n"]], [["-n", "--group", "readers"]], [["-n", "--remove"]]])(
    "%j changes nothing",
    async (flags) => {
      const { setup, calls, at } = makeSystem({ hasUser: true });
      const { status, stdout } = await setup(...flags);
      expect(status).toBe(0);
      expect(stdout).toMatch(/ steps? to do\.\n$/);
      expect(calls()).toEqual([]);
      for (const path of ["/etc/exim-pilot.toml", "/etc/systemd/system", "/var/lib/exim-pilot"])
        expect(existsSync(at(path)), path).toBe(false);
    },
  );

  test("writes a crontab where there is no systemd, and takes it away again", async () => {
    const { setup, at } = makeSystem({ hasSystemd: false });
    expect((await setup()).status).toBe(0);
    expect(readFileSync(at("/etc/cron.d/exim-pilot"))).toEqual(readFileSync(join(CONTRIB, "cron", "exim-pilot")));
    expect((await setup("--remove")).status).toBe(0);
    expect(existsSync(at("/etc/cron.d/exim-pilot"))).toBe(false);
    expect(existsSync(at("/etc/exim-pilot.toml"))).toBe(true);
  });

  test("stops what it started and leaves the database, the configuration and what was changed", async () => {
    const { setup, put, at, calls } = makeSystem();
    await setup();
    put("/etc/systemd/system/exim-pilot-prune.service", "[Service]\nExecStart=/bin/true\n");
    const { status, stdout } = await setup("--remove");
    expect(status).toBe(0);
    expect(stdout).toMatch(/kept +file: \/etc\/systemd\/system\/exim-pilot-prune\.service was edited/);
    expect(readdirSync(at("/etc/systemd/system"))).toEqual(["exim-pilot-prune.service"]);
    expect(calls().slice(-2)).toEqual([
      `systemctl disable --now ${[...TIMERS, "exim-pilot-snapshot.timer", "exim-pilot-notify.timer"].join(" ")}`,
      "systemctl daemon-reload",
    ]);
    for (const path of ["/etc/exim-pilot.toml", "/var/lib/exim-pilot"]) expect(existsSync(at(path)), path).toBe(true);
  });

  test("leaves units of a package where they are", async () => {
    const { setup, put, at, calls } = makeSystem();
    put("/usr/lib/systemd/system/exim-pilot-ingest.timer", "[Timer]\n");
    expect((await setup()).status).toBe(0);
    expect(existsSync(at("/etc/systemd/system"))).toBe(false);
    expect(calls().at(-1)).toBe(`systemctl enable --now ${TIMERS.join(" ")}`);
  });

  test("says what is missing to one who is not the administrator, and changes nothing", async () => {
    const { unprivileged, calls, at } = makeSystem();
    const { status, stdout, stderr } = await unprivileged();
    expect(stdout).toContain("would    user: Make the user exim-pilot");
    expectFailure({ status, stdout: "", stderr }, { status: 3, says: /only the administrator/ });
    expect(calls()).toEqual([]);
    expect(existsSync(at("/etc/exim-pilot.toml"))).toBe(false);
    expect((await unprivileged("--dry-run")).status).toBe(0);
  });

  test("shares the database with a group: exactly what doctor accepts", async () => {
    const { setup, at } = makeSystem();
    expect((await setup("--group", "readers")).status).toBe(0);
    expect(statSync(at("/var/lib/exim-pilot")).mode & 0o7777).toBe(0o2750);
    const database = at("/var/lib/exim-pilot/mail.db");
    for (const ending of ["", "-wal", "-shm"]) {
      const { mode, gid } = statSync(database + ending);
      expect({ ending, mode: mode & 0o7777, gid }).toEqual({ ending, mode: 0o640, gid: GROUP });
    }
    const { stdout } = await runCli(["doctor", "--db", database]);
    expect(stdout).toMatch(/^ok +rights: Its owner can write it and its group can read it\.$/m);
    expect((await setup("--group", "readers")).stdout).toContain("sharing: The group readers can read the database.");
  });

  test("gives nothing away through a link in the directory of the services", async () => {
    const { setup, put, at } = makeSystem({ hasUser: true });
    put("/secret", "secret", 0o600);
    mkdirSync(at("/var/lib/exim-pilot"), { recursive: true });
    symlinkSync(at("/secret"), at("/var/lib/exim-pilot/mail.db"));
    const { status } = await setup("--group", "readers");
    expect(status).not.toBe(0);
    expect(statSync(at("/secret")).mode & 0o777).toBe(0o600);
  });

  test("is recorded in the database, once it is there, when it changed something", async () => {
    const { setup, at } = makeSystem({ hasUser: true });
    const database = at("/var/lib/exim-pilot/mail.db");
    expect(await setup()).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(database)).toBe(false);
    await setup("--group", "readers");
    await setup("--group", "readers");
    await setup("--remove");
    const rows = queryAll<{ parameters: string; affected: string }>(
      database,
      "SELECT action, result, user, parameters, affected FROM audit_log WHERE action = 'setup'",
    );
    expect(rows).toMatchObject([
      { action: "setup", result: "done", user: "root", parameters: '{"group":"readers","logs":[]}' },
      { action: "setup", result: "done", user: "root", parameters: '{"remove":true,"logs":[]}' },
    ]);
    expect(JSON.parse(rows[0]?.affected ?? "{}")).toMatchObject({ steps: [{ about: "sharing" }] });
    for (const ending of ["", "-wal", "-shm"])
      if (existsSync(database + ending)) expect(statSync(database + ending).mode & 0o777, ending).toBe(0o640);
  });

  test("says that a group is missing", async () => {
    const { setup } = makeSystem();
    const { status, stdout } = await setup("--group", "nobody-has-this");
    expect(status).toBe(1);
    expect(stdout).toMatch(/missing +sharing: There is no group nobody-has-this\./);
  });

  test("fails with the command that failed, and goes on from there", async () => {
    const { setup, put, calls } = makeSystem();
    put("/tools/useradd", "#!/bin/sh\necho 'useradd: no space' >&2\nexit 1\n", 0o755);
    expectFailure(
      { ...(await setup()), stdout: "" },
      { status: 3, says: /`useradd .*exim-pilot` ended with 1: useradd: no space/ },
    );
    expect(calls()).toEqual([]);
  });

  test("prints its steps as JSON", async () => {
    const { setup } = makeSystem();
    const { stdout } = await setup("--json", "--dry-run");
    const { kind, applied, steps } = JSON.parse(stdout) as {
      kind: string;
      applied: boolean;
      steps: { about: string; state: string }[];
    };
    expect({ kind, applied }).toEqual({ kind: "setup", applied: false });
    expect(steps.map(({ about }) => about)).toEqual(
      expect.arrayContaining(["logs", "user", "directory", "configuration", "timers"]),
    );
  });
});

describe("the configuration", () => {
  const LOGS = 'logs = ["/var/log/exim4/{main,reject,panic}log{,.1,.0,.01,-????????}"]';

  test.each([
    ["without a table", "wait = 5\n", `db = "/var/lib/exim-pilot/mail.db"\nwait = 5\n\n[ingest]\n${LOGS}\n`],
    [
      "with a table",
      'db = "/var/lib/exim-pilot/mail.db"\n[ingest] # mine\nserver = "mx1"\n',
      `db = "/var/lib/exim-pilot/mail.db"\n[ingest] # mine\n${LOGS}\nserver = "mx1"\n`,
    ],
    [
      "with another table last",
      'db = "/var/lib/exim-pilot/mail.db"\n[prune]\nlogs = "9d"\n',
      `db = "/var/lib/exim-pilot/mail.db"\n[prune]\nlogs = "9d"\n\n[ingest]\n${LOGS}\n`,
    ],
  ])("that was edited, %s, is only added to", async (_name, before, after) => {
    const { setup, put, configuration } = makeSystem();
    put("/etc/exim-pilot.toml", before);
    const { status, stdout } = await setup();
    expect(status).toBe(0);
    expect(stdout).toMatch(/done +configuration: Add .* and leave all else in it\./);
    expect(configuration()).toBe(after);
  });

  test("of a form that nothing can be added to stays, and that is told", async () => {
    const { setup, put, configuration, at } = makeSystem();
    const text = 'db = "/var/lib/exim-pilot/mail.db"\ningest = { server = "mx1" }\n';
    put("/etc/exim-pilot.toml", text);
    const { status, stdout } = await setup();
    expect({ status, text: configuration() }).toEqual({ status: 1, text });
    expect(stdout).toMatch(/missing +configuration: .*cannot add to/);
    expect(existsSync(at("/on")), "timers that would fail every minute").toBe(false);
  });

  test("with other logs stays, unless forced, and is then kept beside the new one", async () => {
    const { setup, put, configuration, at } = makeSystem();
    const text = 'db = "/var/lib/exim-pilot/mail.db"\n[ingest]\nlogs = ["/srv/mainlog"]\n';
    put("/etc/exim-pilot.toml", text);
    const { stdout } = await setup();
    expect(stdout).toMatch(/kept +configuration: .* was edited/);
    expect(configuration()).toBe(text);
    expect((await setup("--force")).status).toBe(0);
    expect(configuration()).toContain(LOGS);
    expect(readFileSync(at("/etc/exim-pilot.toml.old"), "utf8")).toBe(text);
  });

  test("names the logs that ingest reads when none is named", async () => {
    const { setup, put, at } = makeSystem();
    const folder = at("/var/log/exim4");
    put(
      "/var/log/exim4/mainlog",
      "2026-03-02 05:40:05 Start queue run: pid=1\n2026-03-02 05:40:05 End queue run: pid=1\n",
    );
    await setup(join(folder, "{main,reject,panic}log{,.1}"));
    const { status, stdout } = await runCli(["ingest", "--db", at("/mail.db")], {
      configFile: at("/etc/exim-pilot.toml"),
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Stored 2 lines/) });
  });
});

describe("the logs", () => {
  const found = async (options: SystemOptions): Promise<string> => {
    const { setup, configuration } = makeSystem(options);
    await setup();
    return (/^logs = (.*)$/m.exec(configuration())?.[1] ?? "").replaceAll("{,.1,.0,.01,-????????}", "");
  };

  test.each([
    ["Debian", "/var/log/exim4/mainlog", "/var/log/exim4/{main,reject,panic}log"],
    ["RHEL", "/var/log/exim/main.log", "/var/log/exim/{main,reject,panic}.log"],
    ["cPanel", "/var/log/exim_mainlog", "/var/log/exim_{main,reject,panic}log"],
    ["DirectAdmin and FreeBSD", "/var/log/exim/mainlog", "/var/log/exim/{main,reject,panic}log"],
    ["Exim's default", "/var/spool/exim/log/mainlog", "/var/spool/exim/log/{main,reject,panic}log"],
  ])("of %s are found", async (_name, log, pattern) => {
    expect(await found({ logs: [log] })).toBe(`["${pattern}"]`);
  });

  test.each([
    ["log_file_path = /srv/exim/%slog", "/srv/exim/mainlog", "/srv/exim/{main,reject,panic}log"],
    ["log_file_path = syslog : /srv/exim/%s.txt", "/srv/exim/main.txt", "/srv/exim/{main,reject,panic}.txt"],
    ["log_file_path = <; /srv/exim/%slog ; syslog", "/srv/exim/mainlog", "/srv/exim/{main,reject,panic}log"],
    ["log_file_path = /srv/exim/%slog-%D", "/srv/exim/mainlog-20260302", "/srv/exim/{main,reject,panic}log-*"],
    ["log_file_path = ", "/var/spool/other/log/mainlog", "/var/spool/other/log/{main,reject,panic}log"],
    ["log_file_path = /srv/[a]/%slog", "/srv/[a]/mainlog", "/srv/\\\\[a\\\\]/{main,reject,panic}log"],
  ])("are where Exim says: %s", async (exim, log, pattern) => {
    expect(await found({ exim, logs: [log, "/var/log/exim_mainlog"] })).toBe(`["${pattern}"]`);
  });

  test("are looked for where systems put them, when there are none where Exim says", async () => {
    expect(await found({ exim: "log_file_path = /gone/%slog" })).toBe('["/var/log/exim4/{main,reject,panic}log"]');
  });

  test("are found where an Exim never answers, which is asked once", async () => {
    const { setup, put, at } = makeSystem({ hasUser: true });
    put("/tools/exim4", `#!/bin/sh\necho asked >>'${at("/asked")}'\nsleep 15 &\nwait\n`, 0o755);
    expect((await setup("--dry-run")).stdout).toContain("logs: Debian has them");
    expect(readFileSync(at("/asked"), "utf8")).toBe("asked\n");
  }, 60_000);

  test("that are nowhere end in a sentence; in the system log, in another", async () => {
    expectFailure(
      { ...(await makeSystem({ logs: [] }).setup()), stdout: "" },
      { status: 1, says: "No log of Exim was found." },
    );
    const { setup } = makeSystem({ logs: [], exim: "log_file_path = syslog" });
    expectFailure({ ...(await setup()), stdout: "" }, { status: 1, says: /system log/ });
    expectFailure({ ...(await setup("mainlog")), stdout: "" }, { status: 2, says: /does not begin with a slash/ });
  });

  test("that no group may read are told, and what to do", async () => {
    const { status, stdout } = await makeSystem({ logMode: 0o600 }).setup();
    expect(status).toBe(1);
    expect(stdout).toMatch(/missing +group: No group but root's may read \/var\/log\/exim4\/mainlog \(mode 600\)\./);
  });
});
