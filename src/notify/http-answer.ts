/** Requests over HTTP to addresses of the configuration: encrypted but for this machine, without redirects, with a limit of time and of bytes. */
import { type EpochMs, KIB, SECOND_MS } from "../units.ts";
import { parseRetryAfter } from "./backoff.ts";
import type { Answer } from "./channel.ts";

export interface HttpRequest {
  readonly method: "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: object;
  /** Texts that no error may contain. */
  readonly secrets: readonly string[];
}

export interface HttpReply {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** The beginning of the body, 64 KiB at most. */
  readonly text: string;
  /** All of the body is there. */
  readonly isWhole: boolean;
}

export interface HttpLimits {
  readonly now: () => EpochMs;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10 * SECOND_MS;
const MOST_BYTES = 64 * KIB;

/** Sends a request; `read` judges a reply. Errors: none. */
export async function request(
  { method, url, headers = {}, body, secrets }: HttpRequest,
  { now, timeoutMs = TIMEOUT_MS }: HttpLimits,
  signal: AbortSignal,
  read: (reply: HttpReply) => Answer,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "exim-pilot",
        ...headers,
      },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now());
    const { text, isWhole } = await readSome(response);
    return withoutSecrets(read({ status: response.status, retryAfterMs, text, isWhole }), secrets);
  } catch (error) {
    return withoutSecrets(failureOf(error, timeout.aborted, signal.aborted, timeoutMs), secrets);
  }
}

/** The first bytes of the body; a body that breaks off leaves what the status says. */
async function readSome(response: Response): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { text: "", isWhole: true };
  const pieces: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  try {
    while (size < MOST_BYTES) {
      const { done, value } = await reader.read();
      if (done) {
        isWhole = true;
        break;
      }
      const piece = value.subarray(0, MOST_BYTES - size);
      pieces.push(piece);
      size += piece.length;
    }
  } catch {
    // NOTE: the status has come, and decides; a reply that must be whole is told by isWhole.
  }
  await reader.cancel().catch(() => {});
  return { text: Buffer.concat(pieces).toString("utf8"), isWhole };
}

/** Judges a reply by its status alone. */
export function judgeStatus(
  { status, retryAfterMs, text }: Pick<HttpReply, "status" | "retryAfterMs" | "text">,
  { remoteId, detail = text }: { readonly remoteId?: string | undefined; readonly detail?: string } = {},
): Answer {
  if (status >= 200 && status < 300) return { kind: "taken", remoteId };
  const error = `the receiver answered ${status}${shorten(detail)}`;
  if (status >= 300 && status < 400)
    return { kind: "refused", error: `${error}, a redirect, which is not followed`, isUnauthorized: false };
  if (status === 429) return { kind: "later", error, retryAfterMs, isChannelBusy: true, isUncertain: false };
  if (status === 408 || status === 425) return { kind: "later", error, retryAfterMs, isUncertain: true };
  if (status >= 500) return { kind: "later", error, retryAfterMs, isUncertain: true };
  return { kind: "refused", error, isUnauthorized: status === 401 || status === 403 };
}

const LONGEST_DETAIL = 200;

function shorten(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  if (line === "") return "";
  const cut = [...line].slice(0, LONGEST_DETAIL).join("");
  return `: ${cut.length < line.length ? `${cut}…` : cut}`;
}

/** Codes of failures before anything was sent. */
const NEVER_SENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)/;
const UNTRUSTED = /^(?:ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO)/;

function failureOf(error: unknown, isTimeout: boolean, isInterrupted: boolean, timeoutMs: number): Answer {
  if (isInterrupted) return { kind: "later", error: "it was interrupted", isUncertain: true, isDown: true };
  if (isTimeout) {
    const seconds = timeoutMs / SECOND_MS;
    return { kind: "later", error: `no answer came within ${seconds} s`, isUncertain: true, isDown: true };
  }
  const code = codeOf(error);
  const isUntrusted = UNTRUSTED.test(code);
  const what = isUntrusted ? "the connection cannot be trusted or encrypted" : "the connection failed";
  return {
    kind: "later",
    error: code === "" ? what : `${what} (${code})`,
    isUncertain: !isUntrusted && !NEVER_SENT.test(code),
    isDown: true,
  };
}

function codeOf(error: unknown): string {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const { code } = one as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
    if (one instanceof AggregateError && one.errors[0] instanceof Error) return codeOf(one.errors[0]);
  }
  return "";
}

/** A receiver may repeat what it was sent. */
export function withoutSecrets(answer: Answer, secrets: readonly string[]): Answer {
  if (answer.kind === "taken") return answer;
  const error = secrets.reduce(
    (text, secret) => (secret === "" ? text : text.replaceAll(secret, "(secret)")),
    answer.error,
  );
  return { ...answer, error };
}
