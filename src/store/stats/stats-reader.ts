/** Questions about the whole database or a part of it. */
import type Database from "better-sqlite3";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { AccountFacts } from "../../message/accounts-at-risk.ts";
import { type EpochMs, epochMs, toIso } from "../../units.ts";
import { IncidentReader, type StoredIncident } from "../incidents/incident-reader.ts";
import type { RawTextReader } from "../log-text/blocks.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { loadCodes } from "../schema/codes.ts";
import { EARLIEST_MS, isAhead } from "../schema/plausible-time.ts";
import type { Schema } from "../schema/tables.ts";
import { isNamed } from "../search/filter.ts";
import type { SearchReader } from "../search/search-reader.ts";
import type { AbuseReader } from "./abuse-reader.ts";
import { readAccountHours, readMatchedAccounts } from "./account-hours.ts";
import type { AxisName, Rank } from "./axes.ts";
import { StatsCounts } from "./counts.ts";
import { findFindings } from "./findings.ts";
import { givenUpTables } from "./given-up.ts";
import { hostErrorTables } from "./host-errors.ts";
import { IdTally } from "./id-tally.ts";
import { chooseRows, type FilterLimits } from "./matched-rows.ts";
import { findNextRetry, type NextRetry } from "./next-retry.ts";
import { type Ranking, readRanking } from "./ranking.ts";
import { RemoteHostCounts } from "./remote-hosts.ts";
import { type EntryParser, findScriptArrivals, LONGEST_CALL_MS } from "./script-calls.ts";
import { Selection, type StatsFilter } from "./selection.ts";

export interface Overview {
  readonly servers: number;
  readonly logs: number;
  readonly lines: number;
  readonly bytes: number;
  readonly other: number;
  readonly unparsed: number;
  /** ISO-8601; null while nothing is stored. */
  readonly from: string | null;
  readonly until: string | null;
}

/** The farthest stamps beyond what a clock can have told; undefined when there are none. */
export interface Outliers {
  readonly early: EpochMs | undefined;
  /** More than a day ahead of the clock when its log was read. */
  readonly ahead: EpochMs | undefined;
}

/** SQL: true for a server, as `v`, that is among those in a JSON array, or for any when it is empty. */
const OF_SERVERS = "v.name IN (SELECT value FROM json_each(@servers)) OR json_array_length(@servers) = 0";

/** One of the lines behind a figure. */
export interface Sample {
  readonly timestamp: string;
  readonly messageId: string | null;
  readonly recipient: string | null;
  readonly text: string | null;
}

/** All that can be asked about one part of the database. */
export interface SelectedStats {
  readonly counts: StatsCounts;
  readonly remoteHosts: RemoteHostCounts;
  /** Limits of the filter; undefined if only time and servers restrict. */
  readonly choice: FilterLimits | undefined;
  /** The next time in Exim's retry records, as looks after `since` read them; undefined: none does, or only some messages are asked about. */
  readonly nextRetry: (since: EpochMs) => NextRetry | undefined;
  /** A filter chooses which accounts are meant, not what is known of them. */
  readonly accounts: AccountFacts;
  /** Incidents that reach into the time, of the servers; a filter of messages chooses none of them. */
  readonly incidents: () => readonly StoredIncident[];
  /** The first so many, or those of these keys. */
  readonly ranking: (axis: AxisName, rank: Rank, wanted: number | readonly string[]) => Promise<Ranking>;
}

/** After every moment. */
const LAST_MS = Date.UTC(9999, 0);

export class StatsReader {
  readonly #database: Database.Database;
  readonly #schema: Kysely<Schema>;

  readonly #rawText: RawTextReader;

  readonly #search: SearchReader;
  readonly #abuse: AbuseReader;

  constructor(
    database: Database.Database,
    schema: Kysely<Schema>,
    rawText: RawTextReader,
    search: SearchReader,
    abuse: AbuseReader,
  ) {
    this.#database = database;
    this.#schema = schema;
    this.#rawText = rawText;
    this.#search = search;
    this.#abuse = abuse;
  }

  /** Answers all questions of the action from one state of the database, whatever is written meanwhile: figures add up. */
  async atOneMoment<Result>(action: () => Promise<Result>): Promise<Result> {
    this.#database.exec("BEGIN");
    try {
      return await action();
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  async select(filter: StatsFilter, readEntry: EntryParser): Promise<SelectedStats> {
    // It knows all public suffixes: too much to load for what does not ask.
    const { addKeyFunctions } = await import("./key-functions.ts");
    addKeyFunctions(this.#database);
    const codes = loadCodes(this.#database);
    const choice =
      filter.subjects === undefined ? undefined : await chooseRows(this.#schema, this.#search, filter.subjects);
    const selection = await Selection.open(this.#schema, filter);
    const hostErrors = hostErrorTables(selection, codes, choice);
    const givenUp = givenUpTables(selection, codes, choice);
    const rankingSource = { selection, codes, tally: IdTally.of(this.#database), givenUp, hostErrors };
    const accountSpan = { sinceMs: filter.since ?? 0, untilMs: filter.until ?? LAST_MS, servers: filter.servers ?? [] };
    return {
      choice,
      counts: new StatsCounts(selection, codes, givenUp),
      remoteHosts: new RemoteHostCounts(selection, codes, hostErrors),
      nextRetry: (since) => (choice === undefined ? findNextRetry(this.#database, filter.servers, since) : undefined),
      accounts: {
        ...accountSpan,
        hours: (baselineMs) =>
          readAccountHours(this.#schema, { ...accountSpan, sinceMs: accountSpan.sinceMs - baselineMs }),
        chosen: async () => (choice === undefined ? undefined : readMatchedAccounts(this.#schema, accountSpan)),
      },
      incidents: () => {
        const { since = 0, until = LAST_MS, servers = [] } = filter;
        return new IncidentReader(this.#database)
          .list({ statuses: [], kinds: [], servers: [], sinceMs: since, withMuted: false }, LAST_MS)
          .filter(({ start_ms }) => start_ms < until)
          .filter(({ server }) => isNamed(server, servers));
      },
      ranking: async (axis, rank, wanted) => {
        if (axis === "script") await this.#findScripts(filter, readEntry);
        if (axis === "signature" || axis === "spam-score") findFindings(this.#database, axis, filter);
        return readRanking(rankingSource, axis, rank, wanted);
      },
    };
  }

  /** Fills temp.message_scripts with the messages around the time, and where programs handed them over. */
  async #findScripts({ since, until }: StatsFilter, readEntry: EntryParser): Promise<void> {
    this.#database.exec("DROP TABLE IF EXISTS temp.message_scripts");
    this.#database.exec("CREATE TABLE temp.message_scripts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const add = this.#database.prepare("INSERT INTO temp.message_scripts (id, text) VALUES (?, ?)");
    const period = { sinceMs: (since ?? LONGEST_CALL_MS) - LONGEST_CALL_MS, untilMs: until ?? LAST_MS };
    for await (const { directory, message } of findScriptArrivals(this.#abuse, period, readEntry))
      add.run(message.key, directory);
  }

  /** Summary of what was read from the named servers, or all. No {@link Outliers} widen its time. */
  async overview(servers: readonly string[] = []): Promise<Overview> {
    const overview = await this.#overview(servers);
    if (overview.from === null || Date.parse(overview.from) >= EARLIEST_MS) return overview;
    const from = this.#firstPlausible(servers);
    return from === undefined ? overview : { ...overview, from: toIso(from) };
  }

  /** Stamps of the logs that no clock can have told rightly; of all servers when none is named. */
  outliers(servers: readonly string[] = []): Outliers {
    const row = this.#database
      .prepare<{ servers: string }, { early: number | null; ahead: number | null }>(
        `SELECT min(iif(s.first_ms < ${EARLIEST_MS}, s.first_ms, NULL)) AS early,
                max(iif(${isAhead("s.last_ms", "s.updated_ms")}, s.last_ms, NULL)) AS ahead
         FROM stored_sources s JOIN stored_servers v ON v.id = s.server_id WHERE ${OF_SERVERS}`,
      )
      .get({ servers: JSON.stringify(servers) });
    const moment = (ms: number | null | undefined): EpochMs | undefined =>
      ms === null || ms === undefined ? undefined : epochMs(ms);
    return { early: moment(row?.early), ahead: moment(row?.ahead) };
  }

  /** The first entry that is not too early. Only blocks that hold such stamps are looked into. */
  #firstPlausible(servers: readonly string[]): EpochMs | undefined {
    const at = this.#database
      .prepare<{ servers: string }, number | null>(
        `SELECT min(iif(b.first_ms >= ${EARLIEST_MS}, b.first_ms, (
           SELECT min(e.at) / 1000 FROM stored_entries e
           WHERE e.id >= b.id * ${LINES_PER_BLOCK} AND e.id < (b.id + 1) * ${LINES_PER_BLOCK} AND e.at >= ${EARLIEST_MS * 1000}
         )))
         FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id JOIN stored_servers v ON v.id = s.server_id
         WHERE ${OF_SERVERS}`,
      )
      .pluck()
      .get({ servers: JSON.stringify(servers) });
    return at === null || at === undefined ? undefined : epochMs(at);
  }

  #overview(servers: readonly string[]): Promise<Overview> {
    return this.#schema
      .selectFrom("sources")
      .$if(servers.length > 0, (query) => query.where("server", "in", servers))
      .select(({ fn }) => [
        sql<number>`count(DISTINCT server)`.as("servers"),
        fn.countAll<number>().as("logs"),
        fn.coalesce(fn.sum<number>("lines"), sql<number>`0`).as("lines"),
        fn.coalesce(fn.sum<number>("size"), sql<number>`0`).as("bytes"),
        fn.coalesce(fn.sum<number>("other"), sql<number>`0`).as("other"),
        fn.coalesce(fn.sum<number>("unparsed"), sql<number>`0`).as("unparsed"),
        fn.min<string | null>("first_timestamp").as("from"),
        fn.max<string | null>("last_timestamp").as("until"),
      ])
      .executeTakeFirstOrThrow();
  }

  servers(): Promise<{ name: string; timeZone: string }[]> {
    return this.#schema.selectFrom("servers").select(["name", "time_zone as timeZone"]).orderBy("name").execute();
  }

  /**
   * The texts of all main logs, and of what came through syslog from a server that has none; of all servers when none is named:
   * batches of whole lines, read as latin1, oldest log first.
   */
  *mainLogText(servers: readonly string[] = []): Generator<string> {
    const blocks = this.#schema
      .selectFrom("raw_blocks as b")
      .innerJoin("stored_sources as s", "s.id", "b.source_id")
      .innerJoin("stored_servers as v", "v.id", "s.server_id")
      .innerJoin("codes as c", (join) => join.on("c.family", "=", "log_type").onRef("c.code", "=", "s.log_type"))
      .where(sql<boolean>`(c.name = 'main' OR c.name = 'syslog' AND NOT ${hasMainLog(sql`s.server_id`)})`)
      .$if(servers.length > 0, (query) => query.where("v.name", "in", servers))
      .select("b.id")
      .orderBy("v.name")
      .orderBy("s.first_ms")
      .orderBy("s.id")
      .orderBy("b.position")
      .compile();
    for (const { id } of this.#database.prepare<unknown[], { id: number }>(blocks.sql).all(...blocks.parameters))
      yield this.#rawText.blockText(id) ?? "";
  }

  /** Number of logs that came through syslog from servers that also have main logs. */
  async syslogLogs(servers: readonly string[] = []): Promise<number> {
    const { logs } = await this.#schema
      .selectFrom("sources")
      .where("log_type", "=", "syslog")
      .where(hasMainLog(sql`(SELECT id FROM stored_servers WHERE name = sources.server)`))
      .$if(servers.length > 0, (query) => query.where("server", "in", servers))
      .select(({ fn }) => fn.countAll<number>().as("logs"))
      .executeTakeFirstOrThrow();
    return logs;
  }

  /** Versions of Exim, as far as the servers tell, of all servers when none is named. */
  async eximVersions(servers: readonly string[] = []): Promise<readonly string[]> {
    const rows = await this.#schema
      .selectFrom("servers")
      .$if(servers.length > 0, (query) => query.where("name", "in", servers))
      .select("version")
      .execute();
    return rows.flatMap(({ version }) => version ?? []);
  }

  /** True when an id has the length of Exim 4.97 and later. */
  async hasLongIds(): Promise<boolean> {
    const found = await this.#schema
      .selectFrom("stored_messages")
      .select("id")
      .where(sql<boolean>`length(exim_id) > 16`)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  /** Sample of a line about a recipient, attempt or not. */
  async attemptSample(id: number): Promise<Sample> {
    const attempt = await this.#schema
      .selectFrom("delivery_attempts")
      .select(["timestamp", "message_id as messageId", "recipient", "error_message as text"])
      .where("id", "=", id)
      .executeTakeFirst();
    if (attempt !== undefined) return attempt;
    const { timestamp, recipients, ...entry } = await this.#schema
      .selectFrom("log_entries")
      .select(["timestamp", "message_id as messageId", "recipients", "error_text as text"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    const [recipient = null] = JSON.parse(recipients) as string[];
    return { ...entry, timestamp: timestamp ?? "", recipient };
  }

  /** See {@link SearchReader.linesBefore}. */
  linesBefore(...asked: Parameters<SearchReader["linesBefore"]>): ReturnType<SearchReader["linesBefore"]> {
    return this.#search.linesBefore(...asked);
  }

  rejectionSample(id: number): Promise<Sample> {
    return this.#schema
      .selectFrom("rejections")
      .select(["timestamp", "message_id as messageId", "recipient", "reason as text"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
  }
}

function hasMainLog(serverId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`EXISTS (SELECT 1 FROM stored_sources o
    WHERE o.server_id = ${serverId} AND o.log_type = (SELECT code FROM codes WHERE family = 'log_type' AND name = 'main'))`;
}
