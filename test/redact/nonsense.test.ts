/** No name of a log is in any redacted output: every name is a nonsense word, which nothing else can contain. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { rowRedactor } from "../../src/redact/redact-rows.ts";
import { SECTION_NAMES } from "../../src/stats/sections.ts";
import { AXES } from "../../src/store/stats/axes.ts";
import { openReader } from "../../src/store/store.ts";
import { runCli } from "../support/cli.ts";
import { type Corpus, corpusProfiles, type SyslogCorpus, syslogCorpora } from "../support/corpus.ts";
import { FIXTURES, NOW, storeSettings, withWriter } from "../support/database.ts";
import { leaksIn, Nonsense } from "../support/nonsense.ts";
import { queryAll } from "../support/views.ts";

const IS_LONG = process.env["EXIM_PILOT_TORTURE"] !== undefined;
const PROFILES = [...corpusProfiles(), ...syslogCorpora()].filter(({ name }) => IS_LONG || name === "cpanel (trimmed)");
const LONG_MS = 1_800_000;
/** Leaks of one output that are listed: more say nothing new. */
const MOST_TOLD = 20;

interface Place {
  readonly names: Nonsense;
  readonly folder: string;
  readonly db: string;
  readonly logs: readonly string[];
  readonly spool: string;
  readonly user: string;
}

type Command = readonly string[];

/** Folder, server and user have nonsense names too. */
async function makePlace({ profile, logs, truth }: Corpus | SyslogCorpus): Promise<Place> {
  const names = new Nonsense();
  const folder = join(mkdtempSync(join(tmpdir(), "exim-pilot-test-")), names.word(`folder of ${profile}`));
  mkdirSync(folder);
  const copies = Object.entries(logs).map(([type, path]) => {
    const copy = join(folder, `${names.word(`log ${type}`)}-${type}log`);
    writeFileSync(copy, names.text(readFileSync(path, "latin1")), "latin1");
    return copy;
  });
  const spool = makeSpool(names, join(folder, names.word("spool")));
  const place = { names, folder, db: join(folder, "pilot.db"), logs: copies, spool, user: names.word("somebody") };
  const server = names.word("server");
  await run(["ingest", "--quiet", "--server", server, "--timezone", truth.timezone, ...copies], place);
  await run(["servers", "set", server, "--owner", names.word("owner"), "--environment", names.word("live")], place);
  const [id = ""] = idsOf(place.db, 1);
  const [ticket, user] = [names.word("ticket"), names.word("user")];
  const email = `${names.word("box")}@${names.word("domain")}.example`;
  const person = ["--full-name", names.word("person"), "--os-user", place.user, "--email", email];
  await run(["users", "add", user, "--role", "admin", ...person], place);
  await run(["tag", id, ticket], place);
  await run(["tag", "--describe", ticket, "--colour", "red", "--about", names.word("meaning")], place);
  await run(["note", id, `${names.word("told")} the customer`], place);
  await run(["note", "--edit", "1", names.word("again")], place);
  await addIncident(place, server, id);
  return place;
}

/** An incident, a word about it, a mute and a notification. */
async function addIncident(place: Place, server: string, id: string): Promise<void> {
  const { names, db } = place;
  const word = (what: string): string => names.word(`incident ${what}`);
  const subject = `${word("account")}@${word("domain")}.example`;
  const figures = {
    count: 1,
    one: [word("one")],
    oneCount: 1,
    other: [word("other")],
    otherCount: 1,
    texts: [word("text")],
  };
  const title = `Programs of ${subject} send spam: 1 message`;
  const description = `${subject} handed over 1 message to ${word("host")}.example: ${word("reply")}.`;
  await withWriter(db, (writer) =>
    writer.write((transactor) => {
      transactor.saveEpisodes({
        serverId: 1,
        episodes: [
          {
            kind: "script_mail",
            subject,
            severity: "critical",
            startMs: NOW,
            firedMs: NOW,
            lastMs: NOW,
            goesOn: true,
            count: 1,
            hours: [],
            figures,
            title,
            description,
            messages: [id],
            ruleVersion: 1,
            pauseMs: 0,
          },
        ],
        sinceMs: NOW,
        newestMs: NOW,
        pauses: new Map(),
        now: NOW,
      });
      const event = {
        version: 1,
        server,
        title,
        notes: [description],
        since: null,
        until: null,
        command: null,
      } as const;
      transactor.outbox.enqueue({ dedupKey: "x", reason: "opened", severity: "critical", event }, NOW);
    }),
  );
  await run(["incidents", "resolve", "1", `${word("told")} the customer`], place);
  await run(["incidents", "mute", "panic", word("muted"), "--reason", word("reason")], place);
}

/** Headers and content of a spool, and what Exim's tools print of it. */
function makeSpool(names: Nonsense, spool: string): string {
  const from = join(FIXTURES, "queue", "generated");
  const input = join(spool, "input");
  mkdirSync(input, { recursive: true });
  for (const file of readdirSync(join(from, "input"))) {
    const text = readFileSync(join(from, "input", file), "latin1");
    const copy = file.endsWith("-H") ? names.spoolHeader(text) : names.text(text);
    writeFileSync(join(input, names.text(file)), copy, "latin1");
  }
  for (const file of ["exim-bpa.txt", "exim_dumpdb-retry.txt"]) {
    writeFileSync(join(spool, file), names.text(readFileSync(join(from, file), "latin1")), "latin1");
  }
  return spool;
}

/** Messages of each status and direction. */
function idsOf(db: string, each: number): string[] {
  return queryAll<{ id: string }>(
    db,
    `SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY status, direction ORDER BY id) AS place FROM messages) WHERE place <= ${each}`,
  ).map(({ id }) => id);
}

function run(args: Command, { db, user }: Place) {
  return runCli(args, { env: { EXIM_PILOT_DB: db }, columns: 400, user, hostname: user, now: () => NOW });
}

/** Names in the outputs of the commands, except those that were typed. */
async function leaksOf(commands: readonly Command[], place: Place): Promise<string[]> {
  const leaks: string[] = [];
  for (const args of commands) {
    const { stdout, stderr, status } = await run([...args, "--redact"], place);
    if (status === 2 || status > 3) leaks.push(`${args.join(" ")}: exit ${status}: ${stderr}`);
    const page = args.includes("--html") ? readFileSync(args[args.indexOf("--html") + 1] ?? "", "utf8") : "";
    leaks.push(...toldOf(args, stdout + page, "output"), ...toldOf(args, stderr, "stderr"));
  }
  return leaks;
}

/** Names that the commands tell without `--redact`: there is something to hide. */
async function plainNamesOf(commands: readonly Command[], place: Place): Promise<string[]> {
  const found: string[] = [];
  for (const args of commands) {
    const { stdout, stderr } = await run(args, place);
    found.push(...toldOf(args, stdout + stderr, "output"));
  }
  return found;
}

function toldOf(args: Command, output: string, where: string): string[] {
  const typed = args.join(" ").toLowerCase();
  return leaksIn(output)
    .filter((leak) => !typed.includes(leak.toLowerCase()))
    .slice(0, MOST_TOLD)
    .map((leak) => {
      const at = output.indexOf(leak);
      return `${args.join(" ")}: ${leak} in ${where}: ${JSON.stringify(output.slice(Math.max(0, at - 80), at + 80))}`;
    });
}

const AXIS_NAMES = Object.keys(AXES);

function traces({ db }: Place): Command[] {
  const forms = [["--json"], ["--raw"], ["--chain", "--json"]];
  const pages = [[], ["--by", "recipient"], ["--by", "host"], ["--chain"]];
  return [
    ...idsOf(db, IS_LONG ? 3 : 1).flatMap((id) =>
      (IS_LONG ? [...forms, ...pages] : forms).map((form) => ["trace", id, ...form]),
    ),
    ["trace", "postmaster"],
    ["trace", "postmaster", "--json"],
    ...[[], ["--raw"], ["--ndjson"]].map((form) => ["tail", "--no-follow", "-n", "1000", ...form]),
  ];
}

/** A bounce with what it returns, the reply of a server and a mail of which nothing is stored. */
function evidence({ db, folder, names }: Place): Command[] {
  const [known] = queryAll<{ id: string; sender: string; recipient: string; messageId: string; at: string }>(
    db,
    `SELECT m.id, m.sender, r.recipient, m.header_message_id AS messageId, m.timestamp AS at FROM messages m
     JOIN recipients r ON r.message_id = m.id WHERE m.header_message_id LIKE '%@%' AND m.sender LIKE '%@%' LIMIT 1`,
  );
  const word = (what: string): string => names.word(`evidence ${what}`);
  const headers = (id: string, messageId: string, from: string, to: string, at: string): string =>
    `Received: from ${word("host")}.example by ${word("hop")}.example with esmtp id ${id} for ${to}; ${new Date(at).toUTCString()}
Message-ID: <${messageId}>\nFrom: ${word("name")} <${from}>\nTo: ${to}\nSubject: ${word("subject")}\n`;
  const { id = "", sender = "", recipient = "", messageId = "", at = "" } = known ?? {};
  const unknown = headers(word("hop id"), `${word("id")}@a.example`, `${word("from")}@a.example`, word("to"), at);
  const failure = `X-Failed-Recipients: ${recipient}\nFrom: Mailer-Daemon@${word("mx")}.example\n`;
  const returned = headers(id, messageId, sender, recipient, at);
  const files = {
    bounce: `${failure}\nThe mail queued as ${word("queue id")}7 failed.\n\n${returned}`,
    correlated: returned.replace(/ id \S+/, "").replace(/Message-ID.*\n/, ""),
    unknown,
    reply: `status=sent (250 Ok: queued as ${word("reply id")}8) to=<${word("rcpt")}@a.example>`,
  };
  return Object.entries(files).flatMap(([name, text]) => {
    const file = join(folder, `${name}.eml`);
    writeFileSync(file, text);
    return [[], ["--json"], ["--chain", "--json"], ["--raw"]].map((form) => ["trace", file, ...form]);
  });
}

function searches({ logs }: Place): Command[] {
  const forms = [["--ndjson"], ["--raw"], []];
  const others = [["--json"], ["--csv"], ["--ids"], ["--count"], ["--log", ...logs]];
  return (IS_LONG ? [...forms, ...others] : forms).map((form) => ["search", ...form]);
}

function figures({ folder }: Place): Command[] {
  const all = ["stats", "all", "--limit", "1000", ...AXIS_NAMES.flatMap((axis) => ["--by", axis])];
  const others = [
    all,
    ["stats"],
    [...all, "--markdown"],
    ["stats", "--eximstats", "--limit", "1000"],
    ...AXIS_NAMES.map((axis) => ["stats", "--by", axis, "--limit", "1000", "--csv"]),
    ...SECTION_NAMES.filter((name) => name !== "top").map((name) => ["stats", name, "--csv"]),
    ["abuse"],
  ];
  return [
    [...all, "--json"],
    [...all, "--html", join(folder, "page.html")],
    ["stats", "--eximstats", "--json"],
    ["stats", "problems", "--fail-if", "received>0"],
    ["abuse", "--json"],
    ...(IS_LONG ? others : []),
  ];
}

function queues({ spool }: Place): Command[] {
  const [content = ""] = readdirSync(join(spool, "input")).filter((file) => file.endsWith("-D"));
  const retry = join(spool, "exim_dumpdb-retry.txt");
  const sources = [
    ["queue"],
    ["queue", "--spool", spool],
    ["queue", "--bp", join(spool, "exim-bpa.txt"), "--at", "2026-08-03 16:00"],
  ];
  const forms = [
    ["-b"],
    ["-i"],
    ["-l", "-a"],
    ["-c"],
    ["--csv"],
    ["--ndjson"],
    [],
    ["--format", "summary", "--split", "senders"],
  ];
  const variables = "$h_subject,$sender_helo_name,$originator_login";
  const others = [
    ...sources.flatMap((source) => forms.map((form) => [...source, ...form])),
    ["queue", "next", "--hints", retry],
    ["queue", "reconcile", "--spool", spool],
    ["queue", "snapshot", "--spool", spool, "--content", "preview"],
    ["content", content.slice(0, -2), "--json"],
  ];
  return [
    ...sources.map((source) => [...source, "--json"]),
    ["queue", "--spool", spool, "--format", "mailq", "--show-vars", variables],
    ["queue", "next", "--hints", retry, "--json"],
    ["queue", "reconcile", "--spool", spool, "--json"],
    ["queue", "snapshot", "--spool", spool],
    ["queue", "health", "--json"],
    ["queue", "history", "--json"],
    ...(IS_LONG ? others : []),
  ];
}

function lines({ logs }: Place): Command[] {
  return [["--raw"], ["--explain"], ["--summary"]].map((form) => ["parse", ...form, ...logs]);
}

function upkeep(): Command[] {
  const kinds = ["servers", "sources", "doctor", "verify", "audit", "tag", "users"];
  return kinds.flatMap((kind) => (IS_LONG ? [[kind], [kind, "--json"]] : [[kind, "--json"]]));
}

function incidents(): Command[] {
  const questions = [
    ["incidents"],
    ["incidents", "show", "1"],
    ["incidents", "mute"],
    ["notify"],
    ["notify", "show", "1"],
  ];
  return [
    ...questions.flatMap((question) => [question, [...question, "--json"]]),
    ["incidents", "--csv"],
    ["stats", "incidents", "--json"],
    ["notify", "stats", "--json"],
    ["incidents", "resolve", "1", "--json"],
  ];
}

/** Errors, hints and notes name servers, ids and paths. */
function failures({ db, folder }: Place): Command[] {
  const [id = ""] = idsOf(db, 1);
  const similar = `${id.slice(0, -1)}${id.endsWith("z") ? "y" : "z"}`;
  return [
    ["trace", similar],
    ["trace", similar, "--json"],
    ["trace", id, "--verbose"],
    ["sources", "--verbose"],
    ["trace", id, "--since", "2001-01-01", "--until", "2001-01-02"],
    ["search", "--server", "nosuch"],
    ["queue", "--server", "nosuch"],
    ["queue", "history", "--server", "nosuch"],
    ["servers", "remove", "nosuch"],
    ["incidents", "--server", "nosuch"],
    ["search", "--sender", "nobody-at-all"],
    ["content", id],
    ["doctor", "--db", join(folder, "missing.db")],
  ];
}

const VIEWS = [
  "servers",
  "sources",
  "messages",
  "message_tags",
  "message_notes",
  "users",
  "recipients",
  "delivery_attempts",
  "rejections",
];

/** An expression has no column that says what it holds. */
const EXPRESSIONS = [
  "SELECT upper(recipient) FROM recipients",
  "SELECT substr(recipient, 1, 6), substr(sender, 2) FROM recipients r JOIN messages m ON m.id = r.message_id",
  "SELECT group_concat(recipient) FROM recipients",
  "SELECT json_group_array(sender) AS status FROM messages",
  "SELECT json_group_object(sender, host) AS status FROM messages",
  "SELECT sender AS router, host AS phase, subject AS protocol, id AS status FROM messages",
  "SELECT replace(recipient, '@', ' at ') AS last_error FROM recipients",
  "SELECT CAST(recipient AS BLOB) FROM recipients",
];

describe.each(PROFILES)("no name of $name is told", (corpus) => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace(corpus);
  }, LONG_MS);

  const COMMANDS = Object.entries({ traces, evidence, searches, figures, queues, lines, upkeep, incidents, failures });
  test.each(COMMANDS)(
    "by any form of %s",
    async (_name, commandsFor) => {
      const commands = commandsFor(place);
      expect(await leaksOf(commands, place)).toEqual([]);
      expect(await plainNamesOf(commands.slice(0, 3), place)).not.toEqual([]);
    },
    LONG_MS,
  );

  test("by the rows of a view, or by what an expression makes of them", async () => {
    const reader = openReader(storeSettings(place.db));
    const leaks: string[] = [];
    for (const statement of [...VIEWS.map((view) => `SELECT * FROM ${view}`), ...EXPRESSIONS]) {
      const { columns, rows } = reader.queries.run(statement, {});
      const redact = rowRedactor(columns, reader.queries.codeNames());
      const shown = [...rows].map((row) => JSON.stringify(redact(row))).join("\n");
      expect(shown).not.toBe("");
      leaks.push(...toldOf([statement], shown, "rows"));
    }
    await reader.close();
    expect(leaks).toEqual([]);
  });
});

describe("sql --redact", () => {
  test("hides addresses, and shows statuses, kinds, times and counts", () => {
    const redact = rowRedactor(
      ["recipient", "status", "timestamp", "count(*)", "upper(recipient)"],
      new Set(["delivered"]),
    );
    const row = ["Ann@a.test", "delivered", "2026-03-02T05:40:05.000Z", 7, "ANN@A.TEST"];
    expect(redact(row)).toEqual(["user1@host1.example", "delivered", "2026-03-02T05:40:05.000Z", 7, "text 1"]);
  });
});

describe("a command that cannot redact", () => {
  test.each(["export", "backup", "restore", "ingest", "prune"])("%s says so", async (command) => {
    const { status, stderr } = await runCli([command, "--redact"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: `\w+` [^\n]*redact[^\n]*\.\nhint: [^\n]*--redact/);
  });
});
