import { describe, expect, test } from "vitest";
import { type CriterionPattern, passes, readCriterion } from "../../src/spool/criteria.ts";

const VALUES: Readonly<Record<string, string>> = {
  message_age: "7200",
  message_size: "2048",
  sender_address: "app@Shop.example",
  deliver_freeze: "",
  recipients: "a@x.example, b@y.example",
};
const matches = ({ source, flags }: CriterionPattern, text: string): boolean => new RegExp(source, flags).test(text);

function isTrue(text: string, { isOr = false, isCaseful = false } = {}): boolean {
  const reading = readCriterion(text, { isCaseful });
  if (reading.kind === "wrong") throw new Error(reading.reason);
  return passes(reading.criterion, (name) => VALUES[name] ?? "", isOr, matches);
}

test.each([
  ["$message_age > 1h", true],
  ["$message_age > 2h", false],
  ["$message_age>=2h", true],
  ["message_age < 120m", false],
  ["$message_age == 7200", true],
  ["$message_size <= 2K", true],
  ["$message_size > 1M", false],
  ["!$message_size > 1M", true],
  ["$sender_address eq app@Shop.example", true],
  ["$sender_address eq 'app@shop.example'", false],
  ["$sender_address ne ''", true],
  ["$sender_address eq", false],
  ["$sender_address =~ /@shop/", false],
  ["$sender_address =~ /@shop/i", true],
  ["$sender_address =~ m|@Shop|", true],
  ["$sender_address !~ /@shop/", true],
  ["$sender_address = @shop", true],
  ["$Sender_Address = @shop", true],
  ["$deliver_freeze", false],
  ["!$deliver_freeze", true],
  ["$each_recipients =~ /example$/", true],
  ["$each_recipients =~ /^a@/", false],
  ["$unset == 0", true],
])("the criterion %s is read", (text, expected) => {
  expect(isTrue(text)).toBe(expected);
});

test("with --or one address of a list is enough", () => {
  expect(isTrue("$each_recipients =~ /^a@/", { isOr: true })).toBe(true);
});

test("the operator = tells upper and lower case apart when asked to", () => {
  expect(isTrue("$sender_address = @shop", { isCaseful: true })).toBe(false);
});

describe("what is no criterion is told in a sentence", () => {
  test.each([
    ["", '"" is not a criterion.'],
    ["> 6h", '"> 6h" is not a criterion.'],
    ["$message_age > soon", '"$message_age > soon" compares with something that is not a number.'],
    ["$message_age > 6 h", '"$message_age > 6 h" compares with something that is not a number.'],
    ["$message_age about 6h", '"$message_age about 6h" has no known operator.'],
    ["$sender_address =~ /(/", /regular expression that cannot be read/],
    ["$sender_address =~ /a/x", /has the flag x/],
  ])("%s", (text, reason) => {
    const reading = readCriterion(text);
    expect(reading).toEqual({
      kind: "wrong",
      reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
    });
  });
});
