import { describe, expect, test } from "vitest";
import { categoriseFailure } from "../../src/message/failure-category.ts";
import { FAILURE_CATEGORIES } from "../../src/message/reply-rules.ts";
import { findSmtpReply } from "../../src/parse/smtp-reply.ts";

function categorise(error: string): string {
  const reply = findSmtpReply(error);
  return categoriseFailure({
    enhancedCode: reply?.enhancedCode ?? null,
    smtpCode: reply?.code ?? null,
    isTimeout: reply?.isTimeout ?? false,
    error,
  });
}

const LABELS = [
  "mx",
  "dns",
  "quota",
  "spam",
  "tls",
  "relay",
  "virus",
  "greylist",
  "blacklist",
  "busy",
  "timeout",
  "rbl",
  "auth",
];
const REPLIES = ["550", "451 Temporary local problem - please try later", "550 5.1.1 no", "421 4.7.0 limited - gsmtp"];

describe("the name of a host does not decide the class", () => {
  test.each(LABELS)("of its reply: %s.example.org", (label) => {
    const name = `${label}.example.org`;
    expect(categorise(`SMTP error from remote mail server after RCPT TO:<x@y.example>: 550 ${name}`)).toBe("other");
    expect(categorise(`Remote host closed connection in response to EHLO ${name}`)).toBe("connection");
    expect(categorise(`Remote host ${name} [192.0.2.3] closed connection in response to initial connection`)).toBe(
      "connection",
    );
    for (const reply of REPLIES) {
      const newer = categorise(`SMTP error from remote mail server after RCPT TO:<x@y.example>: ${reply}`);
      expect(
        categorise(
          `SMTP error from remote mail server after RCPT TO:<x@y.example>: host ${name} [192.0.2.3]: ${reply}`,
        ),
      ).toBe(newer);
      expect(Object.keys(FAILURE_CATEGORIES)).toContain(newer);
    }
    expect(categorise(`SMTP error from remote mail server after MAIL FROM:<${label}@example.org> SIZE=100: 550`)).toBe(
      "other",
    );
  });
});

test("a refusal after MAIL is about the sender", () => {
  expect(categorise("SMTP error from remote mail server after MAIL FROM:<a@b.example>: 550 5.1.1 no such user")).toBe(
    "policy",
  );
});

test.each([
  ["Operation timed out", "timeout"],
  ["Host is down", "connection"],
  ["Broken pipe", "connection"],
  ["Disc quota exceeded", "mailbox_full"],
  ["No space left on device", "local"],
  ["Not enough space", "local"],
])("an errno has its class whatever the system calls it: %s", (error, category) => {
  expect(categorise(error)).toBe(category);
});
