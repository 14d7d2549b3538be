/** Mail to a server that takes it, refuses it, or stops in the middle. */

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OutgoingNotice } from "../../src/notify/channel.ts";
import type { SmtpSettings } from "../../src/notify/settings.ts";
import { smtpChannel } from "../../src/notify/smtp-channel.ts";
import { NOW } from "../support/database.ts";

const NOTICE: OutgoingNotice = {
  id: "0b0e3c1e-0000-4000-8000-000000000014",
  mark: "#14",
  reason: "opened",
  severity: "critical",
  server: "mx1",
  title: "Grüße\\x0d\\x0aBcc: everyone",
  since: null,
  until: null,
  heading: "exim-pilot: CRITICAL on mx1",
  text: "A <b>text</b>.\n.\n#14",
};
const NEVER = new AbortController().signal;

function channelAt(port: number, more: Partial<SmtpSettings> = {}, password?: string, stepMs = 5000) {
  const settings: SmtpSettings = {
    type: "smtp",
    name: "mail",
    redact: false,
    host: "127.0.0.1",
    port,
    encryption: "none",
    from: "exim-pilot@mx1.example.org",
    to: ["ops@example.org", "second@example.org"],
    user: undefined,
    password: undefined,
    confirm: undefined,
    ...more,
  };
  return smtpChannel(settings, { password, awaitsLog: false, now: () => NOW, stepMs });
}

interface Mailbox {
  readonly port: number;
  readonly mails: string[];
}

async function startServer(options: SMTPServerOptions = {}): Promise<Mailbox> {
  const mails: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    disableReverseLookup: true,
    onData(stream, _session, done) {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        mails.push(Buffer.concat(pieces).toString());
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

describe("mail", () => {
  test("is plain text, from us alone, and has the same Message-ID at each try", async () => {
    const { port, mails } = await startServer();
    const channel = channelAt(port);
    for (let time = 0; time < 2; time++)
      expect(await channel.send(NOTICE, NEVER)).toEqual({
        kind: "taken",
        remoteId: `${NOTICE.id}@mx1.example.org`,
        note: undefined,
      });
    expect(mails).toHaveLength(2);
    const [mail = ""] = mails;
    const parsed = await simpleParser(mail);
    expect(parsed).toMatchObject({
      subject: `exim-pilot: CRITICAL on mx1: ${NOTICE.title}`,
      text: `${NOTICE.text}\n`,
      messageId: `<${NOTICE.id}@mx1.example.org>`,
      date: new Date(NOW),
      html: false,
      attachments: [],
    });
    expect(parsed.headers.get("auto-submitted")).toBe("auto-generated");
    expect(parsed.bcc).toBeUndefined();
  });

  test.each([
    [
      "a 4xx is tried again",
      { onMailFrom: (_a, _s, done) => done(reply(451, "later")) },
      { kind: "later", isUncertain: false },
    ],
    ["a 5xx is for good", { onMailFrom: (_a, _s, done) => done(reply(550, "no")) }, { kind: "refused" }],
    [
      "a 5xx for all recipients is for good",
      { onRcptTo: (_a, _s, done) => done(reply(550, "no")) },
      { kind: "refused" },
    ],
    [
      "a 4xx after the text is tried again",
      {
        onData: (stream, _s, done) => {
          stream.resume();
          stream.on("end", () => done(reply(452, "full")));
        },
      },
      { kind: "later", isUncertain: false, error: expect.stringContaining("452") },
    ],
  ] satisfies [string, SMTPServerOptions, object][])(
    "is judged by its answer: %s",
    async (_what, options, expected) => {
      const { port } = await startServer(options);
      expect(await channelAt(port).send(NOTICE, NEVER)).toMatchObject(expected);
    },
  );

  test("that one of two recipients refuses is taken, with a note", async () => {
    const { port, mails } = await startServer({
      onRcptTo: (address, _session, done) => done(address.address.startsWith("ops") ? reply(550, "no") : undefined),
    });
    expect(await channelAt(port).send(NOTICE, NEVER)).toMatchObject({
      kind: "taken",
      note: "the server refused it for 1 of 2 recipients",
    });
    expect(mails).toHaveLength(1);
  });

  test("logs in, and a refusal is one of the credentials that names no password", async () => {
    const { port } = await startServer({
      onAuth: ({ username, password }, _session, done) =>
        password === "s3cret" ? done(null, { user: username }) : done(reply(535, `no ${password}`)),
      authMethods: ["PLAIN"],
      allowInsecureAuth: true,
      authOptional: false,
    });
    const user = { user: "ops" };
    expect(await channelAt(port, user, "s3cret").send(NOTICE, NEVER)).toMatchObject({ kind: "taken" });
    const refused = await channelAt(port, user, "wr0ng").send(NOTICE, NEVER);
    expect(refused).toMatchObject({ kind: "refused", isUnauthorized: true });
    expect(JSON.stringify(refused)).not.toContain("wr0ng");
  });

  test("is not sent in clear where encryption is asked for", async () => {
    const { port, mails } = await startServer();
    const answer = await channelAt(port, { encryption: "starttls" }).send(NOTICE, NEVER);
    expect(answer).toMatchObject({ kind: "refused", isUnauthorized: false });
    expect(mails).toEqual([]);
  });
});

/** A server that says these lines, one for each that it reads, and then does as it is told. */
async function startTalker(lines: readonly string[], atEnd: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    const rest = [...lines];
    const speak = (): void => {
      const line = rest.shift();
      if (line === undefined) atEnd(socket);
      else socket.write(`${line}\r\n`);
    };
    speak();
    socket.on("data", (piece) => {
      if (/\r\n$/.test(piece.toString("latin1"))) speak();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const TALK = ["220 mx", "250 mx", "250 ok", "250 ok", "250 ok", "354 go"];

describe("a server that stops", () => {
  test.each([0, 1, 3, 6])("after %s lines, and says nothing, is tried again", async (said) => {
    const port = await startTalker(TALK.slice(0, said), () => {});
    expect(await channelAt(port, {}, undefined, 200).send(NOTICE, NEVER)).toMatchObject({
      kind: "later",
      isDown: true,
    });
  });

  test.each([0, 1, 3, 6])("after %s lines, and ends the connection, is tried again", async (said) => {
    const port = await startTalker(TALK.slice(0, said), (socket) => socket.destroy());
    expect(await channelAt(port).send(NOTICE, NEVER)).toMatchObject({ kind: "later", isUncertain: true });
  });

  test("says the same for ever without being waited for", async () => {
    const port = await startTalker(["220 mx"], (socket) => {
      const chatter = setInterval(() => socket.write("250-mx\r\n"), 20);
      socket.on("close", () => clearInterval(chatter));
    });
    expect(await channelAt(port, {}, undefined, 200).send(NOTICE, NEVER)).toMatchObject({ kind: "later" });
  });

  test("is not there: nothing can have arrived", async () => {
    const port = await startTalker([], () => {});
    const closed = port === 65_535 ? port - 1 : port + 1;
    const answer = await channelAt(closed).send(NOTICE, NEVER);
    expect(answer).toMatchObject({ kind: "later", isUncertain: false });
  });
});
