/** The rules there are, with the thresholds that the configuration gives them. */
import { PilotError } from "../errors.ts";
import type { CountingRule, RuleHead, Thresholds } from "./rule.ts";
import { BACKSCATTER } from "./rules/backscatter.ts";
import { BLOCKLISTED } from "./rules/blocklisted.ts";
import { BOUNCE_WAVE } from "./rules/bounce-wave.ts";
import { DNS_OUTAGE } from "./rules/dns-outage.ts";
import { FROZEN_PILE } from "./rules/frozen-pile.ts";
import { HACKED_ACCOUNT, HACKED_PAUSE_MS } from "./rules/hacked-account.ts";
import { LOGIN_ATTACK } from "./rules/login-attack.ts";
import { PANIC } from "./rules/panic.ts";
import { QUEUE_GROWTH, QUEUE_PAUSE_MS } from "./rules/queue-growth.ts";
import { REMOTE_DOWN } from "./rules/remote-down.ts";
import { SCRIPT_MAIL } from "./rules/script-mail.ts";
import { SILENCE } from "./rules/silence.ts";
import { THROTTLED } from "./rules/throttled.ts";
import { TLS_FAILURE } from "./rules/tls-failure.ts";

/** Rules that count by subject. */
export const COUNTING_RULES: readonly CountingRule[] = [
  LOGIN_ATTACK,
  SCRIPT_MAIL,
  BOUNCE_WAVE,
  THROTTLED,
  BLOCKLISTED,
  BACKSCATTER,
  DNS_OUTAGE,
  TLS_FAILURE,
  FROZEN_PILE,
  REMOTE_DOWN,
  PANIC,
];

/** All of them, in the order of help. Figures of one are given to no other. */
export const RULES: readonly RuleHead<never>[] = [HACKED_ACCOUNT, ...COUNTING_RULES, QUEUE_GROWTH, SILENCE];

export const KINDS: readonly string[] = RULES.map(({ kind }) => kind);

export function ruleOf(kind: string): RuleHead<never> | undefined {
  return RULES.find((rule) => rule.kind === kind);
}

/** Pause that ends an incident, by kind. A silence ends with the next lines alone. */
export function pausesOf(): ReadonlyMap<string, number> {
  return new Map([
    ...COUNTING_RULES.map(({ kind, pauseMs }) => [kind, pauseMs] as const),
    [HACKED_ACCOUNT.kind, HACKED_PAUSE_MS],
    [QUEUE_GROWTH.kind, QUEUE_PAUSE_MS],
  ]);
}

/** By rule, the threshold of each name. */
export type AllThresholds = ReadonlyMap<string, Thresholds>;

/** Thresholds of all rules; `settings` are those of the configuration, by rule and name. Errors: `usage` for a rule or a threshold that there is not. */
export function thresholdsFrom(
  settings: Readonly<Record<string, Readonly<Record<string, number>>>> = {},
): AllThresholds {
  for (const [kind, values] of Object.entries(settings)) {
    const rule = ruleOf(kind);
    if (rule === undefined)
      throw new PilotError("usage", `The configuration sets thresholds of "${kind}", and there is no such rule.`, {
        hint: `Rules are ${KINDS.join(", ")}.`,
      });
    for (const [name, value] of Object.entries(values)) {
      if (!Object.hasOwn(rule.thresholds, name))
        throw new PilotError("usage", `The rule ${kind} has no threshold "${name}".`, {
          hint: `It has ${Object.keys(rule.thresholds).join(", ")}.`,
        });
      if (!Number.isFinite(value) || value < 0)
        throw new PilotError("usage", `The threshold ${kind}.${name} is a number of 0 or more.`, {
          hint: "`exim-pilot help incidents` shows what each threshold means.",
        });
    }
  }
  return new Map(
    RULES.map(({ kind, thresholds }) => [
      kind,
      Object.fromEntries(
        Object.entries(thresholds).map(([name, { value }]) => [name, settings[kind]?.[name] ?? value]),
      ),
    ]),
  );
}
