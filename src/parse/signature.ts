import type { Signature } from "./events.ts";
import { findLastGroup, MOST_FIELDS } from "./fields.ts";

/**
 * Reads what came of the signatures of a message.
 *
 *     DKIM: d=sender1.example s=lab1 c=relaxed/relaxed a=rsa-sha256 b=2048 i=@sender1.example [verification succeeded]
 *     ^
 *     DKIM: d=sender1.example s=nosuch [failed key import]
 *     DKIM: validation error: Public key signature verification has failed.
 *     DKIM: signing failed: LONG_LINE
 * Source: exim-log-grammar §13.
 */
export function parseDkim(text: string): Signature | undefined {
  if (!text.startsWith("DKIM: ")) return undefined;
  if (text.startsWith("d=", 6)) return parseDkimResult(text);
  const isError = DKIM_ERRORS.some((start) => text.startsWith(start, 6));
  return isError ? buildSignature("dkim", "error", text.slice(6)) : undefined;
}

const DKIM_ERRORS = ["validation error: ", "Error during validation", "Error while ", "signing failed", "error"];

function parseDkimResult(text: string): Signature | undefined {
  const bracket = findLastGroup(text, " [", "]");
  if (bracket === -1) return undefined;
  const status = text.slice(bracket + " [".length, -1);
  const dash = status.indexOf(" - ");
  const fields = parseTags(text.slice("DKIM: ".length, bracket));
  return {
    kind: "signature",
    mechanism: "dkim",
    result: resultOf(status),
    domain: fields.find(([tag]) => tag === "d")?.[1],
    selector: fields.find(([tag]) => tag === "s")?.[1],
    reason: dash === -1 ? status : status.slice(dash + 3),
    details: fields.filter(([tag]) => tag !== "d" && tag !== "s").flat(),
  };
}

const TAG = /(?:^| )(\w+)=/;

/** Tags and their values: `d=a.example i="fred smith"@a.example`. A value may hold blanks and continues to the next tag. */
function parseTags(text: string): (readonly [tag: string, value: string])[] {
  const parts = text.split(TAG, 1 + 2 * MOST_FIELDS);
  const tags: (readonly [string, string])[] = [];
  for (let at = 1; at < parts.length; at += 2) tags.push([parts[at] ?? "", (parts[at + 1] ?? "").trim()]);
  return tags;
}

const RESULTS: readonly (readonly [string, Signature["result"]])[] = [
  ["verification succeeded", "pass"],
  ["pass", "pass"],
  ["verification failed", "fail"],
  ["fail", "fail"],
  ["invalid", "invalid"],
  ["not verified", "none"],
  ["none", "none"],
];

/** NOTE: `failed key import` is no failed verification: the key could not be used. */
function resultOf(status: string): Signature["result"] {
  if (status.startsWith("failed ")) return "invalid";
  return RESULTS.find(([start]) => status.startsWith(start))?.[1] ?? "error";
}

/**
 * Reads a problem of ARC, SPF or DMARC, or what DMARC made of a message.
 *
 *     ARC: bad message body-hash
 *     ^
 *     DMARC failure creating policy context: ip=203.0.113.7
 *     DMARC results: spf_domain=partner.example dmarc_domain=partner.example spf_align=yes dkim_align=no enforcement='Accept'
 * Source: exim-log-grammar §13.
 */
export function parsePolicyProblem(text: string): Signature | undefined {
  if (text.startsWith(DMARC_RESULTS)) return parseDmarcResults(text);
  for (const [start, mechanism] of POLICY_PROBLEMS) {
    if (text.startsWith(start)) return buildSignature(mechanism, "error", text.slice(start.length).trimStart());
  }
  return undefined;
}

const POLICY_PROBLEMS: readonly (readonly [string, Signature["mechanism"]])[] = [
  ["ARC: ", "arc"],
  ["SPF: ", "spf"],
  ["spf: ", "spf"],
  ["DMARC: ", "dmarc"],
  ["dmarc: ", "dmarc"],
  ["DMARC failure", "dmarc"],
];

const DMARC_RESULTS = "DMARC results: ";

/** NOTE: one of the two that agrees with the domain of From: is enough for DMARC to pass. */
function parseDmarcResults(text: string): Signature {
  const fields = parseTags(text.slice(DMARC_RESULTS.length));
  const find = (tag: string): string | undefined => fields.find(([name]) => name === tag)?.[1];
  const isAligned = find("spf_align") === "yes" || find("dkim_align") === "yes";
  return {
    kind: "signature",
    mechanism: "dmarc",
    result: isAligned ? "pass" : "fail",
    domain: find("dmarc_domain"),
    selector: undefined,
    reason: find("enforcement")?.replace(/^'(.*)'$/, "$1"),
    details: fields.filter(([tag]) => tag !== "dmarc_domain" && tag !== "enforcement").flat(),
  };
}

function buildSignature(mechanism: Signature["mechanism"], result: Signature["result"], reason: string): Signature {
  return { kind: "signature", mechanism, result, domain: undefined, selector: undefined, reason, details: [] };
}
