import type { Signature } from "./events.ts";

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

const RESULT = / \[([^\]]*)\]$/;

function parseDkimResult(text: string): Signature | undefined {
  const match = RESULT.exec(text);
  if (match === null) return undefined;
  const [, status = ""] = match;
  const dash = status.indexOf(" - ");
  const details: string[] = [];
  let domain: string | undefined;
  let selector: string | undefined;
  for (const field of text.slice(6, match.index).split(" ")) {
    const equals = field.indexOf("=");
    if (equals === -1) details.push(field, "");
    else if (field.startsWith("d=")) domain = field.slice(2);
    else if (field.startsWith("s=")) selector = field.slice(2);
    else details.push(field.slice(0, equals), field.slice(equals + 1));
  }
  const reason = dash === -1 ? undefined : status.slice(dash + 3);
  return {
    kind: "signature",
    mechanism: "dkim",
    result: resultOf(status),
    domain,
    selector,
    reason: reason ?? status,
    details,
  };
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
 * Reads a problem of ARC, SPF or DMARC.
 *
 *     ARC: bad message body-hash
 *     ^
 *     DMARC failure creating policy context: ip=203.0.113.7
 * Source: exim-log-grammar §13.
 */
export function parsePolicyProblem(text: string): Signature | undefined {
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

function buildSignature(mechanism: Signature["mechanism"], result: Signature["result"], reason: string): Signature {
  return { kind: "signature", mechanism, result, domain: undefined, selector: undefined, reason, details: [] };
}
