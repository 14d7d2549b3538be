import type { Configuration } from "./events.ts";

interface Form {
  readonly start: string;
  /** Subject of the line, if its beginning states one. */
  readonly subject?: string;
}

/**
 * Reads a mistake in the configuration, in a filter, or in what either of them looks up.
 *
 *     Exim configuration error in line 12 of /etc/exim4/exim4.conf: missing quote at end of string value
 *     ^
 *     1vx1hi-0005yl-09 failed to expand condition "${if eq{x}}" for badexp router: unknown expansion operator "nosuchop"
 *     1vx1hi-0005yl-09 Error in system filter: attempt to obey "logwrite" command without a previous "logfile"
 * The subject is the place, where the line begins with it.
 * Source: exim-log-grammar §3 and §13.
 */
export function parseConfigurationError(text: string): Configuration | undefined {
  const form = FORMS.find(({ start }) => text.startsWith(start));
  if (form === undefined) return undefined;
  const place = text.startsWith("Exim configuration error") ? PLACE.exec(text)?.[1] : undefined;
  return { kind: "configuration", subject: form.subject ?? place, reason: text };
}

const PLACE = /^Exim configuration error (?:in |for )?(.+?):/;

const FORMS: readonly Form[] = [
  { start: "Exim configuration error" },
  { start: "Error in system filter: ", subject: "system filter" },
  { start: "failed to expand " },
  { start: "Failed to expand " },
  { start: "failed to open " },
  { start: "Failed to open " },
  { start: "Failed to get " },
  { start: "Expansion of " },
  { start: "expansion of " },
  { start: "Tainted " },
  { start: "attempt to use tainted " },
  { start: "ACL " },
  { start: "Malformed IP address " },
  { start: "invalid message_size_limit", subject: "message_size_limit" },
  { start: "invalid value for " },
  { start: "configured error code starts with incorrect digit " },
  { start: "EHLO/HELO response must not contain newlines" },
  { start: "bounce_message_file ", subject: "bounce_message_file" },
  { start: "warn_message_file ", subject: "warn_message_file" },
  { start: "WARNING: " },
  { start: "Warning: " },
  { start: "unable to set gid" },
  { start: "unable to set uid" },
];

/**
 * Reads what a router, a transport or an authenticator complains about, by its name.
 *
 *     1vwxr4-0005bT-0u queryprog router: bad command yield: WHATEVER this is
 *                      ^
 *     1vwxr4-0005bT-0u userforward router: skipped error: "and" or "or" or "then" expected near line 2 of filter file
 * Source: exim-log-grammar §11.
 */
export function parseDriverError(text: string): Configuration | undefined {
  const match = DRIVER.exec(text);
  return match === null ? undefined : { kind: "configuration", subject: match[1], reason: text.slice(match[0].length) };
}

const DRIVER = /^(\w+ (?:router|transport|authenticator)(?: \([A-Z0-9-]+\))?): ?/;

/** `User 0 set for t3 transport is on the never_users list`. */
export function parseNeverUsers(text: string): Configuration | undefined {
  const match = /^User \d+ set for (\w+ \w+) is on the never_users list/.exec(text);
  return match === null ? undefined : { kind: "configuration", subject: match[1], reason: text };
}
