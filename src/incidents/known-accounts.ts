/** Accounts at risk as detection knows them: what it has stored, and what the few lines since then add to that. */
import type { AccountFinding } from "../message/account-risk.ts";
import type { StoredIncident } from "../store/incidents/incident-reader.ts";
import type { DetectionReader, DetectionServer } from "../store/stats/detection-reader.ts";
import { type EpochMs, HOUR_MS } from "../units.ts";
import { isResumable, settledUntil, startOf } from "./detect.ts";
import { settingsKey } from "./detector.ts";
import { HACKED_ACCOUNT, HACKED_PAUSE_MS, HackedAccountWatch, type HackedFigures } from "./rules/hacked-account.ts";
import type { AllThresholds } from "./rules.ts";

/** More lines than these are not read for one answer. */
const LONGEST_REST_MS = 6 * HOUR_MS;

export interface KnownAccountsWishes {
  readonly servers: readonly DetectionServer[];
  /** Stored incidents of the rule, of all servers. */
  readonly incidents: readonly StoredIncident[];
  readonly thresholds: AllThresholds;
  /** Epoch ms; all lines of the time until then are wanted, and none after it. */
  readonly untilMs: number;
  readonly now: EpochMs;
}

/** Findings of all time; undefined where detection has not come so far with these thresholds, or has come farther. */
export function findKnownAccounts(
  reader: DetectionReader,
  { servers, incidents, thresholds, untilMs, now }: KnownAccountsWishes,
): readonly AccountFinding[] | undefined {
  const settings = settingsKey(thresholds);
  const found: AccountFinding[] = [];
  for (const server of servers) {
    if (!reader.hasLogs(server.id)) continue;
    const progress = reader.progress(server.id);
    const lastMs = reader.lastMs(server.id, now);
    if (lastMs === undefined || lastMs >= untilMs || !isResumable(reader, progress, settings, now)) return undefined;
    const fromMs = settledUntil(progress);
    if (lastMs - fromMs > LONGEST_REST_MS) return undefined;
    const memory = { read: (key: string) => reader.state(server.id, key) };
    const watch = new HackedAccountWatch(
      server.name,
      thresholds.get(HACKED_ACCOUNT.kind) ?? {},
      memory,
      startOf(progress),
    );
    for (const fact of reader.facts(server, fromMs, lastMs + 1)) watch.take(fact);
    const stored = incidents.filter((incident) => incident.server_id === server.id).map(toFinding);
    found.push(...joinFindings([...stored, ...watch.takeFindings()]));
  }
  return found;
}

function toFinding({
  server,
  subject,
  severity,
  start_ms,
  fired_ms,
  last_ms,
  figures,
}: StoredIncident): AccountFinding {
  const { hours, around, ...others } = JSON.parse(figures) as HackedFigures & Pick<AccountFinding, "hours" | "around">;
  return {
    ...others,
    server,
    account: subject,
    severity: severity === "critical" ? "serious" : "warning",
    firstMs: start_ms,
    firedMs: fired_ms,
    lastMs: last_ms,
    hours,
    around,
    messageIds: [],
  };
}

/** One finding for each stretch: later figures of it take the place of earlier ones. A judgement of people may have cut it in two. */
function joinFindings(findings: readonly AccountFinding[]): readonly AccountFinding[] {
  return [...Map.groupBy(findings, ({ account }) => account).values()].flatMap((own) => {
    const joined: AccountFinding[] = [];
    for (const finding of own.toSorted((one, other) => one.lastMs - other.lastMs || one.firstMs - other.firstMs)) {
      const before = joined.at(-1);
      const isSame = before !== undefined && finding.firstMs <= before.lastMs + HACKED_PAUSE_MS;
      if (isSame) joined.pop();
      joined.push(isSame ? { ...finding, firstMs: Math.min(before.firstMs, finding.firstMs) } : finding);
    }
    return joined;
  });
}
