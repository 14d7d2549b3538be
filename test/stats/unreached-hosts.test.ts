import { describe, expect, test } from "vitest";
import { asking } from "../support/ask.ts";

const ARRIVAL = "2024-01-02 11:00:00 1rKc5E-000abc-01 <= a@example.net U=a P=local S=100 for x@example.org\n";

function unreached(hour: number, error: string): string {
  return `2024-01-02 ${hour}:02:07 1rKc5E-000abc-01 H=mx.example.org [192.0.2.3] ${error}
2024-01-02 ${hour}:02:07 1rKc5E-000abc-01 == x@example.org R=dnslookup T=remote_smtp defer (110): ${error}
`;
}

const FIVE = [
  unreached(11, "Connection timed out"),
  unreached(12, "Connection timed out"),
  unreached(13, "Connection refused"),
  unreached(14, "Connection refused"),
  unreached(15, "Connection refused"),
].join("");

interface Figures {
  readonly deferred: number;
  readonly timeouts: number;
  readonly attempts: number;
}

async function figures(log: string): Promise<Figures> {
  const ask = await asking(ARRIVAL + log);
  const { sections } = JSON.parse(await ask("stats", "providers", "slow", "totals", "--json"));
  return {
    deferred: sections.providers.providers[0]?.deferred ?? 0,
    timeouts: sections.slow.hosts[0]?.timeouts ?? 0,
    attempts: sections.totals.attempts.total,
  };
}

describe("a host that could not be reached", () => {
  test("counts in providers, slow and rankings, and is a problem", async () => {
    expect(await figures(FIVE)).toEqual({ deferred: 5, timeouts: 2, attempts: 5 });
    const ask = await asking(ARRIVAL + FIVE);
    expect(await ask("stats", "problems")).toContain("1 provider accepted no mail (100.0 %): example.org.");
    for (const [axis, key] of [
      ["mx", "mx.example.org"],
      ["provider", "example.org"],
      ["mx-ip", "192.0.2.3"],
    ] as const) {
      const { sections } = JSON.parse(await ask("stats", "top", "--by", axis, "--rank", "deferrals", "--json"));
      expect(sections.top[0].rows).toMatchObject([{ key, deferrals: 5 }]);
      const counted = JSON.parse(await ask("stats", "top", "--by", axis, "--json")).sections;
      expect(counted.top[0].rows).toEqual([]);
    }
  });

  test("is one attempt where the line of the recipient names it too", async () => {
    const both = `2024-01-02 11:02:07 1rKc5E-000abc-01 H=mx.example.org [192.0.2.3]: SMTP error from remote mail server after initial connection: 421 busy
2024-01-02 11:02:08 1rKc5E-000abc-01 == x@example.org R=r T=t defer (-45) H=mx.example.org [192.0.2.3]: SMTP error from remote mail server after initial connection: 421 busy
`;
    expect(await figures(both)).toEqual({ deferred: 1, timeouts: 0, attempts: 1 });
  });

  test("is none where it took the message all the same", async () => {
    const tls = `2024-01-02 11:02:07 1rKc5E-000abc-01 H=mx.example.org [192.0.2.3] TLS error on connection (recv): The TLS connection was non-properly terminated.
2024-01-02 11:02:07 1rKc5E-000abc-01 => x@example.org R=r T=t H=mx.example.org [192.0.2.3] C="250 OK"
`;
    expect(await figures(tls)).toEqual({ deferred: 0, timeouts: 0, attempts: 1 });
  });

  test("is one of its own before another host is tried, or before it is reached later", async () => {
    const another = `2024-01-02 11:02:07 1rKc5E-000abc-01 H=mx1.example.org [192.0.2.3] Connection refused
2024-01-02 11:02:08 1rKc5E-000abc-01 == x@example.org R=r T=t defer (-45) H=mx2.example.org [192.0.2.4]: SMTP error from remote mail server after initial connection: 421 busy
`;
    expect(await figures(another)).toEqual({ deferred: 2, timeouts: 0, attempts: 1 });
    const later = `${unreached(11, "Connection refused")}2024-01-02 12:02:07 1rKc5E-000abc-01 == x@example.org R=r T=t defer (-45) H=mx.example.org [192.0.2.3]: SMTP error from remote mail server after initial connection: 421 busy
`;
    expect(await figures(later)).toEqual({ deferred: 2, timeouts: 0, attempts: 2 });
  });

  test("counts in the time that is asked for, and with filters of messages", async () => {
    const ask = await asking(ARRIVAL + FIVE);
    const deferred = async (...flags: string[]): Promise<number> =>
      JSON.parse(await ask("stats", "providers", "--json", ...flags)).sections.providers.providers[0]?.deferred ?? 0;
    expect(await deferred("--since", "2024-01-02 13:00")).toBe(3);
    expect(await deferred("--sender", "a@example.net")).toBe(5);
    expect(await deferred("--sender", "b@example.net")).toBe(0);
  });
});
