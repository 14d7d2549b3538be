/** First sentences that were found unclear or untrue when strangers read them beside the lines. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { traceAll } from "../../src/trace/trace.ts";
import { asking } from "../support/ask.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

const ARRIVAL = "12 21:40:12 <= a@out.example H=h.out.example [203.0.113.190] P=esmtp S=429";
const TO_B = "R=r T=t H=mx.in.example [203.0.113.14]";
const AFTER_RCPT = "SMTP error from remote mail server after RCPT TO:<b@in.example>: ";

const CASES: readonly (readonly [about: string, lines: readonly string[], sentence: string])[] = [
  [
    "held on purpose, in Exim's words",
    [
      `${ARRIVAL} for b@in.example c@in.example d@in.example`,
      "12 21:40:12 == b@in.example R=r T=t defer (0): SMTP delivery explicitly queued",
      "12 21:40:12 == c@in.example defer (-23): domain is held",
      "12 21:40:12 == d@in.example R=r T=t defer (-57): concurrency limit reached for transport",
    ],
    "Still deferred for b@in.example since 2026-06-12 21:40:12, not tried: SMTP delivery explicitly queued; still deferred for c@in.example since 2026-06-12 21:40:12, not tried: domain is held; still deferred for d@in.example since 2026-06-12 21:40:12, not tried: concurrency limit reached for transport.",
  ],
  [
    "held on purpose after a try",
    [
      `${ARRIVAL} for b@in.example`,
      `12 21:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
      "12 22:40:12 == b@in.example defer (-23): domain is held",
    ],
    `Still deferred for b@in.example since 2026-06-12 21:40:12, held back now (domain is held): ${AFTER_RCPT}450 busy.`,
  ],
  [
    "tried after it was held",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:12 == b@in.example defer (-23): domain is held",
      `12 22:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
    ],
    `Still deferred for b@in.example since 2026-06-12 21:40:12: ${AFTER_RCPT}450 busy.`,
  ],
  [
    "waiting for the retry time of another message",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:12 == b@in.example R=r T=t defer (-54): retry time not reached for any host for 'in.example'",
    ],
    "Still deferred for b@in.example since 2026-06-12 21:40:12, not tried: Exim waits for the retry time that another try set.",
  ],
  [
    "a reply of several lines, whole",
    [
      ARRIVAL,
      `12 21:40:13 ** b@in.example ${TO_B}: ${AFTER_RCPT}550-5.7.26 This mail poses a security risk to the\\n550-5.7.26 sender.\\n550 5.7.26 abc - gsmtp`,
      "12 21:40:13 Completed",
    ],
    `Bounced for b@in.example: ${AFTER_RCPT}550 5.7.26 This mail poses a security risk to the sender. abc - gsmtp.`,
  ],
  [
    "a reply that begins with the name of the host",
    [
      ARRIVAL,
      `12 21:40:13 ** b@in.example ${TO_B}: SMTP error from remote mail server after initial connection: 554-mx.in.example\\n554 Your access has been rejected.`,
    ],
    "Bounced for b@in.example: SMTP error from remote mail server after initial connection: 554 mx.in.example Your access has been rejected.",
  ],
  [
    "a stop that the reply has is not doubled, nor stands it within the sentence",
    [
      `${ARRIVAL} for b@in.example c@in.example`,
      `12 21:40:13 ** b@in.example ${TO_B}: TLS session: (certificate verification failed): The certificate differs. `,
      "12 21:40:13 ** c@in.example: Unrouteable address",
      "12 21:40:13 Completed",
    ],
    "Bounced for b@in.example: TLS session: (certificate verification failed): The certificate differs; bounced for c@in.example: Unrouteable address.",
  ],
  [
    "given up by the time since the arrival, where waiting is not logged",
    [
      ARRIVAL,
      "12 22:30:00 == b@in.example R=r T=t defer (111): Connection refused",
      "12 22:30:00 ** b@in.example: retry timeout exceeded",
      "12 22:30:00 Completed",
    ],
    "Given up after 49 minutes (retry timeout exceeded), bounced for b@in.example: Connection refused.",
  ],
  [
    "refused after the data for some",
    [
      "12 21:40:12 PRDR R=<b@in.example> acceptance",
      "12 21:40:12 PRDR c@in.example does not want it",
      "12 21:40:12 PRDR R=<d@in.example> temporary refusal",
      `${ARRIVAL} for b@in.example c@in.example d@in.example`,
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to 1 of 3 recipients; turned down after the data (PRDR) for c@in.example: does not want it; put off after the data (PRDR) for d@in.example.",
  ],
  [
    "refused after the data, where the arrival names nobody",
    [
      "12 21:40:12 PRDR R=<c@in.example> refusal",
      ARRIVAL,
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to 1 of 2 recipients; refused after the data (PRDR) for c@in.example.",
  ],
  [
    "accepted after the data with words of its own",
    [
      "12 21:40:12 PRDR b@in.example welcome",
      `${ARRIVAL} for b@in.example`,
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to b@in.example at 2026-06-12 21:40:13.",
  ],
  [
    "refused after the data for one, while the other is not named",
    ["12 21:40:12 PRDR R=<c@in.example> refusal", ARRIVAL, "12 21:40:13 Completed"],
    "Refused after the data (PRDR) for c@in.example.",
  ],
  [
    "a recipient that Exim gave its domain",
    [`${ARRIVAL} for postmaster`, "12 21:40:13 => alice <postmaster@in.example> R=r T=t", "12 21:40:13 Completed"],
    "Delivered to postmaster@in.example at 2026-06-12 21:40:13.",
  ],
  [
    "a recipient without a domain that two lines may be about",
    [
      `${ARRIVAL} for bob`,
      "12 21:40:13 => b <bob@in.example> R=r T=t",
      "12 21:40:13 ** bob@else.example: no",
      "12 21:40:13 Completed",
    ],
    "Delivered to 1 of 3 recipients; bounced for bob@else.example: no; completed, and no line says what became of bob.",
  ],
  [
    "a recipient that was rewritten",
    [
      '12 21:40:12 "bob@old.example" from env-to rewritten as "bob@in.example" by rule 1',
      `${ARRIVAL} for bob@old.example`,
      "12 21:40:13 => bob <bob@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to bob@in.example at 2026-06-12 21:40:13.",
  ],
  [
    "a recipient that was rewritten without a word",
    [
      `${ARRIVAL} for bob@old.example c@in.example`,
      "12 21:40:13 => c <c@in.example> R=r T=t",
      "12 21:40:13 => bob <bob@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to both recipients, the last at 2026-06-12 21:40:13.",
  ],
  [
    "a recipient that was rewritten without a word, and waits",
    [`${ARRIVAL} for bob@old.example`, `12 21:40:12 == bob@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`],
    `Still deferred for bob@in.example since 2026-06-12 21:40:12: ${AFTER_RCPT}450 busy.`,
  ],
  [
    "one that was discarded is not one that was rewritten",
    [
      `${ARRIVAL} for bob@old.example`,
      "12 21:40:13 => :blackhole: <bob@old.example> R=r",
      "12 21:40:13 => bob <bob@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to 1 of 2 recipients; discarded on purpose for bob@old.example.",
  ],
  [
    "one of several that another line may be about",
    [
      `${ARRIVAL} for bob@old.example c@old.example`,
      "12 21:40:13 => bob <bob@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to 1 of 3 recipients; completed, and no line says what became of bob@old.example, c@old.example.",
  ],
  [
    "cancelled, where no recipient is named",
    [ARRIVAL, '12 21:40:12 cancelled by system filter: no: "policy"', "12 21:40:12 Completed"],
    'Cancelled by system filter (no: "policy"); the log does not name its recipients.',
  ],
  [
    "cancelled with words, for a recipient",
    [`${ARRIVAL} for b@in.example`, "12 21:40:12 cancelled by system filter: no mail", "12 21:40:12 Completed"],
    "Cancelled by system filter (no mail): bounced for b@in.example.",
  ],
  [
    "delivered elsewhere by the system filter",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:12 original recipients ignored (system filter)",
      "12 21:40:13 => carol <system-filter> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Redirected by the system filter, which ignored b@in.example; delivered to carol at 2026-06-12 21:40:13.",
  ],
  [
    "accepted, and told to be rejected",
    [ARRIVAL.replace("<=", "(="), "12 21:40:13 => b <b@in.example> R=r T=t", "12 21:40:13 Completed"],
    "Delivered to b@in.example at 2026-06-12 21:40:13; its client was told that it was rejected (fakereject).",
  ],
  [
    "delivered to nobody under -N",
    [ARRIVAL, '12 21:40:13 *> b@in.example R=r T=t C="delivery bypassed by -N option"', "12 21:40:13 Completed"],
    "Not delivered, since Exim was told not to (-N), to b@in.example.",
  ],
  [
    "discarded, and why",
    [
      `${ARRIVAL} for b@in.example c@in.example`,
      "12 21:40:13 => blackhole (DATA ACL discarded recipients): content filter threw it away",
      "12 21:40:13 Completed",
    ],
    "Discarded on purpose for b@in.example, c@in.example: DATA ACL discarded recipients: content filter threw it away.",
  ],
  [
    "discarded by a filter",
    [ARRIVAL, "12 21:40:13 => discarded <b@in.example> R=userforward", "12 21:40:13 Completed"],
    "Discarded on purpose for b@in.example by a filter of the recipient.",
  ],
  [
    "discarded by the system filter, as a whole",
    [ARRIVAL, "12 21:40:13 => discarded (system filter)", "12 21:40:13 Completed"],
    "Accepted and discarded as a whole by the system filter.",
  ],
  [
    "what an alias became is no recipient of its own while it waits",
    [
      ARRIVAL,
      "12 21:40:13 == bob@in.example <team@in.example> R=r T=t defer (-9): failed to lock mailbox",
      "12 21:50:13 == team@in.example routing defer (-52): retry time not reached",
      "12 21:50:13 == bob@in.example routing defer (-52): retry time not reached",
      "12 22:10:13 => bob <team@in.example> R=r T=t",
      "12 22:10:13 Completed",
    ],
    "Delivered to team@in.example at 2026-06-12 22:10:13.",
  ],
  [
    "unless the arrival names it as one",
    [
      `${ARRIVAL} for bob@in.example team@in.example`,
      "12 21:40:13 == bob@in.example <team@in.example> R=r T=t defer (-9): failed to lock mailbox",
      "12 22:10:13 => bob <team@in.example> R=r T=t",
      "12 22:10:13 Completed",
    ],
    "Delivered to both recipients, the last at 2026-06-12 22:10:13.",
  ],
  [
    "given up without a try, since all hosts have been failing",
    [
      `${ARRIVAL} for b@in.example`,
      `12 21:40:13 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
      "12 22:40:13 == b@in.example R=r T=t defer (-54): retry time not reached for any host for 'in.example'",
      "16 22:40:13 ** b@in.example R=r T=t: all hosts for 'in.example' have been failing for a long time (and retry time not reached)",
      "16 22:40:13 Completed",
    ],
    `Given up after 4 days (all hosts for 'in.example' have been failing for a long time), bounced for b@in.example: ${AFTER_RCPT}450 busy.`,
  ],
  [
    "given up without a try ever, in the words of old versions too",
    [
      `${ARRIVAL} for b@in.example c@in.example`,
      "12 21:40:13 ** b@in.example R=r T=t: all hosts have been failing for a long time and were last tried after this message arrived",
      "12 21:40:13 ** c@in.example R=r T=t: retry time not reached for any host after a long failure period",
      "12 21:40:13 Completed",
    ],
    "Given up at once (all hosts have been failing for a long time and were last tried after this message arrived), bounced for b@in.example; given up at once (retry time not reached for any host after a long failure period), bounced for c@in.example.",
  ],
  [
    "routed only, on purpose",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:12 == b@in.example R=r T=t defer (-1): first-pass only routing due to -odqs, queue_smtp_domains or control=queue",
    ],
    "Still deferred for b@in.example since 2026-06-12 21:40:12, not tried: first-pass only routing due to -odqs, queue_smtp_domains or control=queue.",
  ],
  [
    "cancelled by Exim",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:12 == b@in.example R=r defer (-1): look at this one",
      "12 21:40:12 Frozen",
      "19 21:40:12 cancelled by timeout_frozen_after",
      "19 21:40:12 Completed",
    ],
    "Cancelled by Exim, since it was frozen too long (timeout_frozen_after): bounced for b@in.example; the last error: look at this one.",
  ],
  [
    "nobody is told of what has no sender",
    [
      `${ARRIVAL.replace("a@out.example", "<>")} for b@in.example c@in.example`,
      "12 21:40:13 ** b@in.example: Unrouteable address",
      "12 21:40:14 cancelled by root",
      "12 21:40:14 Completed",
    ],
    "Cancelled by root: failed, with no sender to tell, for c@in.example; failed, with no sender to tell, for b@in.example: Unrouteable address.",
  ],
  [
    "copies of the system filter are for no recipient",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:13 => /var/mail/all <system-filter> T=address_file",
      "12 21:40:13 => carol <system-filter> R=r T=t",
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to b@in.example at 2026-06-12 21:40:13; the system filter delivered 2 copies to /var/mail/all, carol.",
  ],
  [
    "an automatic reply of the system filter is no copy, and for no recipient",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:13 => >ann@out.example <system-filter> T=reply",
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Delivered to b@in.example at 2026-06-12 21:40:13; the system filter sent an automatic reply to ann@out.example.",
  ],
  [
    "failed, and Exim was told to tell nobody",
    [
      `${ARRIVAL} for b@in.example c@in.example`,
      "12 21:40:13 ** b@in.example: Unrouteable address",
      "12 21:40:13 ** d@else.example <c@in.example> R=r T=t: no",
      "12 21:40:13 b@in.example: error ignored",
      "12 21:40:13 Completed",
    ],
    "Failed, with no bounce sent, for b@in.example: Unrouteable address; bounced for c@in.example: no.",
  ],
  [
    "failed, and the caller was told",
    [
      ARRIVAL,
      "12 21:40:13 == b@in.example R=r defer (-1): not now",
      "12 21:40:13 ** b@in.example routing yielded a deferred delivery",
      "12 21:40:13 Completed",
    ],
    "Failed, with no bounce sent, for b@in.example: routing yielded a deferred delivery.",
  ],
  [
    "cancelled, and the caller was told",
    [
      `${ARRIVAL} for b@in.example`,
      "12 21:40:13 ** mua_wrapper is set but recipients cannot all be delivered in one transaction",
      "12 21:40:13 Completed",
    ],
    "Cancelled by Exim: mua_wrapper is set but recipients cannot all be delivered in one transaction: failed, with no bounce sent, for b@in.example.",
  ],
  [
    "cancelled, or removed, when those that are named had ended",
    [
      ARRIVAL,
      "12 21:40:13 ** b@in.example: Unrouteable address",
      "12 21:40:13 removed by root",
      "12 21:40:13 Completed",
    ],
    "Bounced for b@in.example: Unrouteable address; removed from the queue by root, and nobody was told.",
  ],
  [
    "an automatic reply is no copy",
    [
      ARRIVAL,
      "12 21:40:13 => b <b@in.example> R=r T=t",
      "12 21:40:13 => >ann@out.example <b@in.example> R=v T=reply",
      "12 21:40:13 ** |pager <b@in.example> R=u T=pipe: no such command",
      "12 21:40:13 Completed",
    ],
    "Bounced for b@in.example (one copy was delivered all the same: b): no such command.",
  ],
  [
    "put off without a word",
    [ARRIVAL, "12 21:40:13 == b@in.example R=r T=t defer (-58)"],
    "Still deferred for b@in.example since 2026-06-12 21:40:13.",
  ],
  [
    "removed, by whom",
    [
      `${ARRIVAL} for b@in.example`,
      `12 21:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
      "12 21:50:12 removed by root",
      "12 21:50:12 Completed",
    ],
    "Removed by root before it reached b@in.example; nobody was told.",
  ],
  [
    "removed, by whom, where no recipient is named",
    [ARRIVAL, "12 21:50:12 removed by root", "12 21:50:12 Completed"],
    "Removed from the queue by root; nobody was told.",
  ],
  [
    "marked as delivered, by whom",
    [
      `${ARRIVAL} for b@in.example c@in.example`,
      "12 21:40:13 => c <c@in.example> R=r T=t",
      `12 21:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
      "12 21:50:12 address <b@in.example> marked delivered by root",
      "12 21:50:12 Completed",
    ],
    "Delivered to 1 of 2 recipients; marked as delivered by root, not delivered by Exim, for b@in.example.",
  ],
  [
    "a copy that was delivered is not lost among many failures",
    [
      ARRIVAL,
      ...["a", "b", "c", "d"].map((name) => `12 21:40:13 ** ${name}@in.example: no ${name}`),
      "12 21:40:13 => alice <d@in.example> R=r T=t",
      "12 21:40:13 Completed",
    ],
    "Bounced for a@in.example: no a; bounced for b@in.example: no b; bounced for c@in.example: no c; and bounced for 1 more (one copy was delivered all the same: alice).",
  ],
  [
    "received, while the log goes on",
    [ARRIVAL],
    "Received, with no try in the log (the last line about it is of 2026-06-12 21:40:12).",
  ],
  [
    "held back by the system filter",
    [`${ARRIVAL} for b@in.example`, "12 21:40:12 Delivery deferred by system filter"],
    "Accepted and left on the queue without a try: Delivery deferred by system filter.",
  ],
  [
    "held back by an error of the system filter",
    [
      `${ARRIVAL} for b@in.example`,
      `12 21:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
      "12 21:50:12 recipient <c@in.example> added by root",
      '12 21:50:12 Error in system filter: unknown filtering command "mial" near line 3 of filter file',
    ],
    `Still deferred for b@in.example since 2026-06-12 21:40:12: ${AFTER_RCPT}450 busy; not tried yet for c@in.example (held back: Error in system filter: unknown filtering command "mial" near line 3 of filter file).`,
  ],
  [
    "an error of the system filter, where no recipient is named",
    [ARRIVAL, '12 21:40:12 Error in system filter: unknown filtering command "mial" near line 3 of filter file'],
    'Received, and held back: Error in system filter: unknown filtering command "mial" near line 3 of filter file.',
  ],
  [
    "accepted for some, and waiting",
    [
      "12 21:40:12 bad addresses found in headers",
      `${ARRIVAL} for b@in.example`,
      `12 21:40:12 == b@in.example ${TO_B} defer (-44): ${AFTER_RCPT}450 busy`,
    ],
    `Still deferred for b@in.example since 2026-06-12 21:40:12: ${AFTER_RCPT}450 busy; some addresses in its header lines could not be used (bad addresses found in headers).`,
  ],
  [
    "accepted for none",
    ["12 21:40:12 bad addresses found in headers"],
    "Rejected, never accepted: bad addresses found in headers.",
  ],
  [
    "accepted, and withdrawn",
    [`${ARRIVAL} for b@in.example`, "12 21:40:12 rescind the above message-accept"],
    "Rejected, never accepted: rescind the above message-accept.",
  ],
  [
    "frozen by the system filter, and why",
    [ARRIVAL, "12 21:40:12 Frozen by the system filter: no mail on Sundays."],
    "Frozen on the queue by the system filter (no mail on Sundays): not tried until it is thawed.",
  ],
  [
    "refused by the next host while it came in",
    [
      "12 21:40:13 H=c.out.example [203.0.113.111] b@in.example F=<a@out.example> rejected after DATA: R=hub T=smtp_cut H=cut.relay.example [203.0.113.33]",
    ],
    "Rejected, never accepted: cut.relay.example [203.0.113.33] refused it.",
  ],
];

test("a long error is told whole, and once", async () => {
  const words = Array.from({ length: 90 }, (_, index) => `word${index}`).join(" ");
  const ask = await asking(`${logOf(0, [ARRIVAL, `12 21:40:13 ** b@in.example: ${words}`])}\n`);
  const { verdict, recipients } = JSON.parse(await ask("trace", idOf(0), "--json")).messages[0];
  expect(verdict).toBe(`Bounced for b@in.example: ${words}.`);
  expect(recipients[0].lastError).toBe(words);
  expect((await ask("trace", idOf(0))).split("word0 ")).toHaveLength(2);
});

test("the first sentence tells what was", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  const log = `${CASES.map(([, lines], index) => logOf(index, lines)).join("\n")}\n`;
  await ingestInto(path, ["-"], { server: "mx1", logType: "main" }, Readable.from([log], { objectMode: false }));
  const traces = await withReader(path, async (reader) => {
    const rows = (await Promise.all(CASES.map((_, index) => reader.messages.find(idOf(index))))).flat();
    return traceAll(reader, rows, (iso) => iso.slice(0, 19).replace("T", " "));
  });
  expect(CASES.map(([about], index) => [about, traces[index]?.verdict])).toEqual(
    CASES.map(([about, , sentence]) => [about, sentence]),
  );
});

function idOf(index: number): string {
  return `1wY4SS-000${String(index).padStart(3, "0")}-2Q`;
}

/** Lines that begin with `DAY TIME`, as those of one message. */
function logOf(index: number, lines: readonly string[]): string {
  return lines.map((line) => line.replace(/^(\d\d) (\d\d:\d\d:\d\d) /, `2026-06-$1 $2 ${idOf(index)} `)).join("\n");
}
