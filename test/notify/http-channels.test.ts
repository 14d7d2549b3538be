/** Channels over HTTP, at a receiver that answers well, not yet, not at all, for ever, or not to the end. */
import { describe, expect, test } from "vitest";
import type { OutgoingNotice } from "../../src/notify/channel.ts";
import { httpChannel, toSlack, toTelegram } from "../../src/notify/http-channels.ts";
import type { ChannelSettings } from "../../src/notify/settings.ts";
import { SECOND_MS } from "../../src/units.ts";
import { NOW } from "../support/database.ts";
import { type Manner, Receiver } from "../support/receiver.ts";

const NOTICE: OutgoingNotice = {
  id: "0b0e3c1e-0000-4000-8000-000000000014",
  mark: "#3-14",
  reason: "opened",
  severity: "critical",
  server: "mx1",
  title: "Account bob sends spam",
  since: "2026-03-02T03:12:00.000Z",
  until: null,
  heading: "exim-pilot: CRITICAL on mx1",
  text: "Account bob sends <b>spam</b>.\n#3-14",
};

const NEVER = new AbortController().signal;
const TOKEN = "123:s3cret";

type HttpType = Exclude<ChannelSettings["type"], "smtp">;

function settingsOf(type: HttpType, url: string): Exclude<ChannelSettings, { type: "smtp" }> {
  const common = { name: "ops", redact: true } as const;
  const secret = { kind: "inline", value: TOKEN } as const;
  switch (type) {
    case "telegram":
      return { ...common, type, url, chat: "-100123", token: secret };
    case "webhook":
      return { ...common, type, url: { kind: "inline", value: url }, token: secret };
    case "ntfy":
      return { ...common, type, url, topic: "ops", token: secret };
    case "slack":
      return { ...common, type, url: { kind: "inline", value: url } };
    case "matrix":
      return { ...common, type, url, room: "!a:example.org", token: secret };
  }
}

function channelOf(type: HttpType, url: string, timeoutMs = 5000) {
  return httpChannel(settingsOf(type, url), { token: TOKEN, url }, { now: () => NOW, timeoutMs });
}

const TYPES: readonly HttpType[] = ["telegram", "webhook", "ntfy", "slack", "matrix"];

/** Body of an answer that each of them understands. */
const GOOD = JSON.stringify({ ok: true, result: { message_id: 77 }, id: "n77", event_id: "$77" });

describe("each channel over HTTP", () => {
  test.each(TYPES)("%s takes an answer 200 for success", async (type) => {
    const receiver = await Receiver.start();
    receiver.answer = GOOD;
    expect(await channelOf(type, receiver.url).send(NOTICE, NEVER)).toMatchObject({ kind: "taken" });
    expect(receiver.requests).toHaveLength(1);
  });

  const ANSWERS: readonly (readonly [Manner, object])[] = [
    ["busy", { kind: "later", retryAfterMs: 1000, isChannelBusy: true, isUncertain: false }],
    ["bad_gateway", { kind: "later", isUncertain: true }],
    ["hang", { kind: "later", isUncertain: true, isDown: true, error: "no answer came within 0.2 s" }],
    ["reset", { kind: "later", isUncertain: true, isDown: true }],
    ["lost", { kind: "later", isUncertain: true, isDown: true }],
    ["redirect", { kind: "refused", isUnauthorized: false }],
    ["unauthorized", { kind: "refused", isUnauthorized: true }],
    ["gone", { kind: "refused", isUnauthorized: false }],
  ];
  test.each(TYPES.flatMap((type) => ANSWERS.map(([manner, answer]) => [type, manner, answer] as const)))(
    "%s understands the manner %s",
    async (type, manner, answer) => {
      const receiver = await Receiver.start();
      receiver.next = () => manner;
      const got = await channelOf(type, receiver.url, manner === "hang" ? 200 : 5000).send(NOTICE, NEVER);
      expect(got).toMatchObject(answer);
      expect(JSON.stringify(got)).not.toContain(TOKEN);
      // No redirect is followed, and nothing is sent twice.
      expect(receiver.requests.length).toBeLessThanOrEqual(1);
    },
  );

  test.each(TYPES)("%s reads no more of an endless answer than it needs", async (type) => {
    const receiver = await Receiver.start();
    receiver.next = () => "endless";
    const answer = await channelOf(type, receiver.url).send(NOTICE, NEVER);
    expect(answer.kind).toBe(type === "telegram" ? "later" : "taken");
    expect(receiver.sentBytes).toBeLessThan(64 * 2 ** 20);
  });

  test.each(TYPES)("%s goes by the status where the answer breaks off", async (type) => {
    const receiver = await Receiver.start();
    receiver.next = () => "cut";
    const answer = await channelOf(type, receiver.url).send(NOTICE, NEVER);
    expect(answer.kind).toBe(type === "telegram" ? "later" : "taken");
  });

  test("says when nothing can have arrived", async () => {
    const receiver = await Receiver.start();
    const { url } = receiver;
    receiver.stop();
    expect(await channelOf("webhook", url).send(NOTICE, NEVER)).toEqual({
      kind: "later",
      error: "the connection failed (ECONNREFUSED)",
      isUncertain: false,
      isDown: true,
    });
  });

  test("ends when the program is to end", async () => {
    const receiver = await Receiver.start();
    receiver.next = () => "hang";
    const stop = new AbortController();
    const sending = channelOf("webhook", receiver.url).send(NOTICE, stop.signal);
    await expect.poll(() => receiver.requests.length).toBe(1);
    stop.abort();
    expect(await sending).toMatchObject({ kind: "later", isUncertain: true, error: "it was interrupted" });
  });
});

describe("requests", () => {
  const sent = async (type: HttpType, notice: OutgoingNotice = NOTICE) => {
    const receiver = await Receiver.start();
    receiver.answer = GOOD;
    const answer = await channelOf(type, receiver.url).send(notice, NEVER);
    const [request] = receiver.requests;
    if (request === undefined) throw new Error("Nothing was sent.");
    return { ...request, json: JSON.parse(request.body), answer };
  };

  test("to Telegram escape HTML, show no preview and are confirmed by the number of the message", async () => {
    const { path, json, answer } = await sent("telegram");
    expect(path).toBe(`/bot${TOKEN}/sendMessage`);
    expect(json).toEqual({
      chat_id: "-100123",
      text: "<b>exim-pilot: CRITICAL on mx1</b>\n<pre>Account bob sends &lt;b&gt;spam&lt;/b&gt;.\n#3-14</pre>",
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
    });
    expect(answer).toMatchObject({ remoteId: "77" });
  });

  test("to a webhook carry the same key at each try", async () => {
    const { headers, json } = await sent("webhook");
    expect(headers).toMatchObject({ "idempotency-key": NOTICE.id, authorization: `Bearer ${TOKEN}` });
    expect(json).toEqual({ version: 1, ...NOTICE });
  });

  test("to Matrix carry the id as their transaction, plain text, and mention nobody", async () => {
    const { method, path, json, answer } = await sent("matrix");
    expect(method).toBe("PUT");
    expect(path).toBe(`/_matrix/client/v3/rooms/!a%3Aexample.org/send/m.room.message/${NOTICE.id}`);
    expect(json).toEqual({ msgtype: "m.text", body: `${NOTICE.heading}\n${NOTICE.text}`, "m.mentions": {} });
    expect(answer).toMatchObject({ remoteId: "$77" });
  });

  test("to ntfy and Slack have no markup", async () => {
    expect((await sent("ntfy")).json).toEqual({
      topic: "ops",
      title: NOTICE.heading,
      message: NOTICE.text,
      priority: 5,
    });
    const text = "```exim-pilot: CRITICAL on mx1\nAccount bob sends &lt;b&gt;spam&lt;/b&gt;.\n#3-14```";
    expect((await sent("slack")).json).toEqual({ text, unfurl_links: false, unfurl_media: false });
  });
});

describe("answers of Telegram", () => {
  test.each([
    ['{"ok":false,"error_code":429,"parameters":{"retry_after":35}}', { kind: "later", retryAfterMs: 35 * SECOND_MS }],
    ['{"ok":false,"error_code":403,"description":"bot was kicked"}', { kind: "refused", isUnauthorized: true }],
    ['{"ok":false}', { kind: "later" }],
    ['{"ok":true}', { kind: "later", error: "the answer names no message", isUncertain: true }],
    ["<html>", { kind: "later", isUncertain: true }],
    ["[]", { kind: "later" }],
    ['{"ok":true,"result":null}', { kind: "later" }],
  ])("%s with status 200 is no success", async (body, expected) => {
    const receiver = await Receiver.start();
    receiver.answer = body;
    expect(await channelOf("telegram", receiver.url).send(NOTICE, NEVER)).toMatchObject(expected);
  });
});

test("a receiver that repeats the secret does not bring it into an error", async () => {
  const receiver = await Receiver.start();
  receiver.answer = JSON.stringify({ ok: false, error_code: 400, description: `no bot ${TOKEN}` });
  expect(await channelOf("telegram", receiver.url).send(NOTICE, NEVER)).toMatchObject({
    error: "the receiver answered 400: no bot (secret)",
  });
});

test("nothing in a text ends the block of code that it stands in", () => {
  expect(toSlack({ heading: "h", text: "``` *x* <!channel> &amp;" })).toBe(
    "```h\n''' *x* &lt;!channel&gt; &amp;amp;```",
  );
  expect(toTelegram({ heading: '<a href="x">', text: "</pre><a>" })).toBe(
    "<b>&lt;a href=&quot;x&quot;&gt;</b>\n<pre>&lt;/pre&gt;&lt;a&gt;</pre>",
  );
});
