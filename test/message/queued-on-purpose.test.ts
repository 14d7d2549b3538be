import { expect, test } from "vitest";
import { recipientEvent } from "../../src/message/state.ts";
import { parseDeferral } from "../../src/parse/address-line.ts";
import type { Moment } from "../../src/units.ts";

test.each([
  ["defer (-1): domain matches queue_smtp_domains, or -odqs set", false],
  ["defer (0): SMTP delivery explicitly queued", false],
  ["defer (-1): first-pass only routing due to -odqs, queue_smtp_domains or control=queue", false],
  ["defer (-23): domain is held", false],
  ["routing defer (-56): domain is in queue_domains", false],
  ["defer (-57): concurrency limit reached for transport", false],
  ["defer (111): Connection refused", true],
])("an address left on the queue on purpose is no attempt: %s", (said, isAttempt) => {
  const deferral = parseDeferral(`== a@example.org R=dnslookup T=remote_smtp ${said}`, 2);
  expect(recipientEvent(deferral, 0 as Moment)?.isAttempt).toBe(isAttempt);
});
