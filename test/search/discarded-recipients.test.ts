import { expect, test } from "vitest";
import { asking } from "../support/ask.ts";

const LOG = `2026-03-02 13:07:03 H=mx.a.example (helo) [203.0.113.7]:4321 F=<s@a.example> RCPT <gone@b.example>: discarded by RCPT ACL: unwanted
2026-03-02 13:07:03 1vx2zI-00064d-0m <= s@a.example H=mx.a.example (helo) [203.0.113.7]:4321 P=esmtp S=464
`;

test.each([
  ["--ip", "203.0.113.7", 2],
  ["--recipient", "gone@b.example", 1],
  ["--sender", "s@a.example", 2],
  ["--host", "mx.a.example", 2],
])("a recipient that an ACL dropped before there was a message is found by %s", async (flag, value, count) => {
  const ask = await asking(LOG);
  const { results } = JSON.parse(await ask("search", flag, value, "--json"));
  expect(results).toHaveLength(count);
  expect(results).toContainEqual(expect.objectContaining({ kind: "event", event: "discard", sender: "s@a.example" }));
});

const DELIVERED = `2026-03-02 13:07:04 1vx2zI-00064d-0m => b@b.example R=r T=t H=x [203.0.113.9] C="250 OK"
2026-03-02 13:07:04 1vx2zI-00064d-0m Completed
`;

test("the fate of a dropped recipient stands with the message of the same connection", async () => {
  const ask = await asking(LOG + DELIVERED);
  expect(await ask("trace", "1vx2zI-00064d-0m")).toContain(
    "Delivered to 1 of 2 recipients; discarded on purpose for gone@b.example.",
  );
});

test.each([
  ["another port", LOG.replace(":4321 F=", ":4322 F=")],
  ["another sender", LOG.replace("F=<s@a", "F=<t@a")],
  ["another client", LOG.replace("[203.0.113.7]:4321 F=", "[203.0.113.8]:4321 F=")],
  ["hours before", LOG.replace("13:07:03 H=", "09:07:03 H=")],
  [
    "an earlier message of the connection",
    LOG.replace(
      "\n",
      "\n2026-03-02 13:07:03 1vx2zH-00064d-0m <= s@a.example H=mx.a.example (helo) [203.0.113.7]:4321 P=esmtp S=464\n",
    ).replace("13:07:03 1vx2zI", "13:07:05 1vx2zI"),
  ],
])("a dropped recipient is not with the message where it is of %s", async (_what, log) => {
  const ask = await asking(log + DELIVERED.replaceAll("13:07:04", "13:07:06"));
  expect(await ask("trace", "1vx2zI-00064d-0m")).not.toContain("gone@b.example");
});

/** Lines of one client in one second, in which each of three transactions has its own. */
function transactions(stamps: (pid: number) => string): string {
  const client = "H=mx.a.example (helo) [203.0.113.7]";
  const drop = (pid: number, name: string): string =>
    `${stamps(pid)}${client} F=<s@a.example> RCPT <${name}@b.example>: discarded by RCPT ACL: unwanted`;
  const arrival = (pid: number, id: string): string => `${stamps(pid)}${id} <= s@a.example ${client} P=esmtp S=464`;
  return [
    arrival(1, "1vx2zI-00001d-0m"),
    drop(2, "second"),
    arrival(2, "1vx2zI-00002d-0m"),
    drop(3, "third"),
    arrival(3, "1vx2zI-00003d-0m"),
    "",
  ].join("\n");
}

test.each([
  ["the order of the lines", () => "2026-03-02 13:07:03 "],
  ["the process", (pid: number) => `2026-03-02 13:07:03 [${pid}] `],
])(
  "each of several messages of a client in one second has the recipients of its transaction, by %s",
  async (_what, stamps) => {
    const ask = await asking(transactions(stamps));
    expect(await ask("trace", "1vx2zI-00001d-0m")).not.toContain("discarded");
    expect(await ask("trace", "1vx2zI-00002d-0m")).toMatch(
      /^(?!.*third)1vx2zI-00002d-0m received on \S+ Received, with no try in the log \(the last line about it is of 2026-03-02 13:07:03\); discarded on purpose for second@b\.example\./,
    );
    expect(await ask("trace", "1vx2zI-00003d-0m")).toMatch(
      /^(?!.*second@).*discarded on purpose for third@b\.example\./,
    );
  },
);

test("a process may take longer than others that began after it", async () => {
  const drop = "H=mx.a.example [203.0.113.7] F=<s@a.example> RCPT <gone@b.example>: discarded by RCPT ACL: unwanted";
  const ask = await asking(
    [
      `2026-03-02 13:07:03 [1] ${drop}`,
      "2026-03-02 13:07:03 [2] 1vx2zI-00002d-0m <= s@a.example H=mx.a.example [203.0.113.7] P=esmtp S=464",
      "2026-03-02 13:07:09 [1] 1vx2zO-00001d-0m <= s@a.example H=mx.a.example [203.0.113.7] P=esmtp S=464",
      "",
    ].join("\n"),
  );
  expect(await ask("trace", "1vx2zI-00002d-0m")).not.toContain("gone@b.example");
  expect(await ask("trace", "1vx2zO-00001d-0m")).toContain("discarded on purpose for gone@b.example.");
});
