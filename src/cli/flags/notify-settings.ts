/**
 * Settings of notifications and of the channels that they go to:
 *
 *     [notify]
 *     tiers = ["ops-telegram", "ops-mail"]
 *
 *     [channels.ops-mail]
 *     type = "smtp"
 *     host = "127.0.0.1"
 *     from = "exim-pilot@mx1.example.org"
 *     to = ["ops@example.org"]
 *
 * A secret is in a file of its own: token-file, password-file, url-file. A name without a slash is a credential of systemd.
 */
import * as v from "valibot";
import { PilotError } from "../../errors.ts";
import type { ChannelSettings, ChannelType, NotifySettings, SecretPlace } from "../../notify/settings.ts";
import { SEVERITIES } from "../../store/outbox/notification.ts";
import { MINUTE_MS } from "../../units.ts";
import { parseDuration } from "../../when.ts";
import { type ConfigurationValues, wrongSetting } from "./configuration.ts";

const word = v.pipe(v.string(), v.nonEmpty("is empty"), v.regex(/^[^\p{Cc}]*$/u, "has control characters in it"));
const names = v.pipe(
  v.array(word),
  v.check((list) => new Set(list).size === list.length, "names a channel twice"),
);
const severityTable = v.optional(v.strictObject({ tiers: names }));

const NOTIFY = v.strictObject({
  tiers: v.optional(names),
  minimum: v.optional(v.picklist(SEVERITIES)),
  "fallback-after": v.optional(word),
  critical: severityTable,
  serious: severityTable,
  warning: severityTable,
});

const address = v.pipe(
  v.string(),
  v.regex(/^[^\s<>@,;:"()[\]\\\p{Cc}]+@[A-Za-z0-9.-]+$/u, "is not an address such as ops@example.org"),
);
const redact = v.optional(v.boolean());
const secret = v.optional(word);

const CHANNELS = {
  smtp: v.strictObject({
    type: v.literal("smtp"),
    host: word,
    port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    encryption: v.optional(v.picklist(["none", "opportunistic", "starttls", "tls"])),
    from: address,
    to: v.pipe(v.array(address), v.minLength(1, "names nobody")),
    user: v.optional(word),
    password: secret,
    "password-file": secret,
    confirm: v.optional(v.picklist(["log", "reply"])),
    redact,
  }),
  telegram: v.strictObject({
    type: v.literal("telegram"),
    chat: v.union([v.pipe(v.number(), v.integer()), word]),
    token: secret,
    "token-file": secret,
    url: v.optional(word),
    redact,
  }),
  webhook: v.strictObject({
    type: v.literal("webhook"),
    url: secret,
    "url-file": secret,
    token: secret,
    "token-file": secret,
    redact,
  }),
  ntfy: v.strictObject({
    type: v.literal("ntfy"),
    topic: word,
    url: v.optional(word),
    token: secret,
    "token-file": secret,
    redact,
  }),
  slack: v.strictObject({ type: v.literal("slack"), url: secret, "url-file": secret, redact }),
  matrix: v.strictObject({
    type: v.literal("matrix"),
    url: word,
    room: word,
    token: secret,
    "token-file": secret,
    redact,
  }),
} as const satisfies Record<ChannelType, unknown>;

const CHANNEL_TYPES = Object.keys(CHANNELS) as ChannelType[];

/** Keys whose value is a secret where it is not a place: the address of a webhook lets anybody send to it. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "token"]);
const SECRET_URLS: ReadonlySet<ChannelType> = new Set(["slack", "webhook"]);

const CHANNEL_NAME = /^[A-Za-z0-9][\w-]{0,63}$/;

const DEFAULT_FALLBACK_MS = 5 * MINUTE_MS;

/** Reads the tables of the configuration. Errors: `usage` with what there is instead. */
export function readNotifySettings({
  path = "",
  notify: tables,
  isReadableByOthers,
}: ConfigurationValues): NotifySettings {
  const notify = check(path, "notify", NOTIFY, tables.notify ?? {});
  const channels = new Map<string, ChannelSettings>();
  for (const [name, table] of Object.entries(tables.channels ?? {})) {
    const channel = readChannel(path, name, table);
    if (isReadableByOthers && hasInlineSecret(channel)) throw openSecret(path, name);
    channels.set(name, channel);
  }
  const severityTiers = Object.fromEntries(
    SEVERITIES.flatMap((severity) => {
      const own = notify[severity]?.tiers;
      return own === undefined ? [] : [[severity, own]];
    }),
  );
  const { tiers = [], minimum = "serious" } = notify;
  for (const name of [...tiers, ...Object.values(severityTiers).flat()])
    if (!channels.has(name)) throw unknownChannel(path, name, [...channels.keys()]);
  const fallback = notify["fallback-after"];
  const fallbackMs = fallback === undefined ? DEFAULT_FALLBACK_MS : parseDuration(fallback);
  if (fallbackMs === undefined)
    throw wrong(
      path,
      `sets "notify.fallback-after" to "${fallback}", which is no duration`,
      "Give one such as 5min or 1h.",
    );
  return { tiers, severityTiers, minimum, fallbackMs, channels };
}

type AnySchema = v.GenericSchema;

function check<Schema extends AnySchema>(
  path: string,
  table: string,
  schema: Schema,
  value: unknown,
  keys: readonly string[] = Object.keys(NOTIFY.entries),
): v.InferOutput<Schema> {
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const inner = v.getDotPath(issue) ?? "";
  throw wrongSetting(path, issue, {
    key: inner === "" ? table : `${table}.${inner}`,
    hint: `The settings of [${table}] are ${keys.join(", ")}.`,
  });
}

function readChannel(path: string, name: string, table: unknown): ChannelSettings {
  if (!CHANNEL_NAME.test(name))
    throw wrong(path, `names a channel "${name}"`, "A name has letters, digits, _ and -, 64 at most.");
  const type = typeof table === "object" && table !== null && "type" in table ? table.type : undefined;
  const known = CHANNEL_TYPES.find((one) => one === type);
  if (known === undefined) {
    const what =
      type === undefined
        ? `gives no "channels.${name}.type"`
        : `sets "channels.${name}.type" to ${JSON.stringify(type)}`;
    throw wrong(path, what, `The types are ${CHANNEL_TYPES.join(", ")}.`);
  }
  const where = `channels.${name}`;
  const keys = Object.keys(CHANNELS[known].entries);
  const at = { path, where, keys };
  const readers: { readonly [Type in ChannelType]: () => ChannelSettings } = {
    smtp: () => toSmtp(name, check(path, where, CHANNELS.smtp, table, keys), at),
    telegram: () => {
      const given = check(path, where, CHANNELS.telegram, table, keys);
      const url = toUrl(given.url ?? "https://api.telegram.org", "url", at);
      const token = secretOf(given, "token", at, true);
      return { type: "telegram", name, url, chat: String(given.chat), token, redact: given.redact ?? true };
    },
    webhook: () => {
      const given = check(path, where, CHANNELS.webhook, table, keys);
      const url = secretUrl(given, at);
      return { type: "webhook", name, url, token: secretOf(given, "token", at, false), redact: given.redact ?? true };
    },
    ntfy: () => {
      const given = check(path, where, CHANNELS.ntfy, table, keys);
      const url = toUrl(given.url ?? "https://ntfy.sh", "url", at);
      const token = secretOf(given, "token", at, false);
      return { type: "ntfy", name, url, topic: given.topic, token, redact: given.redact ?? true };
    },
    slack: () => {
      const given = check(path, where, CHANNELS.slack, table, keys);
      return { type: "slack", name, url: secretUrl(given, at), redact: given.redact ?? true };
    },
    matrix: () => {
      const given = check(path, where, CHANNELS.matrix, table, keys);
      const url = toUrl(given.url, "url", at);
      const token = secretOf(given, "token", at, true);
      return { type: "matrix", name, url, room: given.room, token, redact: given.redact ?? true };
    },
  };
  return readers[known]();
}

/** Place of a table, for errors. */
interface TablePlace {
  readonly path: string;
  readonly where: string;
  readonly keys: readonly string[];
}

const SMTP_PORT = 25;
const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;

/** A server of this machine is trusted as it is; any other one has to prove who it is before it is given a password. */
function toSmtp(name: string, given: v.InferOutput<typeof CHANNELS.smtp>, at: TablePlace): ChannelSettings {
  const { host, user, from, to, confirm } = given;
  const isHere = isLoopback(host);
  const password = secretOf(given, "password", at, false);
  if ((user === undefined) !== (password === undefined))
    throw wrong(
      at.path,
      `gives only one of user and password for "${at.where}"`,
      "Give user and password-file, or neither.",
    );
  const encryption = given.encryption ?? (isHere ? "none" : user === undefined ? "opportunistic" : "starttls");
  if (!isHere && password !== undefined && encryption !== "starttls" && encryption !== "tls")
    throw wrong(
      at.path,
      `would send the password of "${at.where}" to whoever answers`,
      'Set encryption = "starttls" or "tls".',
    );
  const port =
    given.port ?? (encryption === "tls" ? SUBMISSIONS_PORT : user === undefined ? SMTP_PORT : SUBMISSION_PORT);
  return {
    type: "smtp",
    name,
    host,
    port,
    encryption,
    from,
    to,
    user,
    password,
    confirm,
    redact: given.redact ?? false,
  };
}

/** True for a name or an address of this machine alone. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

function toUrl(text: string, key: string, at: TablePlace): string {
  const problem = problemOfUrl(text);
  if (problem !== undefined) throw wrong(at.path, `sets "${at.where}.${key}" to an address that ${problem}`, GOOD_URL);
  return text.replace(/\/+$/, "");
}

const GOOD_URL = "Give one that begins with https://; http:// is for this machine alone.";

/** The reason why nothing is sent to an address; undefined: it is a good one. */
export function problemOfUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "cannot be understood";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) return "is not encrypted";
  if (url.username !== "" || url.password !== "") return "has a user or a password in it";
  return undefined;
}

function secretUrl(given: Readonly<Record<string, unknown>>, at: TablePlace): SecretPlace {
  const url = secretOf(given, "url", at, true);
  if (url.kind === "inline") toUrl(url.value, "url", at);
  return url;
}

function secretOf(given: Readonly<Record<string, unknown>>, key: string, at: TablePlace, isNeeded: true): SecretPlace;
function secretOf(
  given: Readonly<Record<string, unknown>>,
  key: string,
  at: TablePlace,
  isNeeded: false,
): SecretPlace | undefined;
function secretOf(
  given: Readonly<Record<string, unknown>>,
  key: string,
  { path, where }: TablePlace,
  isNeeded: boolean,
): SecretPlace | undefined {
  const [value, file] = [given[key], given[`${key}-file`]];
  if (typeof value === "string" && typeof file === "string")
    throw wrong(path, `gives both ${key} and ${key}-file for "${where}"`, "Leave one of them out.");
  if (typeof value === "string") return { kind: "inline", value };
  if (typeof file === "string")
    return file.includes("/") ? { kind: "file", path: file } : { kind: "credential", name: file };
  if (!isNeeded) return undefined;
  throw wrong(path, `gives no ${key} for "${where}"`, `Put it into a file of its own, and name that as ${key}-file.`);
}

function hasInlineSecret(channel: ChannelSettings): boolean {
  return Object.values(channel).some(
    (value) => typeof value === "object" && value !== null && "kind" in value && value.kind === "inline",
  );
}

function wrong(path: string, problem: string, hint: string): PilotError {
  return new PilotError("usage", `The configuration "${path}" ${problem}.`, { hint });
}

function openSecret(path: string, name: string): PilotError {
  return new PilotError(
    "usage",
    `The configuration "${path}" has a secret of channel "${name}" in it and can be read by others.`,
    {
      hint: "Put the secret into a file of its own, mode 0600, and name that as token-file, password-file or url-file.",
    },
  );
}

function unknownChannel(path: string, name: string, known: readonly string[]): PilotError {
  const hint =
    known.length === 0
      ? `Add a table [channels.${CHANNEL_NAME.test(name) ? name : "NAME"}] with its type.`
      : `The channels are ${known.join(", ")}.`;
  return wrong(path, `names channel "${name}", which it does not have`, hint);
}

/** A row for each setting that the tables give, secrets as "set". Errors: `usage`. */
export function listNotifySettings(
  configuration: ConfigurationValues,
): readonly { readonly setting: string; readonly value: string | number | boolean | readonly string[] }[] {
  const { channels } = readNotifySettings(configuration);
  const { notify = {}, channels: tables = {} } = configuration.notify;
  const rows = flatten("notify", notify);
  const ofChannels = Object.entries(tables).flatMap(([name, table]) => {
    const type = channels.get(name)?.type;
    return flatten(`channels.${name}`, table as Readonly<Record<string, unknown>>).map((row) => {
      const key = row.setting.slice(row.setting.lastIndexOf(".") + 1);
      const isSecret = SECRET_KEYS.has(key) || (key === "url" && type !== undefined && SECRET_URLS.has(type));
      return isSecret ? { ...row, value: "set" } : row;
    });
  });
  return [...rows, ...ofChannels];
}

type FlatRow = ReturnType<typeof listNotifySettings>[number];

function flatten(prefix: string, table: Readonly<Record<string, unknown>>): FlatRow[] {
  return Object.entries(table).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flatten(`${prefix}.${key}`, value as Readonly<Record<string, unknown>>)
      : [{ setting: `${prefix}.${key}`, value: value as FlatRow["value"] }],
  );
}
