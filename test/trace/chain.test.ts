/** Chains: every bounce and every automatic message the corpus tells of hangs on the message it is about. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { buildChain, type Chain, type LinkReason } from "../../src/trace/chain.ts";
import { corpusProfiles, syslogCorpora } from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

/** Reason of a message that Exim generated, by its subject. */
const REASONS: readonly (readonly [form: RegExp, reason: LinkReason])[] = [
  [/^(?:Mail delivery failed|Mail failure)/, "bounce"],
  [/^Warning: message \S+ delayed/, "delay_warning"],
  [/^Message frozen/, "freeze_notice"],
  [/^Delivery Status Notification/, "delivery_report"],
  [/^(?:error\(s\) in forwarding|mailbox nearly full)/, "notice"],
  [/^Re: /, "autoreply"],
];

describe("chains of the corpus", () => {
  test.each([...corpusProfiles(), ...syslogCorpora()].map((profile) => [profile.name, profile] as const))(
    "%s: lead from messages to their bounces and back",
    { timeout: 300_000 },
    async (_name, corpus) => {
      const { truth } = corpus;
      const db = await corpusDatabase(corpus);
      const known = new Set(queryAll<{ id: string }>(db, "SELECT id FROM messages").map(({ id }) => id));
      const expected = new Map<string, LinkReason>();
      for (const { exim_id, seen } of truth.messages) {
        for (const { bounce_exim_id } of seen.bounces)
          if (exim_id) expected.set(`${exim_id} ${bounce_exim_id}`, "bounce");
      }
      for (const { exim_id, about_exim_id, subject } of truth.generated_messages_seen) {
        const original = about_exim_id ?? truth.messages.find((one) => subject === `Re: ${one.subject}`)?.exim_id;
        const reason = REASONS.find(([form]) => form.test(subject))?.[1];
        if (original !== undefined && reason !== undefined) expected.set(`${original} ${exim_id}`, reason);
      }
      const missing: string[] = [];
      let compared = 0;
      await withReader(db, async (reader) => {
        const pairs = [...expected].filter(([pair]) => pair.split(" ").every((id) => known.has(id)));
        // NOTE: the full logs have hundreds of the two frequent kinds; every fifth of these is tried, and all agree.
        const isFrequent = (reason: LinkReason): boolean => ["bounce", "delay_warning"].includes(reason);
        const chosen =
          pairs.length > 50 ? pairs.filter(([, reason], index) => index % 5 === 0 || !isFrequent(reason)) : pairs;
        for (const [pair, reason] of chosen) {
          const [from = "", to = ""] = pair.split(" ");
          compared++;
          for (const id of [from, to]) {
            const chain = await buildChain(reader, { id, server: "mx1" });
            const link = chain.links.find((one) => one.from === `${from} mx1` && one.to === `${to} mx1`);
            if (link?.reason !== reason)
              missing.push(`${from} → ${to}: ${reason}, not ${link?.reason ?? "no link"} (from ${id})`);
          }
        }
      });
      expect(compared).toBeGreaterThan(1);
      expect(missing).toEqual([]);
    },
  );
});

const TWO_SERVERS = {
  mx1: `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 id=one@a.test for bob@b.test
2026-03-30 06:00:05 1vwwZU-0005V4-1s => bob@b.test R=hub T=smtp H=mx2.test [203.0.113.5] C="250 OK id=1vwwZV-000000005V4-1sAb"
2026-03-30 06:00:05 1vwwZU-0005V4-1s Completed
`,
  mx2: `2026-03-30 06:00:05 1vwwZV-000000005V4-1sAb <= ann@a.test H=mx1.test [203.0.113.6] P=esmtp S=600 id=one@a.test for bob@b.test
2026-03-30 06:00:06 1vwwZV-000000005V4-1sAb ** bob@b.test R=local T=mbox: mailbox full
2026-03-30 06:00:06 1vwwZW-000000005V4-1sAb <= <> R=1vwwZV-000000005V4-1sAb U=exim P=local S=1200 for ann@a.test
2026-03-30 06:00:06 1vwwZV-000000005V4-1sAb Completed
2026-03-30 06:00:07 1vwwZW-000000005V4-1sAb => ann@a.test R=out T=smtp H=mx.a.test [203.0.113.7] C="250 2.0.0 Ok: queued as 4F"
2026-03-30 06:00:07 1vwwZW-000000005V4-1sAb Completed
`,
};

describe("a chain", () => {
  const [FIRST, SECOND, BOUNCE] = [
    "1vwwZU-0005V4-1s mx1",
    "1vwwZV-000000005V4-1sAb mx2",
    "1vwwZW-000000005V4-1sAb mx2",
  ];

  test.each([FIRST, SECOND, BOUNCE])("across two servers is the same from %s", async (start) => {
    const chain = await chainOf(TWO_SERVERS, start);
    expect(chain.messages.map(({ key }) => key)).toEqual([FIRST, SECOND, BOUNCE]);
    expect(chain.messages.filter(({ isStart }) => isStart).map(({ key }) => key)).toEqual([start]);
    expect(chain.links.toSorted((one, other) => one.from.localeCompare(other.from))).toEqual([
      { from: FIRST, to: SECOND, reason: "next_hop", certainty: "direct" },
      { from: SECOND, to: BOUNCE, reason: "bounce", certainty: "direct" },
    ]);
    expect(chain).toMatchObject({ isLoop: false, isComplete: true });
  });

  test("of one mail that comes again and again is a loop", async () => {
    const passes = ["1vwwZU", "1vwwZV", "1vwwZW"].map(
      (time, index) =>
        `2026-03-30 06:0${index}:00 ${time}-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 id=one@a.test\n`,
    );
    const chain = await chainOf({ mx1: passes.join("") }, "1vwwZV-0005V4-1s mx1");
    expect(chain.isLoop).toBe(true);
    expect(chain.links.map(({ reason }) => reason)).toEqual(["same_message_id", "same_message_id"]);
  });

  test("to who was sent an automatic reply is marked as likely", async () => {
    const log = `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test
2026-03-30 06:00:01 1vwwZU-0005V4-1s => >ann@a.test <bob@b.test> R=vacation T=address_reply
2026-03-30 06:00:01 1vwwZV-0005V4-1s <= bob@b.test U=bob P=local S=300 for ann@a.test
2026-03-30 06:00:09 1vwwZW-0005V4-1s <= bob@b.test U=bob P=local S=300 for ann@a.test
`;
    const [from, to] = ["1vwwZU-0005V4-1s mx1", "1vwwZV-0005V4-1s mx1"];
    const expected = [{ from, to, reason: "autoreply", certainty: "correlated" }];
    expect((await chainOf({ mx1: log }, from)).links).toEqual(expected);
    expect((await chainOf({ mx1: log }, to)).links).toEqual(expected);
    expect((await chainOf({ mx1: log }, "1vwwZW-0005V4-1s mx1")).links).toEqual([]);
  });

  test("to an automatic reply that names it is certain, and no bounce hides it", async () => {
    const log = `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test gone@b.test
2026-03-30 06:00:01 1vwwZV-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=bob P=local S=300 for ann@a.test
2026-03-30 06:00:02 1vwwZU-0005V4-1s => >ann@a.test <bob@b.test> R=vacation T=address_reply
2026-03-30 06:00:02 1vwwZU-0005V4-1s ** gone@b.test: Unrouteable address
2026-03-30 06:00:02 1vwwZW-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=exim P=local S=900 for ann@a.test
`;
    const [from, reply, bounce] = ["1vwwZU-0005V4-1s mx1", "1vwwZV-0005V4-1s mx1", "1vwwZW-0005V4-1s mx1"];
    expect((await chainOf({ mx1: log }, reply)).links).toEqual([
      { from, to: reply, reason: "autoreply", certainty: "direct" },
      { from, to: bounce, reason: "bounce", certainty: "direct" },
    ]);
  });

  test("tells a delay warning from a bounce by what had happened since the report before", async () => {
    const log = `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test
2026-03-30 06:00:01 1vwwZU-0005V4-1s == bob@b.test R=out T=smtp defer (-44): later
2026-03-30 09:00:01 1vwwZV-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=exim P=local S=300 for ann@a.test
2026-03-31 06:00:01 1vwwZU-0005V4-1s ** bob@b.test: retry timeout exceeded
2026-03-31 06:00:01 1vwwZW-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=exim P=local S=300 for ann@a.test
2026-03-31 06:00:02 1vwwZU-0005V4-1s Completed
`;
    const { links } = await chainOf({ mx1: log }, "1vwwZU-0005V4-1s mx1");
    expect(links.map(({ reason }) => reason)).toEqual(["delay_warning", "bounce"]);
  });
});

async function chainOf(logs: Readonly<Record<string, string>>, start: string): Promise<Chain> {
  const db = join(temporaryFolder(), "pilot.db");
  for (const [server, text] of Object.entries(logs))
    await ingestInto(db, ["-"], { server, logType: "main" }, Readable.from([Buffer.from(text)]));
  const [id = "", server = ""] = start.split(" ");
  return withReader(db, (reader) => buildChain(reader, { id, server }));
}
