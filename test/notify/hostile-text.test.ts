/** Text of a stranger, from a log, reaches a person as text: no channel makes markup, a mention, a link or a header of it. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OutgoingNotice } from "../../src/notify/channel.ts";
import { httpChannel } from "../../src/notify/http-channels.ts";
import type { ChannelSettings } from "../../src/notify/settings.ts";
import { smtpChannel } from "../../src/notify/smtp-channel.ts";
import { composeNotice } from "../../src/render/notify/notice-text.ts";
import { markOf } from "../../src/store/outbox/notification.ts";
import { runCli } from "../support/cli.ts";
import { NOW, temporaryFolder } from "../support/database.ts";
import { Receiver } from "../support/receiver.ts";

const ID = "0b0e3c1e-0000-4000-8000-000000000014";
const NEVER = new AbortController().signal;

/** Texts that one service or another would take for more than a text. */
const TEXTS: readonly (readonly [what: string, text: string])[] = [
  ["a link of Slack", "<http://evil.example/x|click>"],
  ["a mention of Slack", "<!channel> <!here> <@U123> <!subteam^S1|ops>"],
  ["a mention by name", "@channel @here @everyone @room @bob"],
  ["a link of Markdown", "[click](http://evil.example/x)"],
  ["an image of Markdown", "![x](https://evil.example/x.png)"],
  ["emphasis of Markdown", "*bold* _it_ ~no~ `code` ```block``` > quote # head"],
  ["HTML", '<a href="http://evil.example">x</a><img src=x onerror=alert(1)><script>alert(1)</script>'],
  ["ends of the block that it stands in", "</pre></b>``` ``` <b>x</b>"],
  ["entities", "&lt;b&gt; &#60;b&#62; &amp;lt;"],
  ["a header of mail", "x\r\nBcc: everyone@evil.example\r\n\r\nbody"],
  ["a header by other line ends", "x\nBcc: a\u0085Bcc: b\u2028Bcc: c\u2029Bcc: d\u000bBcc: e\u000cBcc: f"],
  ["encoded words", "=?utf-8?q?=0D=0ABcc:_x?= =?utf-8?b?PGI+?="],
  ["the end of a mail", "x\r\n.\r\nMAIL FROM:<x@evil.example>"],
  ["text that turns around", "\u202etxt.exe \u2066x\u2069 \u200f\u061c"],
  ["control characters", "\u001b[2J\u0007\u0000\u0008\u009b31m"],
  ["an address to write to", "mailto:x@evil.example tel:+123 javascript:alert(1)"],
  ["names that become links", "evil.example www.evil.example/x bob@evil.example 203.0.113.9"],
  ["commands and tags", "/start #tag $HOME $(id) `id` ; rm -rf /"],
  ["JSON", '","parse_mode":"HTML","x":"\\u0022}'],
  ["half of a character", "a\ud83d b"],
];

function noticeOf(text: string): OutgoingNotice {
  const notification = { id: ID, number: 3, incidentId: 14, reason: "opened", severity: "critical" } as const;
  const event = {
    version: 1,
    server: text,
    title: text,
    notes: [text, text],
    since: null,
    until: null,
    command: null,
  } as const;
  return composeNotice({ notification, event, members: [], markOf });
}

const PLAIN = noticeOf("plain");

/** Fails for what a program that shows a text would not show as text. */
function expectPlain(text: string, lines: number): void {
  expect(text.split("\n")).toHaveLength(lines);
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  expect(text).not.toMatch(/:\/\/|\b(?:mailto|tel|javascript):|[\p{L}\p{N}]\.\p{L}|\d\.\d+\.\d+\.\d/u);
}

const SETTINGS = { name: "ops", redact: false } as const;
const TOKEN = { kind: "inline", value: "t" } as const;
type HttpSettings = Exclude<ChannelSettings, { type: "smtp" }>;
const HTTP: Readonly<Record<HttpSettings["type"], (url: string) => HttpSettings>> = {
  telegram: (url) => ({ ...SETTINGS, type: "telegram", url, chat: "-1", token: TOKEN }),
  slack: (url) => ({ ...SETTINGS, type: "slack", url: { kind: "inline", value: url } }),
  matrix: (url) => ({ ...SETTINGS, type: "matrix", url, room: "!a:example.org", token: TOKEN }),
  ntfy: (url) => ({ ...SETTINGS, type: "ntfy", url, topic: "ops", token: TOKEN }),
  webhook: (url) => ({ ...SETTINGS, type: "webhook", url: { kind: "inline", value: url }, token: TOKEN }),
};

async function sentOver(type: HttpSettings["type"], notice: OutgoingNotice) {
  const receiver = await Receiver.start();
  receiver.answer = JSON.stringify({ ok: true, result: { message_id: 1 }, id: "n", event_id: "$1" });
  const channel = httpChannel(
    HTTP[type](receiver.url),
    { token: "t", url: receiver.url },
    { now: () => NOW, timeoutMs: 5000 },
  );
  expect(await channel.send(notice, NEVER)).toMatchObject({ kind: "taken" });
  const [request, ...others] = receiver.requests;
  if (request === undefined || others.length > 0) throw new Error("It was not sent once.");
  const { "content-length": _length, host: _host, ...headers } = request.headers;
  return { path: request.path, headers, json: JSON.parse(request.body) as Record<string, unknown> };
}

function unescaped(html: string): string {
  return html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

/** Lines of heading and text as the service shows them. */
const SHOWN: Readonly<Record<HttpSettings["type"], (json: Record<string, unknown>) => string>> = {
  telegram({ text, parse_mode, link_preview_options }) {
    expect({ parse_mode, link_preview_options }).toEqual({
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
    });
    const [, heading = "", body = ""] = /^<b>([^<>]*)<\/b>\n<pre>([^<>]*)<\/pre>$/.exec(String(text)) ?? [];
    expect(`${heading}${body}`).not.toMatch(/&(?!(?:lt|gt|amp|quot);)/);
    return unescaped(`${heading}\n${body}`);
  },
  slack({ text }) {
    const [, body = ""] = /^```([^`<>]*)```$/.exec(String(text)) ?? [];
    expect(body).not.toMatch(/&(?!(?:lt|gt|amp);)/);
    return unescaped(body);
  },
  matrix({ body, msgtype, ...others }) {
    expect({ msgtype, others }).toEqual({ msgtype: "m.text", others: { "m.mentions": {} } });
    return String(body);
  },
  ntfy({ title, message, ...others }) {
    expect(others).toEqual({ topic: "ops", priority: 5 });
    return `${String(title)}\n${String(message)}`;
  },
  webhook: ({ heading, text }) => `${String(heading)}\n${String(text)}`,
};

const TYPES = Object.keys(HTTP) as HttpSettings["type"][];

describe.each(TYPES)("over %s", (type) => {
  test.each(TEXTS)("%s is text", async (_what, text) => {
    const [plain, sent] = [await sentOver(type, PLAIN), await sentOver(type, noticeOf(text))];
    expect(Object.keys(sent.json)).toEqual(Object.keys(plain.json));
    expect({ path: sent.path, headers: sent.headers }).toEqual({ path: plain.path, headers: plain.headers });
    const shown = SHOWN[type](sent.json);
    const { heading, text: body } = noticeOf(text);
    expect(shown).toBe(type === "slack" ? `${heading}\n${body}`.replaceAll("`", "'") : `${heading}\n${body}`);
    expectPlain(shown, SHOWN[type](plain.json).split("\n").length);
  });
});

describe("over mail", () => {
  test.each(TEXTS)("%s is text", async (_what, text) => {
    const [plain, sent] = [await mailed(PLAIN), await mailed(noticeOf(text))];
    expect(sent.recipients).toEqual(plain.recipients);
    const mail = await simpleParser(sent.mail);
    const namesOf = (raw: string): readonly string[] =>
      [...(raw.split("\r\n\r\n")[0] ?? "").matchAll(/^([\w-]+):/gm)].map(([, name]) => name ?? "");
    const encoding = (name: string): boolean => name !== "Content-Transfer-Encoding";
    expect(namesOf(sent.mail).filter(encoding)).toEqual(namesOf(plain.mail).filter(encoding));
    expect([mail.html, mail.attachments]).toEqual([false, []]);
    const { heading, title, text: body } = noticeOf(text);
    expect(mail.subject).toBe(`${heading}: ${title}`);
    expect(mail.text?.trimEnd()).toBe(body);
    expectPlain(`${mail.subject}\n${mail.text?.trimEnd()}`, PLAIN.text.split("\n").length + 1);
  });
});

async function mailed(
  notice: OutgoingNotice,
): Promise<{ readonly mail: string; readonly recipients: readonly string[] }> {
  const [mails, recipients]: [string[], string[]] = [[], []];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      recipients.push(address);
      done();
    },
    onData(stream, _session, done) {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        mails.push(Buffer.concat(pieces).toString());
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const settings = {
    ...SETTINGS,
    type: "smtp",
    host: "127.0.0.1",
    port: (server.server.address() as AddressInfo).port,
    encryption: "none",
    from: "exim-pilot@mx1.example.org",
    to: ["ops@example.org"],
    user: undefined,
    password: undefined,
    confirm: undefined,
  } as const;
  const channel = smtpChannel(settings, { password: undefined, awaitsLog: false, now: () => NOW, stepMs: 5000 });
  expect(await channel.send(notice, NEVER)).toMatchObject({ kind: "taken" });
  const [mail = "", ...others] = mails;
  expect(others).toEqual([]);
  return { mail, recipients };
}

test("a line of a log goes that way, from the log to the receiver", async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += String(piece)));
    request.on("end", () => {
      requests.push(body);
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const folder = temporaryFolder();
  const [db, configFile] = [join(folder, "pilot.db"), join(folder, "exim-pilot.toml")];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const channel = `type = "webhook"\nurl = "${url}"\nredact = false\n`;
  writeFileSync(configFile, `[notify]\ntiers = ["ops"]\nminimum = "warning"\n[channels.ops]\n${channel}`, {
    mode: 0o600,
  });
  const stamp = new Date(NOW - 300_000).toISOString().slice(0, 19).replace("T", " ");
  const evil = "<http://evil.example|click> [x](http://evil.example) @channel \u202e\u001b[2J";
  const log = `${stamp} failed to open ${evil}\n`;
  const ingest = [
    "ingest",
    "--log-type",
    "panic",
    "--server",
    "mx1",
    "--timezone",
    "UTC",
    "--detect",
    "--quiet",
    "--db",
    db,
    "-",
  ];
  expect(await runCli(ingest, { stdin: log, configFile, now: () => NOW })).toMatchObject({ status: 0 });
  expect(await runCli(["notify", "run", "--db", db], { configFile, now: () => NOW })).toMatchObject({ status: 0 });
  expect(requests).toHaveLength(1);
  const { text } = JSON.parse(requests[0] ?? "") as { text: string };
  expect(text).toContain("<http[:]//evil[.]example|click> [x](http[:]//evil[.]example) @channel \\u202e\\x1b[2J");
  expectPlain(text.replace(/exim-pilot incidents show .*$/, ""), text.split("\n").length);
});
