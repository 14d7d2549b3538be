import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSpoolHeader, type SpoolHeader } from "../../src/spool/spool-header.ts";
import { readSpoolMessage } from "../../src/spool/spool-message.ts";
import { trimmedSpool } from "../queue/snapshots.ts";

const ID = "1vx1hi-0005yl-09";

/** The lines of a sound file; `variables` and `recipients` take the place of none and one. */
function fileOf({
  variables = [],
  tree = ["XX"],
  recipients = ["bob@example.org"],
  headers = ["008  X: abc\n\n", "017* X-Lab-Id: L00229\n"],
}: {
  variables?: readonly string[];
  tree?: readonly string[];
  recipients?: readonly string[];
  headers?: readonly string[];
} = {}): string {
  const lines = [`${ID}-H`, "Debian-exim 102 105", "<x@sender1.example>", "1772451890 2", ...variables, ...tree];
  return `${[...lines, recipients.length, ...recipients, ""].join("\n")}\n${headers.join("")}`;
}

function read(text: string | Buffer): SpoolHeader {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  const reading = readSpoolHeader(`${ID}-H`, bytes, { withHeaders: true });
  if (reading.kind === "damaged") throw new Error(reading.reason);
  return reading.header;
}

test("a spool header gives the envelope, and counts headers that are sent", () => {
  const header = read(fileOf());
  expect(header).toMatchObject({
    id: ID,
    login: "Debian-exim",
    uid: 102,
    gid: 105,
    sender: "x@sender1.example",
    receivedTime: 1_772_451_890,
    warnings: 2,
    frozenTime: undefined,
    headerBytes: 8,
    headerDamage: undefined,
  });
  expect(header.headers.map(({ kind, bytes }) => [kind, bytes.toString()])).toEqual([
    [" ", "X: abc\n\n"],
    ["*", "X-Lab-Id: L00229\n"],
  ]);
});

test("a spool header may have negative numbers and blanks in a login", () => {
  const text = fileOf().replace("Debian-exim 102 105", "some body -2 -1");
  expect(read(text)).toMatchObject({ login: "some body", uid: -2, gid: -1 });
});

test("a spool header has variables: tainted, quoted, and those of ACLs over several lines", () => {
  const variables = [
    "-frozen 1772451891",
    "--helo_name app1.partner.example",
    "--(mysql)auth_id o'brien",
    "-local",
    "-aclc 0 5",
    "a\nb\nc",
    "--aclm _long_name 0",
    "",
    "-acl 12 2",
    "xy",
  ];
  const { variables: read_, frozenTime } = read(fileOf({ variables }));
  expect(Object.fromEntries(read_)).toEqual({
    frozen: "1772451891",
    helo_name: "app1.partner.example",
    auth_id: "o'brien",
    local: "",
    acl_c0: "a\nb\nc",
    acl_m_long_name: "",
    acl_m2: "xy",
  });
  expect(frozenTime).toBe(1_772_451_891);
});

test("a spool header has the tree of the recipients that were delivered", () => {
  const tree = ["YY m@x.example", "NY c@x.example", "NN d@x.example", "NN z@x.example"];
  expect(read(fileOf({ tree })).nonRecipients).toEqual(["m@x.example", "c@x.example", "d@x.example", "z@x.example"]);
});

describe("a recipient", () => {
  test.each([
    ["bob@example.org", "bob@example.org", -1],
    ['"a b"@example.org', '"a b"@example.org', -1],
    ["bob@example.org 0,2,0", "bob@example.org", 2],
    ["bob@example.org 3", "bob@example.org", 3],
    ["bob@example.org  0,1#1", "bob@example.org", 1],
    ["bob@example.org own@x.example 13,1#1", "bob@example.org", 1],
    ["bob@example.org  0,0  0,-1#3", "bob@example.org", -1],
    ["bob@example.org rfc822;b@x.example 18,8 own@x.example 13,2#3", "bob@example.org", 2],
    ['"a #1"@example.org rfc822;b@x.example 18,8  0,-1#3', '"a #1"@example.org', -1],
    ["b\xc3\xbc@example.org \xc3\xbc@x.example 12,1#1", "bü@example.org", 1],
  ])("is read from %s", (line, address, parent) => {
    expect(read(fileOf({ recipients: [line] })).recipients).toEqual([{ address, parent }]);
  });

  test.each(["bob@example.org#1", "bob@example.org own 99,1#1", "bob@example.org 1,2#1", " 0,0#1"])(
    "is damage in the form %s",
    (line) => {
      expect(() => read(fileOf({ recipients: [line] }))).toThrow(/recipient/);
    },
  );
});

describe("damage is told, never thrown", () => {
  const reasonOf = (text: string): string => {
    const reading = readSpoolHeader(`${ID}-H`, Buffer.from(text, "latin1"), { withHeaders: false });
    return reading.kind === "damaged" ? reading.reason : (reading.header.headerDamage ?? "sound");
  };

  test.each([
    ["", "It is empty."],
    [fileOf().replace(ID, "1vx1hi-0005yl-0A"), `Its first line is not "${ID}-H".`],
    [fileOf().replace("Debian-exim 102 105", "Debian-exim"), "Its second line does not name a user with two numbers."],
    [fileOf().replace("<x@sender1.example>", "x@sender1.example"), "Its third line is not a sender between < and >."],
    [fileOf().replace("1772451890 2", "1772451890"), "Its fourth line is not a time and a number of warnings."],
    [fileOf({ variables: ["-frozen soon"] }), 'It has an invalid time of freezing: "soon".'],
    [fileOf({ variables: ["-aclc x y"] }), 'The line of an ACL variable is not a name and a length: "x y".'],
    [fileOf({ variables: ["-aclc x 9999"] }), "It ends within an ACL variable."],
    [fileOf({ tree: ["QX"] }), "The addresses it was delivered to are no tree."],
    [fileOf({ tree: ["YN a@x.example"] }), "The addresses it was delivered to are no tree."],
    [fileOf().replace("\n1\n", "\n99999\n"), "The number of recipients is none, or too large."],
    [fileOf().replace("\n1\n", "\n3\n"), "It names 1 of its 3 recipients."],
    [fileOf().replace("bob@", "b\0b@"), "A NUL is in the recipients."],
    [fileOf({ headers: ["abc"] }), "A header has no length in front."],
    [fileOf({ headers: ["900  X: y\n"] }), "It ends within a header."],
    [fileOf({ headers: ["006  X: \0y\n"] }), "A header holds a NUL."],
    [fileOf({ headers: ["0"] }), "A header has no kind in front."],
  ])("in the %#th text: %s", (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  test("in a file with 100,001 headers", () => {
    expect(reasonOf(fileOf({ headers: Array.from({ length: 100_001 }, () => "002  X\n") }))).toMatch(
      /more than 100000/,
    );
  });

  test("in a real file that is cut at any byte: damage, or a part that is sound", () => {
    const { directory } = trimmedSpool("default");
    for (const name of readdirSync(join(directory, "input")).filter((file) => file.endsWith("-H"))) {
      const bytes = readFileSync(join(directory, "input", name));
      const whole = readSpoolHeader(name, bytes, { withHeaders: false });
      expect(whole).toMatchObject({ kind: "read", header: { headerDamage: undefined } });
      for (let end = 0; end < bytes.length; end++) {
        const reading = readSpoolHeader(name, bytes.subarray(0, end), { withHeaders: false });
        if (reading.kind === "damaged" || whole.kind === "damaged") continue;
        // Only between two headers a cut file looks whole.
        expect(reading.header.recipients).toEqual(whole.header.recipients);
        expect(reading.header.headerDamage !== undefined || reading.header.headerBytes < whole.header.headerBytes).toBe(
          true,
        );
      }
    }
  });

  test("in a file with other bytes here and there", () => {
    const { directory } = trimmedSpool("longid");
    const files = readdirSync(join(directory, "input")).filter((file) => file.endsWith("-H"));
    const all = files.map((name) => ({ name, bytes: readFileSync(join(directory, "input", name)) }));
    const changes = fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...all), changes, ({ name, bytes }, some) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of some) changed[at % changed.length] = value;
        const id = name.slice(0, -2);
        const { message } = readSpoolMessage(
          { id, queueName: "", header: changed, journal: undefined, dataFileBytes: 100 },
          { withHeaders: true },
        );
        expect(message.sender === null).toBe(message.arrivedAt === null);
        if (message.sender === null) expect(message.damageReason).toMatch(/^[A-Z].*\.$/s);
      }),
      { numRuns: 5000 },
    );
  });
});

test("a journal adds those who have it since; its cut last line does not count", () => {
  const tree = ["NN a@x.example"];
  const recipients = ["a@x.example", "b@x.example", "c@x.example"];
  const { message } = readSpoolMessage(
    {
      id: ID,
      queueName: "",
      header: Buffer.from(fileOf({ tree, recipients })),
      journal: Buffer.from("b@x.example\nchild@x.example\nc@x.exam"),
      dataFileBytes: 119,
    },
    { withHeaders: false },
  );
  expect(message.recipients.map(({ isDelivered }) => isDelivered)).toEqual([true, true, false]);
  expect(message.generated).toEqual(["child@x.example"]);
  expect(message.sizeBytes).toBe(8 + 119 - `${ID}-D\n`.length + 1);
});
