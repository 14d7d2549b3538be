/** Senders and attackers, on a log small enough to know by heart. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { type Abuse, findAbuse } from "../../src/abuse/abuse.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { DEFAULT_RULE } from "../support/stats-request.ts";

const LOG = `2026-03-30 06:00:00 login_server authenticator failed for (x) [203.0.113.9]: 535 Incorrect authentication data (set_id=ann)
2026-03-30 06:00:01 login_server authenticator failed for (x) [203.0.113.9]: 535 Incorrect authentication data (set_id=bob)
2026-03-30 06:00:02 login_server authenticator failed for (y) [203.0.113.8]: 535 Incorrect authentication data (set_id=ann)
2026-03-30 06:00:05 1vwwZU-0005V4-1s <= ann@a.test H=(x) [203.0.113.9] P=esmtpa A=login_server:ann S=400 for x@x.test y@y.test
2026-03-30 06:00:06 1vwwZU-0005V4-1s => x@x.test R=out T=smtp H=mx.x.test [198.51.100.1]
2026-03-30 06:00:06 1vwwZU-0005V4-1s ** y@y.test R=out T=smtp H=mx.y.test [198.51.100.2]: 550 no
2026-03-30 06:00:07 1vwwZV-0005V4-1s <= other@a.test H=(z) [203.0.113.7] P=esmtpa A=login_server:ann S=400 for x@x.test
2026-03-30 07:00:00 cwd=/var/spool/exim4 2 args: /usr/sbin/exim4 -q
2026-03-30 07:00:00 cwd=/var/spool/exim4 7 args: /usr/sbin/exim4 -t -oem -oi -f <> -E1vwwZU-0005V4-1s
2026-03-30 07:00:00 1vwwZW-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=exim P=local S=900 for ann@a.test
2026-03-30 08:00:00 cwd=/var/www/shop 3 args: /usr/sbin/sendmail -t -i
2026-03-30 08:00:01 1vwwZX-0005V4-1s <= www@a.test U=www-data P=local S=500 for c@c.test d@d.test
2026-03-30 08:00:02 cwd=/home/carol 2 args: mail x@x.test
2026-03-30 08:00:09 1vwwZY-0005V4-1s <= carl@a.test U=carl P=local S=500 for x@x.test
`;

test("abuse counts what accounts, scripts and local users send, and logins that fail", async () => {
  const abuse = await abuseOf(LOG);
  expect(abuse.logins).toEqual([
    {
      account: "login_server:ann",
      messages: 2,
      recipients: 3,
      bounced: 1,
      senderCount: 2,
      senders: ["ann@a.test", "other@a.test"],
      ipCount: 2,
      ipAddresses: ["203.0.113.7", "203.0.113.9"],
      first: "2026-03-30T06:00:05.000Z",
      last: "2026-03-30T06:00:07.000Z",
    },
  ]);
  expect(abuse.scripts).toEqual([
    {
      directory: "/var/www/shop",
      messages: 1,
      recipients: 2,
      bounced: 0,
      users: ["www-data"],
      senders: ["www@a.test"],
      first: "2026-03-30T08:00:01.000Z",
      last: "2026-03-30T08:00:01.000Z",
    },
  ]);
  expect(abuse.users.map(({ account, messages }) => [account, messages])).toEqual([
    ["carl", 1],
    ["www-data", 1],
  ]);
  expect(abuse.failures.map(({ ipAddress, failures, succeeded }) => [ipAddress, failures, succeeded])).toEqual([
    ["203.0.113.9", 2, ["login_server:ann"]],
    ["203.0.113.8", 1, []],
  ]);
  expect(abuse.accountFailures).toEqual([
    {
      account: "login_server:ann",
      failures: 2,
      ipCount: 2,
      ipAddresses: ["203.0.113.8", "203.0.113.9"],
      succeededFrom: ["203.0.113.9"],
      first: "2026-03-30T06:00:00.000Z",
      last: "2026-03-30T06:00:02.000Z",
    },
    expect.objectContaining({ account: "login_server:bob", failures: 1, succeededFrom: [] }),
  ]);
  expect(abuse.failures[0]?.accounts).toEqual(["login_server:ann", "login_server:bob"]);
});

test("the ranking of scripts counts the same messages, of its own time only", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([LOG], { objectMode: false }));
  const ranked = async (...flags: string[]): Promise<unknown[]> => {
    const { stdout } = await runCli(["stats", "--by", "script", "--json", "--db", path, ...flags]);
    return JSON.parse(stdout).sections.top[0].rows;
  };
  const shop = {
    key: "/var/www/shop",
    messages: 1,
    deliveries: null,
    bytes: 500,
    deferrals: 0,
    bounces: 0,
    rejections: null,
    troubles: null,
  };
  expect(await ranked()).toEqual([shop]);
  expect(await ranked("--since", "2026-03-30 08:00:01")).toEqual([shop]);
  expect(await ranked("--since", "2026-03-30 08:00:02")).toEqual([]);
  expect(await ranked("--sender", "ann@a.test")).toEqual([]);
});

test("abuse takes the call of the same process where processes are logged", async () => {
  const log = `2026-03-30 08:00:00 [11] cwd=/var/www/a 3 args: /usr/sbin/sendmail -t -i
2026-03-30 08:00:00 [12] cwd=/var/www/b 3 args: /usr/sbin/sendmail -t -i
2026-03-30 08:00:01 [12] 1vwwZX-0005V4-1s <= b@a.test U=www P=local S=500
2026-03-30 08:00:01 [11] 1vwwZY-0005V4-1s <= a@a.test U=www P=local S=500
`;
  const { scripts } = await abuseOf(log);
  expect(scripts.map(({ directory, senders }) => [directory, senders]).toSorted()).toEqual([
    ["/var/www/a", ["a@a.test"]],
    ["/var/www/b", ["b@a.test"]],
  ]);
});

test("abuse names few, counts the rest, and tells strangers nobody's login", async () => {
  const tries = Array.from(
    { length: 40 },
    (_, number) =>
      `2026-03-30 06:00:${10 + number} login_server authenticator failed for (x) [203.0.113.9]: 535 no (set_id=guess${number})\n`,
  );
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([LOG, ...tries], { objectMode: false }));
  const { stdout } = await runCli(["abuse", "--db", path]);
  expect(stdout).toMatch(/203\.0\.113\.9 +42 +42 {2}guesses, then got in\n +for [^;]* and 39 more;/);
  const redacted = await runCli(["abuse", "--redact", "--db", path]);
  expect(redacted.stdout).toMatch(/ 42 +42 .*\n +for login_server:user\d+, /);
  expect(redacted.stdout).not.toMatch(/guess\d|:ann|203\.0\.113/);
});

test("abuse counts what is stamped later than now, by another clock or zone", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  const log = LOG.replaceAll("2026-03-30", "2031-03-30");
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([log], { objectMode: false }));
  expect(JSON.parse((await runCli(["abuse", "--json", "--db", path])).stdout).logins).toHaveLength(1);
});

test("abuse counts a message once, however many calls there are around it", async () => {
  const call = (stamp: string, directory: string): string =>
    `2026-03-30 ${stamp} cwd=/var/www/${directory} 3 args: /usr/sbin/sendmail -t -i\n`;
  const log = `${call("07:00:00", "shop").repeat(1999)}${call("08:00:00", "shop")}${call("08:00:00", "blog")}\
2026-03-30 08:00:01 1vwwZX-0005V4-1s <= one@a.test U=www P=local S=500
2026-03-30 08:00:01 1vwwZY-0005V4-1s <= two@a.test U=www P=local S=500
`;
  const { scripts } = await abuseOf(log);
  expect(scripts.map(({ directory, senders }) => [directory, senders])).toEqual([
    ["/var/www/blog", ["two@a.test"]],
    ["/var/www/shop", ["one@a.test"]],
  ]);
});

test("abuse counts a message once that stands in two logs", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  const before = "2026-03-30 00:00:00 exim 4.96 daemon started: pid=1, -q30m, not listening for SMTP\n";
  for (const log of [LOG, before + LOG])
    await ingestInto(path, ["-"], { logType: "main" }, Readable.from([Buffer.from(log)]));
  const { stdout, status } = await runCli(["stats", "--by", "script", "--json", "--db", path]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout).sections.top[0].rows).toMatchObject([{ key: "/var/www/shop", messages: 1, bytes: 500 }]);
});

test("abuse says the same in whatever order the logs were read", async () => {
  const failed = (stamp: string, ip: string, account: string): string =>
    `2026-03-30 ${stamp} login_server authenticator failed for (x) [${ip}]: 535 Incorrect authentication data (set_id=${account})\n`;
  const called = (stamp: string, directory: string, id: string, user: string): string =>
    `2026-03-30 ${stamp} cwd=${directory} 3 args: /usr/sbin/sendmail -t -i\n2026-03-30 ${stamp} ${id} <= ${user}@a.test U=${user} P=local S=500\n`;
  const pieces = [
    failed("06:00:00", "203.0.113.9", "zoe") +
      failed("06:00:01", "203.0.113.8", "zoe") +
      called("06:30:00", "/z", "1vwwZX-0005V4-1s", "zoe"),
    failed("07:00:00", "203.0.113.9", "ann") +
      failed("07:00:01", "203.0.113.8", "ann") +
      called("07:30:00", "/a", "1vwwZY-0005V4-1s", "ann") +
      called("08:30:00", "/z", "1vwwZZ-0005V4-1s", "ann") +
      called("09:30:00", "/a", "1vwwZa-0005V4-1s", "zoe"),
  ];
  const answers = await Promise.all([pieces, pieces.toReversed()].map((logs) => abuseOfLogs(logs, 1)));
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[0]?.failures).toMatchObject([
    { ipAddress: "203.0.113.8", accounts: ["login_server:ann", "login_server:zoe"] },
  ]);
  expect(answers[0]?.scripts).toMatchObject([{ directory: "/a", users: ["ann", "zoe"] }]);
});

function abuseOf(log: string): Promise<Abuse> {
  return abuseOfLogs([log], 5);
}

async function abuseOfLogs(logs: readonly string[], limit: number): Promise<Abuse> {
  const db = join(temporaryFolder(), "pilot.db");
  for (const log of logs) await ingestInto(db, ["-"], { logType: "main" }, Readable.from([Buffer.from(log)]));
  return withReader(db, (reader) =>
    findAbuse(reader.abuse, { sinceMs: 0, untilMs: Date.UTC(2027, 0) }, { limit, rule: DEFAULT_RULE }),
  );
}
