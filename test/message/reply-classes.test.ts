import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { categoriseFailure, operatorOf } from "../../src/message/failure-category.ts";
import {
  CODE_RULES,
  LAST_RULES,
  LOCAL_RULES,
  OPERATOR_RULES,
  OPERATOR_SIGNS,
  OPERATORS,
  WORD_RULES,
} from "../../src/message/reply-rules.ts";
import { findSmtpReply } from "../../src/parse/smtp-reply.ts";

interface Labelled {
  readonly category: string;
  readonly host: string | null;
  readonly command: string;
  readonly reply: string;
}

const COMMANDS: Readonly<Record<string, string>> = {
  RCPT: "RCPT TO:<x@y.example>",
  MAIL: "MAIL FROM:<a@b.example> SIZE=100",
  DATA: "end of data",
  connection: "initial connection",
};

const LABELLED: readonly Labelled[] = readFileSync("fixtures/replies/classes.txt", "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [category = "", host = "", command = "", ...reply] = line.split("|");
    return { category, host: host === "-" ? null : host, command, reply: reply.join("|").replaceAll("\\n", "\n") };
  });

function categorise({ command, reply, host }: Labelled, older = ""): string {
  const error = `SMTP error from remote mail server after ${COMMANDS[command]}: ${older}${reply}`;
  const found = findSmtpReply(error);
  return categoriseFailure({
    enhancedCode: found?.enhancedCode ?? null,
    smtpCode: found?.code ?? null,
    isTimeout: found?.isTimeout ?? false,
    error,
    host,
  });
}

const HOST_NAME = /(?<![@\w/.-])(?:[a-z\d](?:[\w-]*[a-z\d])?\.)+[a-z][a-z\d-]*[a-z](?![\w@])/gi;

describe("a reply has the class that its label says", () => {
  test.each(LABELLED)("$reply is $category", (labelled) => {
    expect(categorise(labelled)).toBe(labelled.category);
  });

  test.each(LABELLED)("in the older dialect too: $reply", (labelled) => {
    for (const name of ["mx.y.example", "quota.spam.example", "greylist.dns.example"]) {
      expect(categorise(labelled, `host ${name} [192.0.2.3]: `)).toBe(labelled.category);
    }
  });

  test.each(LABELLED)("whatever the host names in it: $reply", (labelled) => {
    for (const name of ["a.example", "spam.rbl.example", "full.mailbox.example"]) {
      const reply = labelled.reply.replace(/^(\d{3}[ -])(.*)/s, (_, code: string, text: string) => {
        const isName = (found: string): boolean => !/^(?:RESOLVER|STOREDRV|ROUTING)\./.test(found);
        return code + text.replace(HOST_NAME, (found) => (isName(found) ? name : found));
      });
      expect(categorise({ ...labelled, reply })).toBe(labelled.category);
    }
  });
});

test("each rule names its source", () => {
  const rules = [...OPERATOR_RULES, ...CODE_RULES, ...WORD_RULES, ...LAST_RULES, ...LOCAL_RULES];
  expect(rules.filter(({ source }) => source.length < 8)).toEqual([]);
});

test("each operator has a labelled reply", () => {
  const operators = new Set(LABELLED.map(({ host, reply }) => operatorOf(host, reply)));
  expect(Object.keys(OPERATORS).filter((operator) => !operators.has(operator as keyof typeof OPERATORS))).toEqual([]);
});

const NAMES = [
  ...OPERATOR_SIGNS.flatMap(({ hosts }) => hosts.map((host) => `mx1.${host}`)),
  "mx.spam.example",
  "quota.example.org",
  "relay.policy.example",
  "blacklist.rbl.example",
  "dns.example",
  "greylist.auth.example",
];

test.each(NAMES)("no rule of a class hears the host name %s", (name) => {
  const nothing = categorise({ category: "", host: null, command: "RCPT", reply: "550 a.example" });
  expect(categorise({ category: "", host: null, command: "RCPT", reply: `550 ${name}` })).toBe(nothing);
  expect(categorise({ category: "", host: name, command: "RCPT", reply: "550 no" })).toBe("other");
});

/** Texts of strerror on different systems, by class. */
const ERRNO: readonly (readonly [category: string, texts: readonly string[]])[] = [
  ["timeout", ["Connection timed out", "Operation timed out"]],
  [
    "connection",
    [
      "Connection refused",
      "Connection reset by peer",
      "Connection aborted",
      "Software caused connection abort",
      "No route to host",
      "Host is unreachable",
      "Network is unreachable",
      "Network unreachable",
      "Network is down",
      "Host is down",
      "Network dropped connection on reset",
      "Network dropped connection because of reset",
      "Broken pipe",
      "Socket is not connected",
      "Socket not connected",
      "Transport endpoint is not connected",
      "Cannot send after transport endpoint shutdown",
      "Can't send after socket shutdown",
      "Cannot send after socket shutdown",
    ],
  ],
  ["mailbox_full", ["Disk quota exceeded", "Disc quota exceeded", "Quota exceeded"]],
  [
    "local",
    [
      "No space left on device",
      "Not enough space",
      "Cannot allocate memory",
      "Out of memory",
      "Permission denied",
      "Operation not permitted",
      "Not owner",
      "Too many open files",
      "Too many open files in system",
      "No file descriptors available",
      "Read-only file system",
      "Input/output error",
      "I/O error",
      "Device not configured",
      "No such device or address",
      "Resource temporarily unavailable",
      "Resource deadlock avoided",
      "Deadlock situation detected/avoided",
      "No locks available",
      "No record locks available",
      "Stale NFS file handle",
      "Stale file handle",
      "Bad file number",
      "Bad file descriptor",
      "Cannot assign requested address",
      "Can't assign requested address",
      "Address not available",
      "Address already in use",
      "Address in use",
      "Interrupted system call",
      "No buffer space available",
      "Arg list too long",
    ],
  ],
];

describe("an errno means the same from every system", () => {
  test.each(ERRNO.flatMap(([category, texts]) => texts.map((text) => [text, category] as const)))(
    "%s is %s",
    (text, category) => {
      expect(LOCAL_RULES.find(({ words }) => words?.test(text))?.category).toBe(category);
      expect(categoriseFailure({ enhancedCode: null, smtpCode: null, isTimeout: false, error: text })).toBe(category);
    },
  );
});
