/** The servers whose logs are stored, and what was changed of one. */
import type { ServerChange, ServerRemoval } from "../servers/servers.ts";
import type { ServerFigures } from "../store/read/catalogue-reader.ts";
import type { ServerFacts } from "./answers.ts";
import { renderFacts } from "./form/fitting-table.ts";
import { countOf, formatCount, formatTime } from "./form/format.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** A server as `--json` shows it. */
export function toServerFacts(server: ServerFigures): ServerFacts {
  const { name, environment, owner, version, sources, lines, messages, received } = server;
  return {
    name,
    environment,
    owner,
    ownerUserId: server.owner_user_id,
    version,
    timeZone: server.time_zone,
    firstSeen: server.first_seen,
    lastSeen: server.last_seen,
    sources,
    lines,
    messages,
    received,
  };
}

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
}

export function renderServers(servers: readonly ServerFigures[], timeZone: string, screen: Screen): string {
  if (servers.length === 0) return "No server is known: nothing has been ingested yet.\n";
  return `${servers.map((server) => renderServer(server, timeZone, screen)).join("\n\n")}\n`;
}

function renderServer(server: ServerFigures, timeZone: string, screen: Screen): string {
  const { name, environment, owner, version, first_seen: first, last_seen: last } = server;
  const seen =
    first === null || last === null
      ? "no entry with a time"
      : `${formatTime(first, timeZone)} to ${formatTime(last, timeZone)} (${timeZone})`;
  const lines = `${countOf(server.lines, "line")} of ${countOf(server.sources, "log")}`;
  const received =
    server.received === server.messages ? "" : `, ${formatCount(server.received)} of which were received`;
  const known = [
    ["Environment", environment],
    ["Owner", owner],
    ["Exim", version],
    ["Time zone", server.time_zone],
    ["Seen", seen],
    ["Stored", `${lines}, ${countOf(server.messages, "message")}${received}`],
  ].filter((fact): fact is [string, string] => fact[1] !== null);
  const facts = known.map(([label, value]): [string, string] => [label, toVisibleLine(value)]);
  return `${screen.paint.strong(toVisibleLine(name))}\n${renderFacts(facts, screen, 2)}`;
}

/** One a line, for completions and scripts. */
export function renderNames(names: readonly string[]): string {
  return names.map((name) => `${toVisibleLine(name)}\n`).join("");
}

export function renderRemoval({ name, removed }: ServerRemoval): string {
  const { notes, tags, snapshots, contents, incidents } = removed;
  const counts: readonly (readonly [count: number, what: string])[] = [
    [notes, "note"],
    [tags, "tag"],
    [snapshots, "snapshot"],
    [contents, "content"],
    [incidents, "incident"],
  ];
  const gone = counts.flatMap(([count, what]) => (count === 0 ? [] : [countOf(count, what)]));
  const what =
    gone.length === 0 ? ": nothing was stored of it" : `, with ${gone.join(", ").replace(/, (?=[^,]*$)/, " and ")}`;
  return `${toVisibleLine(name)} is removed${what}.\n`;
}

export function renderRename({ before, after }: ServerChange): string {
  const [from, to] = [toVisibleLine(before.name), toVisibleLine(after.name)];
  return `${from} is now called ${to}.\nIngest its logs with --server ${to} from now on: under the old name they would be those of another server.\n`;
}

export function renderSettings({ before, after }: ServerChange): string {
  const changes = [
    describe("environment", before.environment, after.environment),
    describe("owner", before.owner, after.owner),
    describe("time zone", before.timeZone, after.timeZone),
  ].filter((change) => change !== "");
  const name = toVisibleLine(after.name);
  if (changes.length === 0) return `${name} has these settings already.\n`;
  const warning =
    before.timeZone === after.timeZone
      ? ""
      : "Stored lines were read with the old time zone: `exim-pilot rebuild` reads them again with the new one.\n";
  return `${name}: ${changes.join(", ")}.\n${warning}`;
}

function describe(what: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return "";
  if (after === undefined) return `no ${what} any more`;
  const was = before === undefined ? "" : ` (was ${toVisibleLine(before)})`;
  return `${what} ${toVisibleLine(after)}${was}`;
}
