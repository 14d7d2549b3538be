import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromTemplate, type TemplateValues, toTemplate } from "../../src/store/schema/error-templates.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const IP = "\u0001";
const RECIPIENT = "\u0002";
const SENDER = "\u0003";

/** Texts in which the values turn up often, beside and inside one another. */
const value = fc.oneof(
  fc.constantFrom("198.51.100.7", "8.51", "alice@example.org", "alice", "example.org", "", "al", "$&", "$1"),
  fc.string({ maxLength: 6 }),
);
const values: fc.Arbitrary<TemplateValues> = fc.record(
  { ip: value, recipient: value, sender: value },
  { requiredKeys: [] },
);
const pieces = fc.array(fc.oneof(value, fc.constantFrom(" is listed at ", "<", ">", " "), fc.string()), {
  maxLength: 8,
});
const text = pieces.map((parts) => parts.join(""));

describe("a template", () => {
  test("gives its text back, whatever the values", () => {
    fc.assert(
      fc.property(text, values, (original, given) => {
        expect(fromTemplate(toTemplate(original, given), given)).toBe(withPictures(original));
      }),
      { numRuns: 2000 },
    );
  });

  test("is the same for texts that differ in a value only", () => {
    const template = (ip: string): string => toTemplate(`${ip} is listed at zen.example: ask ${ip}`, { ip });
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), (one, other) => {
        fc.pre(one.length >= 3 && other.length >= 3);
        expect(template(one)).toBe(template(other));
      }),
    );
    expect(template("198.51.100.7")).toBe(`${IP} is listed at zen.example: ask ${IP}`);
  });

  test("has no value of three characters or more left in it", () => {
    fc.assert(
      fc.property(text, value, (original, recipient) => {
        fc.pre(recipient.length >= 3 && withPictures(recipient) === recipient);
        expect(toTemplate(original, { recipient })).not.toContain(recipient);
      }),
      { numRuns: 1000 },
    );
  });

  test("is the text itself when no value is in it", () => {
    expect(toTemplate("Connection refused", { ip: "198.51.100.7", recipient: "a@b.example" })).toBe(
      "Connection refused",
    );
    expect(toTemplate("Connection refused", {})).toBe("Connection refused");
  });

  test("keeps values too short to be told from chance", () => {
    expect(toTemplate("550 no: a", { recipient: "a", sender: "", ip: "no" })).toBe("550 no: a");
  });

  test("tells which value stood where", () => {
    const given = { ip: "198.51.100.7", recipient: "a@b.example", sender: "c@d.example" };
    const template = toTemplate("[198.51.100.7] c@d.example may not send to a@b.example", given);
    expect(template).toBe(`[${IP}] ${SENDER} may not send to ${RECIPIENT}`);
  });

  test("takes a value that is both recipient and sender for the recipient", () => {
    const both = { recipient: "a@b.example", sender: "a@b.example" };
    expect(toTemplate("a@b.example", both)).toBe(RECIPIENT);
  });

  test("takes the longer of two values for what it is when one is in the other", () => {
    const given = { recipient: "a@b.example", ip: "b.example" };
    expect(toTemplate("a@b.example", given)).toBe(RECIPIENT);
    expect(fromTemplate(RECIPIENT, given)).toBe("a@b.example");
  });

  test("shows a placeholder that a stranger wrote as its picture, and never as a value", () => {
    const given = { ip: "198.51.100.7", recipient: "a@b.example", sender: "c@d.example" };
    expect(fromTemplate(toTemplate(`${IP}${RECIPIENT}${SENDER}`, given), given)).toBe("␁␂␃");
  });

  test("treats values as text, not as a pattern", () => {
    expect(toTemplate("a.c abc", { recipient: "a.c" })).toBe(`${RECIPIENT} abc`);
    expect(fromTemplate(`${RECIPIENT}!`, { recipient: "$&$1$`" })).toBe("$&$1$`!");
  });
});

describe("the views", () => {
  test("put the values back as the program does", () => {
    const database = new Database(":memory:");
    const replace = database
      .prepare(
        "SELECT replace(replace(replace(?, char(1), coalesce(?, '')), char(2), coalesce(?, '')), char(3), coalesce(?, ''))",
      )
      .pluck();
    fc.assert(
      fc.property(text, values, (original, given) => {
        const template = toTemplate(original, given).replaceAll("\0", "");
        const { ip = null, recipient = null, sender = null } = given;
        fc.pre(![ip, recipient, sender].some((one) => one?.includes("\0") || one !== toWellFormed(one)));
        fc.pre(template === toWellFormed(template));
        expect(replace.get(template, ip, recipient, sender)).toBe(fromTemplate(template, given));
      }),
    );
    database.close();
  });

  test("show no placeholder of any error or reason in the corpus", async () => {
    const path = join(temporaryFolder(), "corpus.db");
    for (const { name, profile, logs, truth } of corpusProfiles()) {
      if (!name.includes("trimmed")) continue;
      await ingestInto(path, Object.values(logs), { server: profile, timeZone: truth.timezone });
    }
    const columns = [
      ["recipients", "last_error"],
      ["delivery_attempts", "error_message"],
      ["rejections", "reason"],
      ["log_entries", "error_text"],
    ] as const;
    const placeholder = "'*[' || char(1) || '-' || char(3) || ']*'";
    expect(queryAll(path, `SELECT text FROM strings WHERE text GLOB ${placeholder}`).length).toBeGreaterThan(5);
    for (const [view, column] of columns) {
      expect(queryAll(path, `SELECT ${column} FROM ${view} WHERE ${column} GLOB ${placeholder}`), view).toEqual([]);
    }
  });
});

/** Text with the placeholders that it becomes. */
function withPictures(original: string): string {
  return original.replaceAll(IP, "␁").replaceAll(RECIPIENT, "␂").replaceAll(SENDER, "␃");
}

/** SQLite keeps text as UTF-8, which has no halves of a pair. */
function toWellFormed<Text extends string | null>(original: Text): Text | string {
  return original === null ? original : Buffer.from(original).toString();
}
