/** Mail, through nodemailer. Plain text only. */
import nodemailer from "nodemailer";
import { type EpochMs, SECOND_MS } from "../units.ts";
import type { Answer, Channel, OutgoingNotice } from "./channel.ts";
import { withoutSecrets } from "./http-answer.ts";
import type { SmtpSettings } from "./settings.ts";

export interface SmtpOptions {
  readonly password: string | undefined;
  readonly awaitsLog: boolean;
  readonly now: () => EpochMs;
  /** Milliseconds for one step of the conversation. */
  readonly stepMs?: number;
}

const STEP_MS = 10 * SECOND_MS;
/** Steps that all together may take no longer than so many. */
const MOST_STEPS = 3;

export function smtpChannel(settings: SmtpSettings, options: SmtpOptions): Channel {
  return {
    name: settings.name,
    type: "smtp",
    isRedacted: settings.redact,
    spacingMs: 0,
    awaitsLog: options.awaitsLog,
    send: (notice, signal) => send(settings, options, notice, signal),
  };
}

/** Message-ID of a notice, without < and >: the same at each try, so that a server that takes it twice can tell. */
export function messageIdOf(id: string, from: string): string {
  return `${id}@${domainOf(from)}`;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

async function send(
  settings: SmtpSettings,
  { password, now, stepMs = STEP_MS }: SmtpOptions,
  notice: OutgoingNotice,
  signal: AbortSignal,
): Promise<Answer> {
  const { host, port, encryption, user, from, to } = settings;
  const transport = nodemailer.createTransport({
    host,
    port,
    // NOTE: servers refuse a greeting by a name without a domain.
    name: domainOf(from),
    secure: encryption === "tls",
    ignoreTLS: encryption === "none",
    requireTLS: encryption === "starttls",
    tls: { rejectUnauthorized: encryption !== "opportunistic" },
    ...(user !== undefined && password !== undefined && { auth: { user, pass: password } }),
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    dnsTimeout: stepMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const messageId = messageIdOf(notice.id, from);
  const sending = transport.sendMail({
    from,
    to: [...to],
    subject: `${notice.heading}: ${notice.title}`,
    text: `${notice.text}\n`,
    messageId: `<${messageId}>`,
    date: new Date(now()),
    headers: { "Auto-Submitted": "auto-generated" },
  });
  try {
    const { rejected } = await endingBy(sending, stepMs * MOST_STEPS, signal);
    const note =
      rejected.length === 0 ? undefined : `the server refused it for ${rejected.length} of ${to.length} recipients`;
    return { kind: "taken", remoteId: messageId, note };
  } catch (error) {
    return withoutSecrets(judgeFailure(error), [password ?? ""]);
  } finally {
    transport.close();
  }
}

const TOO_LONG = "no answer came in time";
const INTERRUPTED = "it was interrupted";

/** NOTE: a server that answers each step just in time would take for ever. */
async function endingBy<Result>(work: Promise<Result>, ms: number, signal: AbortSignal): Promise<Result> {
  const timeout = AbortSignal.timeout(ms);
  const either = AbortSignal.any([timeout, signal]);
  // NOTE: it fails later by itself, when its connection is closed.
  work.catch(() => {});
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const end = (): void => reject(new Error(signal.aborted ? INTERRUPTED : TOO_LONG));
      if (either.aborted) end();
      else either.addEventListener("abort", end, { once: true });
    }),
  ]);
}

interface MailError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

const LONGEST_REPLY = 200;
/** Failures before a connection stands. NOTE: nodemailer calls a connection that ends in the middle of a mail a failure of CONN too. */
const NEVER_CONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL/;

/** Judges what nodemailer throws: a reply of the server, or a connection that failed. */
function judgeFailure(error: unknown): Answer {
  const { code = "", responseCode, response, message } = error as MailError;
  if (responseCode !== undefined) {
    const reply = [...(response ?? String(responseCode)).replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ")]
      .slice(0, LONGEST_REPLY)
      .join("");
    const text = `the server answered ${reply}`;
    if (responseCode >= 400 && responseCode < 500) return { kind: "later", error: text, isUncertain: false };
    return { kind: "refused", error: text, isUnauthorized: code === "EAUTH" };
  }
  if (code === "EENVELOPE" || code === "EMESSAGE")
    return { kind: "refused", error: "an address of the channel is not valid", isUnauthorized: false };
  if (code === "EAUTH")
    return { kind: "refused", error: "the server offers no way to log in that is known", isUnauthorized: true };
  const what =
    message === TOO_LONG || message === INTERRUPTED
      ? message
      : code === "ETLS"
        ? "the connection cannot be trusted or encrypted"
        : code === "ETIMEDOUT"
          ? TOO_LONG
          : `the connection failed${code === "" ? "" : ` (${code})`}`;
  const isUncertain = code !== "EDNS" && code !== "ETLS" && !NEVER_CONNECTED.test(message);
  return { kind: "later", error: what, isUncertain, isDown: true };
}
