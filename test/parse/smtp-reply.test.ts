import { describe, expect, test } from "vitest";
import type { SmtpReply } from "../../src/parse/events.ts";
import { findSmtpReply } from "../../src/parse/smtp-reply.ts";

function reply(overrides: Partial<SmtpReply>): SmtpReply {
  return { phase: undefined, code: undefined, enhancedCode: undefined, isTimeout: false, ...overrides };
}

const AFTER = "SMTP error from remote mail server after";

describe("findSmtpReply finds the phase", () => {
  test.each([
    ["initial connection", "initial connection"],
    ["EHLO mx1.example.org", "EHLO"],
    ["HELO mx1.example.org", "HELO"],
    ["LHLO mx1.example.org", "LHLO"],
    ["STARTTLS", "STARTTLS"],
    ["AUTH PLAIN ****", "AUTH"],
    ["MAIL FROM:<a@b.example> SIZE=1467", "MAIL"],
    ["pipelined MAIL FROM:<a@b.example> SIZE=1467", "MAIL"],
    ["RCPT TO:<a@b.example>", "RCPT"],
    ["pipelined RCPT TO:<a@b.example> NOTIFY=NEVER", "RCPT"],
    ["DATA", "DATA"],
    ["sending data block", "sending data block"],
    ["end of data", "end of data"],
  ])("after %s", (command, phase) => {
    expect(findSmtpReply(`${AFTER} ${command}: 550 no`)).toEqual(reply({ phase, code: 550 }));
  });

  test.each(["SMTP error from remote mail server", "SMTP error from remote mailer", "LMTP error", "PRDR error"])(
    "in the words of %s",
    (words) => {
      expect(findSmtpReply(`${words} after DATA: 452 later`)).toEqual(reply({ phase: "DATA", code: 452 }));
    },
  );

  test("and nothing more when there was no reply", () => {
    expect(findSmtpReply("Remote host closed connection in response to initial connection")).toEqual(
      reply({ phase: "initial connection" }),
    );
    expect(findSmtpReply("Remote host closed connection in response to pipelined RCPT TO:<a@b.example>")).toEqual(
      reply({ phase: "RCPT" }),
    );
    expect(findSmtpReply("Malformed SMTP reply (an empty line) in response to DATA")).toEqual(reply({ phase: "DATA" }));
    expect(findSmtpReply("Malformed SMTP reply in response to EHLO x: hello there")).toEqual(reply({ phase: "EHLO" }));
  });
});

describe("findSmtpReply finds the code", () => {
  test("and an enhanced code of its class", () => {
    expect(findSmtpReply(`${AFTER} RCPT TO:<a@b.example>: 451 4.7.1 greylisted, come back later`)).toEqual(
      reply({ phase: "RCPT", code: 451, enhancedCode: "4.7.1" }),
    );
    expect(findSmtpReply(`${AFTER} end of data: 550 5.7.606 no`)?.enhancedCode).toBe("5.7.606");
  });

  test("but no enhanced code of another class, and none that is a part of a longer number", () => {
    expect(findSmtpReply(`${AFTER} end of data: 550 4.7.1 no`)?.enhancedCode).toBeUndefined();
    expect(findSmtpReply(`${AFTER} end of data: 550 5.7.1.2 is listed`)?.enhancedCode).toBeUndefined();
    expect(findSmtpReply(`${AFTER} end of data: 554 see 5.7.1`)?.enhancedCode).toBeUndefined();
  });

  test("of a reply of several lines, in its first", () => {
    expect(
      findSmtpReply(`${AFTER} RCPT TO:<a@b.example>: 550-5.7.26 This mail\\n550 5.7.26 is not authenticated`),
    ).toEqual(reply({ phase: "RCPT", code: 550, enhancedCode: "5.7.26" }));
  });

  test("of a reply without text", () => {
    expect(findSmtpReply(`${AFTER} end of data: 554`)).toEqual(reply({ phase: "end of data", code: 554 }));
  });

  test("behind a command that holds colons and numbers of its own", () => {
    expect(findSmtpReply(`${AFTER} RCPT TO:<"a: 25 b"@c.example>: 550 no`)?.code).toBe(550);
    expect(findSmtpReply(`${AFTER} MAIL FROM:<a@[IPv6:2001:db8::1]> SIZE=550: 452 later`)?.code).toBe(452);
  });

  test("behind the host, where Exim before 4.85 wrote it", () => {
    expect(findSmtpReply(`${AFTER} RCPT TO:<a@b.example>: host mx.b.example [203.0.113.7]: 550 5.1.1 no`)).toEqual(
      reply({ phase: "RCPT", code: 550, enhancedCode: "5.1.1" }),
    );
  });

  test("at the beginning of a text", () => {
    expect(findSmtpReply("551 5.1.6 user has moved")).toEqual(reply({ code: 551, enhancedCode: "5.1.6" }));
  });
});

describe("findSmtpReply knows a timeout", () => {
  test.each([
    ["SMTP timeout after initial connection", "initial connection"],
    ["SMTP timeout after end of data (1024 bytes written)", "end of data"],
    ["SMTP timeout after pipelined MAIL FROM:<a@b.example>: Connection timed out", "MAIL"],
    ["LMTP timeout after DATA", "DATA"],
    ["Connection timed out: SMTP timeout after EHLO mx1.example.org", "EHLO"],
    ["Connection timed out", undefined],
  ])("in %s", (error, phase) => {
    expect(findSmtpReply(error)).toEqual(reply({ phase, isTimeout: true }));
  });
});

describe("findSmtpReply finds none in", () => {
  test.each([
    "",
    "Connection refused",
    "retry timeout exceeded",
    "Unrouteable address",
    "mailbox is full (MTA-imposed quota exceeded while writing to /var/mail/x)",
    "host lookup did not complete",
    "5500 is no code",
    "199 is below all codes",
    "600 is above all codes",
    "Child process of address_pipe transport returned 550 from command: /bin/x",
  ])("%j", (error) => {
    expect(findSmtpReply(error)).toBeUndefined();
  });
});
