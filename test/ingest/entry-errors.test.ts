/** The column error_text holds the error of every event that states one, in the words of the line; values of the row are templates. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientOf } from "../../src/ingest/batch/entry-facts.ts";
import type { Rejection } from "../../src/parse/events.ts";
import { parseEntry } from "../../src/parse/record.ts";
import { fromTemplate } from "../../src/store/schema/error-templates.ts";

const STAMP = "2026-03-02 06:16:05 ";
const ID = "1vwwZZ-0005WR-0f ";

function errorOf(text: string): { kind: string | undefined; error: string | undefined; template: string | undefined } {
  const entry = parseEntry([`${STAMP}${text}`]);
  const client = entry && clientOf(entry.event, entry.text);
  const values = { ip: client?.host?.ip, sender: client?.sender, recipient: client?.recipient };
  const template = client?.error;
  return {
    kind: entry?.event.kind,
    error: template === undefined ? undefined : fromTemplate(template, values),
    template,
  };
}

describe("the error of a line", () => {
  test.each([
    ["host_error", `${ID}H=mx.example [203.0.113.7] Connection refused`, "Connection refused"],
    [
      "host_error",
      `${ID}H=mx.example [203.0.113.7]: SMTP error from remote mail server after RCPT TO:<a@b.example>: 451 4.7.1 later`,
      "SMTP error from remote mail server after RCPT TO:<a@b.example>: 451 4.7.1 later",
    ],
    [
      "tls",
      "TLS error on connection from h.example (x) [203.0.113.7] (gnutls_handshake): No supported cipher suites",
      "(gnutls_handshake): No supported cipher suites",
    ],
    [
      "tls",
      "[203.0.113.7] SSL verify error: depth=0 error=self-signed certificate cert=/CN=x",
      "depth=0 error=self-signed certificate cert=/CN=x",
    ],
    ["dns", "no host name found for IP address 203.0.113.103", "no host name found for IP address 203.0.113.103"],
    [
      "dns",
      `${ID}lowest numbered MX record points to local host: loop.example (while routing <x@loop.example>)`,
      "lowest numbered MX record points to local host: loop.example (while routing <x@loop.example>)",
    ],
    [
      "session",
      "unexpected disconnection while reading SMTP command from (a.example) [203.0.113.103] D=0.1s",
      "unexpected disconnection while reading SMTP command",
    ],
    [
      "session",
      "SMTP connection from (a.example) [203.0.113.103] lost (error: Connection reset by peer) D=1s",
      "Connection reset by peer",
    ],
    ["session", "SMTP connection from (a.example) [203.0.113.103] lost D=1s", "SMTP connection lost"],
    [
      "session",
      'SMTP syntax error in "GET / HTTP/1.1" H=h.example [203.0.113.101] unrecognized command',
      "unrecognized command",
    ],
    [
      "verification",
      "H=h.example [203.0.113.1] sender verify fail for <x@no.example>: no such domain",
      "no such domain",
    ],
    [
      "verification",
      "VRFY failed for nobody@b.example H=h.example [203.0.113.1]",
      "VRFY failed for nobody@b.example H=h.example [203.0.113.1]",
    ],
    ["warning", "H=h.example [203.0.113.1] Warning: 203.0.113.1 is listed", "203.0.113.1 is listed"],
    [
      "panic",
      'Cannot open main log file "/l": Permission denied: euid=0',
      'Cannot open main log file "/l": Permission denied: euid=0',
    ],
    [
      "not_accepted",
      `${ID}SMTP connection from (a.example) [203.0.113.103] lost while reading message data`,
      "SMTP connection from (a.example) [203.0.113.103] lost while reading message data",
    ],
  ])("of %s: %s", (kind, text, error) => {
    expect(errorOf(text)).toMatchObject({ kind, error });
  });

  test.each([
    ["SMTP connection from h.example [203.0.113.1] closed by QUIT"],
    ["SMTP connection from [203.0.113.1]:52594 (TCP/IP connection count = 1)"],
    ["exim 4.96 daemon started: pid=812, no queue runs"],
  ])("is none where nothing went wrong: %s", (text) => {
    expect(errorOf(text).error).toBeUndefined();
  });

  test("shares its template with those of other clients", () => {
    const octet = fc.integer({ min: 1, max: 254 });
    fc.assert(
      fc.property(octet, (last) => {
        const ip = `203.0.113.${last}`;
        const { error, template } = errorOf(`H=h.example [${ip}] Warning: ${ip} is listed at zen.example`);
        expect(error).toBe(`${ip} is listed at zen.example`);
        expect(template).toBe("\u0001 is listed at zen.example");
        expect(errorOf(`no host name found for IP address ${ip}`)).toEqual({
          kind: "dns",
          error: `no host name found for IP address ${ip}`,
          template: "no host name found for IP address \u0001",
        });
      }),
    );
  });
});

describe("the code of a rejection", () => {
  const codeOf = (text: string): number | undefined =>
    (parseEntry([`${STAMP}${text}`])?.event as Rejection | undefined)?.code;

  test.each([
    ["H=h [192.0.2.1] F=<a@b.c> rejected RCPT <x@y.z>: 551 5.1.6 user has moved", 551],
    ["H=h [192.0.2.1] F=<a@b.c> temporarily rejected RCPT <x@y.z>: 450 4.2.0 greylisted", 450],
    ["H=h [192.0.2.1] rejected MAIL <a@b.c>: 553 no", 553],
    [`${ID}H=h [192.0.2.1] F=<a@b.c> rejected after DATA: 554-5.7.1 spam`, 554],
    ['H=h [192.0.2.1] rejected connection in "connect" ACL: 554 go away', 554],
    ["H=h [192.0.2.1] rejected EHLO or HELO x: 550", 550],
    ["login authenticator failed for (x) [192.0.2.1]: 535 Incorrect authentication data (set_id=u)", 535],
  ])("stands in the line: %s", (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test.each([
    ["H=h [192.0.2.1] F=<a@b.c> rejected RCPT <x@y.z>: relay not permitted"],
    ["H=h [192.0.2.1] F=<a@b.c> rejected RCPT <x@y.z>"],
    ["H=h [192.0.2.1] F=<a@b.c> rejected RCPT <x@y.z>: 5501 is no code"],
    ["H=h [192.0.2.1] F=<a@b.c> rejected RCPT <x@y.z>: 450 messages in an hour"],
    ["H=h [192.0.2.1] F=<a@b.c> temporarily rejected RCPT <x@y.z>: 550 of 1000 are too many"],
  ])("is not guessed: %s", (text) => {
    expect(codeOf(text)).toBeUndefined();
  });
});
