import { describe, expect, test } from "vitest";
import { categoriseFailure, replyIn } from "../../src/message/failure-category.ts";
import type { FailureCategory } from "../../src/message/reply-rules.ts";
import { findSmtpReply } from "../../src/parse/smtp-reply.ts";

/** Categorises as the store does: code, enhanced code and time-out are those that the parser finds in the text. */
function categorise(error: string): FailureCategory {
  const reply = findSmtpReply(error);
  return categoriseFailure({
    enhancedCode: reply?.enhancedCode ?? null,
    smtpCode: reply?.code ?? null,
    isTimeout: reply?.isTimeout ?? false,
    error,
  });
}

const AFTER_RCPT = "SMTP error from remote mail server after RCPT TO:<header@tls.example>: ";
const AFTER_DATA = "SMTP error from remote mail server after end of data: ";

describe("the reason of a failure", () => {
  test.each<[string, FailureCategory]>([
    [`${AFTER_RCPT}550 5.1.1 mailbox quota of spam unknown here`, "unknown_user"],
    [`${AFTER_RCPT}552 5.2.2 nothing to say`, "mailbox_full"],
    [`${AFTER_DATA}552 5.3.4 nothing to say`, "size"],
    [`${AFTER_RCPT}421 4.7.28 nothing to say`, "rate_limit"],
    [`${AFTER_RCPT}550 5.7.26 unauthenticated, a security risk`, "policy"],
    ["SMTP error from remote mail server after STARTTLS: 530 5.7.10 must", "tls"],
  ])("is what the enhanced code names: %s", (error, category) => {
    expect(categorise(error)).toBe(category);
  });

  test.each<[string, FailureCategory]>([
    [`${AFTER_RCPT}451 4.7.1 Greylisted, please come back in 5 minutes`, "greylisting"],
    [`${AFTER_RCPT}550 5.7.1 [192.0.2.1] is listed at zen.dnsbl.example`, "reputation"],
    ["SMTP error from remote mail server after initial connection: 554 your poor reputation", "reputation"],
    [`${AFTER_DATA}421 4.7.0 Messages temporarily deferred due to unexpected volume`, "rate_limit"],
    [`${AFTER_RCPT}450 4.2.1 The user is receiving mail too quickly`, "rate_limit"],
    [`${AFTER_RCPT}550 5.2.1 no`, "unknown_user"],
    [`${AFTER_RCPT}550 5.7.1 no`, "policy"],
    [`${AFTER_DATA}554 5.7.1 looks like spam`, "policy"],
    [`${AFTER_RCPT}450 4.2.0 stuck`, "other"],
    [`${AFTER_RCPT}451 no`, "other"],
    [`${AFTER_RCPT}550 No such user here`, "unknown_user"],
    [`${AFTER_DATA}552 message size exceeds fixed limit`, "size"],
    [`${AFTER_DATA}554 this attachment is a virus`, "content"],
    ["Unrouteable address", "unknown_user"],
    ["mailbox is full (MTA-imposed quota exceeded while writing to /var/mail/quincy)", "mailbox_full"],
    ["a TLS session is required, but the server did not offer TLS support", "tls"],
    ["lowest numbered MX record points to local host", "dns"],
    ["host lookup did not complete", "dns"],
    ["Connection refused", "connection"],
    ["Network is unreachable", "connection"],
    ["Remote host closed connection in response to initial connection", "connection"],
    ["all hosts for 'x.example' have been failing for a long time (and retry time not reached)", "connection"],
    ["Connection timed out", "timeout"],
    ["Connection timed out: SMTP timeout after initial connection", "timeout"],
    ["failed to lock mailbox /var/mail/bob (lock file)", "local"],
    ["Child process of address_pipe transport returned 75 from command: /x", "local"],
    ["Tainted '/var/mail/x' (file or directory name for t transport) not permitted", "local"],
    ['Too many "Received" headers - suspected mail loop', "other"],
    ["not now", "other"],
    ["", "other"],
  ])("else what the words say: %s", (error, category) => {
    expect(categorise(error)).toBe(category);
  });

  test("is not known without a text", () => {
    expect(categoriseFailure({ enhancedCode: null, smtpCode: null, isTimeout: false, error: null })).toBe("other");
  });
});

test("a reply is what follows the command it answers", () => {
  expect(replyIn(`${AFTER_RCPT}550-5.7.26 This\n550 5.7.26 is all`)).toBe("550-5.7.26 This\n550 5.7.26 is all");
  expect(replyIn("LMTP error after end of data: 552 5.2.2 Mailbox full")).toBe("552 5.2.2 Mailbox full");
  expect(replyIn("PRDR error after DATA: 550 5.7.1 not wanted")).toBe("550 5.7.1 not wanted");
  expect(replyIn("SMTP error from remote mail server after pipelined MAIL FROM:<a@b> SIZE=1: 550 no")).toBe("550 no");
  expect(replyIn("Remote host closed connection in response to EHLO x")).toBe(
    "Remote host closed connection in response to EHLO x",
  );
});
