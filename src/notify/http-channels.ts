/** Channels over HTTP. Each gives the text in the form in which nothing of it is markup, a mention or a link. */
import { SECOND_MS } from "../units.ts";
import type { Answer, Channel, OutgoingNotice } from "./channel.ts";
import { type HttpLimits, type HttpReply, type HttpRequest, judgeStatus, request } from "./http-answer.ts";
import type { ChannelSettings } from "./settings.ts";

/** Settings with their secrets in hand. */
export interface Secrets {
  readonly token: string | undefined;
  /** Address, where that is a secret. */
  readonly url: string | undefined;
}

type HttpSettings = Exclude<ChannelSettings, { readonly type: "smtp" }>;

/** Telegram allows 20 messages a minute to a group. */
const TELEGRAM_SPACING_MS = 3 * SECOND_MS;

export function httpChannel(settings: HttpSettings, secrets: Secrets, limits: HttpLimits): Channel {
  const { name, type, redact } = settings;
  return {
    name,
    type,
    isRedacted: redact,
    spacingMs: type === "telegram" ? TELEGRAM_SPACING_MS : 0,
    awaitsLog: false,
    send: (notice, signal) => {
      const { read, ...sent } = toRequest(settings, secrets, notice);
      return request(sent, limits, signal, read);
    },
  };
}

interface Exchange extends HttpRequest {
  readonly read: (reply: HttpReply) => Answer;
}

function toRequest(settings: HttpSettings, { token = "", url = "" }: Secrets, notice: OutgoingNotice): Exchange {
  const secrets = [token, url];
  const bearer = token === "" ? {} : { authorization: `Bearer ${token}` };
  const post = { method: "POST", secrets } as const;
  switch (settings.type) {
    case "telegram":
      return {
        ...post,
        url: `${settings.url}/bot${token}/sendMessage`,
        body: {
          chat_id: settings.chat,
          text: toTelegram(notice),
          parse_mode: "HTML",
          link_preview_options: { is_disabled: true },
        },
        read: readTelegram,
      };
    case "webhook":
      return {
        ...post,
        url,
        headers: { ...bearer, "idempotency-key": notice.id },
        body: { version: 1, ...notice },
        read: (reply) => judgeStatus(reply, { remoteId: stringIn(reply, "id") }),
      };
    case "ntfy":
      return {
        ...post,
        url: settings.url,
        headers: bearer,
        body: {
          topic: settings.topic,
          title: notice.heading,
          message: notice.text,
          priority: NTFY_PRIORITIES[notice.severity],
        },
        read: (reply) => judgeStatus(reply, { remoteId: stringIn(reply, "id") }),
      };
    case "slack":
      return {
        ...post,
        url,
        body: { text: toSlack(notice), unfurl_links: false, unfurl_media: false },
        read: (reply) => judgeStatus(reply),
      };
    case "matrix":
      return {
        method: "PUT",
        secrets,
        url: `${settings.url}/_matrix/client/v3/rooms/${encodeURIComponent(settings.room)}/send/m.room.message/${notice.id}`,
        headers: bearer,
        body: { msgtype: "m.text", body: `${notice.heading}\n${notice.text}`, "m.mentions": {} },
        read: readMatrix,
      };
  }
}

const NTFY_PRIORITIES = { critical: 5, serious: 4, warning: 3 } as const;

/** Bold and a block of code: in code Telegram makes nothing a link, a mention, a hashtag or a command. */
export function toTelegram({ heading, text }: Pick<OutgoingNotice, "heading" | "text">): string {
  return `<b>${escapeHtml(heading)}</b>\n<pre>${escapeHtml(text)}</pre>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A block of code, in which Slack makes nothing bold, a mention or a link. Nothing may end the block. */
export function toSlack({ heading, text }: Pick<OutgoingNotice, "heading" | "text">): string {
  const escaped = (part: string): string =>
    part.replaceAll("`", "'").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `\`\`\`${escaped(heading)}\n${escaped(text)}\`\`\``;
}

/** A message is sent when Telegram names it. */
function readTelegram(reply: HttpReply): Answer {
  const answer = objectOf(reply);
  const description = answer["description"];
  const parameters = isObject(answer["parameters"]) ? answer["parameters"] : {};
  const asked = parameters["retry_after"];
  const retryAfterMs = Math.max(reply.retryAfterMs ?? 0, typeof asked === "number" ? asked * SECOND_MS : 0);
  const result = isObject(answer["result"]) ? answer["result"] : {};
  const messageId = result["message_id"];
  if (reply.status < 200 || reply.status > 299 || answer["ok"] === false)
    return judgeStatus(
      { ...reply, status: statusOf(answer, reply.status), retryAfterMs },
      { detail: typeof description === "string" ? description : "" },
    );
  if (answer["ok"] === true && (typeof messageId === "number" || typeof messageId === "string"))
    return { kind: "taken", remoteId: String(messageId) };
  return { kind: "later", error: "the answer names no message", isUncertain: true };
}

/** Telegram may say in a reply 200 that it failed. */
function statusOf(answer: Readonly<Record<string, unknown>>, status: number): number {
  const code = answer["error_code"];
  if (status < 200 || status > 299) return status;
  return typeof code === "number" && code >= 300 && code <= 599 ? code : 500;
}

function readMatrix(reply: HttpReply): Answer {
  const answer = objectOf(reply);
  const asked = answer["retry_after_ms"];
  const retryAfterMs = Math.max(reply.retryAfterMs ?? 0, typeof asked === "number" ? asked : 0);
  const reason = answer["error"];
  return judgeStatus(
    { ...reply, retryAfterMs },
    { remoteId: stringIn(reply, "event_id"), ...(typeof reason === "string" && { detail: reason }) },
  );
}

const LONGEST_ID = 200;

function stringIn(reply: HttpReply, key: string): string | undefined {
  const value = objectOf(reply)[key];
  return typeof value === "string" && value.length <= LONGEST_ID ? value : undefined;
}

function objectOf({ text, isWhole }: HttpReply): Readonly<Record<string, unknown>> {
  if (!isWhole) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    // NOTE: most webhooks answer with text, or nothing.
    return {};
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
