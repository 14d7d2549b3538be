/**
 * A statement, in a process of its own. It is started by {@link runQuery} in query.ts, gets one {@link QueryJob} and writes the output
 * as it is to be printed.
 */
import { once } from "node:events";
import { rowRedactor } from "../../redact/redact-rows.ts";
import { createPaint } from "../../render/form/paint.ts";
import type { RowFormat } from "../../render/form/row-formats.ts";
import { toVisible } from "../../render/form/terminal-text.ts";
import { rowRenderer } from "../../render/query-rows.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import type { QueryParameters } from "../../store/read/query-runner.ts";
import { openReader } from "../../store/store.ts";
import { epochMs } from "../../units.ts";
import { type ProcessFailure, serveJob } from "./killable-process.ts";

export interface QueryJob {
  readonly settings: Omit<StoreSettings, "now">;
  readonly sql: string;
  readonly parameters: QueryParameters;
  readonly format: RowFormat;
  /** Undefined: all. */
  readonly mostRows: number | undefined;
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
  readonly isRedacted: boolean;
}

export type QueryOutcome = { readonly kind: "done"; readonly hasMore: boolean } | ProcessFailure;

/** Measured: larger pieces gain nothing. */
const PIECE = 64 * 1024;

async function run(job: QueryJob): Promise<boolean> {
  const { format, hasColour, isTerminal, mostRows = Number.POSITIVE_INFINITY } = job;
  const reader = openReader({ ...job.settings, now: () => epochMs(Date.now()) });
  try {
    const { columns, rows } = reader.queries.run(job.sql, job.parameters);
    const shown = job.isRedacted ? rowRedactor(columns, reader.queries.codeNames()) : undefined;
    const renderer = rowRenderer(format, createPaint(hasColour));
    const output = new Output(isTerminal && format === "csv" ? toVisible : (text) => text);
    await output.add(renderer.begin(columns));
    let count = 0;
    let hasMore = false;
    for (const cells of rows) {
      hasMore = count++ >= mostRows;
      if (hasMore) break;
      await output.add(renderer.row(shown?.(cells) ?? cells));
    }
    await output.add(renderer.end(hasMore));
    await output.flush();
    return hasMore;
  } finally {
    await reader.close();
  }
}

/** Standard output in larger pieces, no faster than it is read. */
class Output {
  readonly #transform: (text: string) => string;
  #text = "";

  constructor(transform: (text: string) => string) {
    this.#transform = transform;
  }

  add(text: string): Promise<void> | undefined {
    this.#text += text;
    return this.#text.length < PIECE ? undefined : this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#transform(this.#text);
    this.#text = "";
    if (text !== "" && !process.stdout.write(text)) await once(process.stdout, "drain");
  }
}

await serveJob(async (job: QueryJob): Promise<QueryOutcome> => ({ kind: "done", hasMore: await run(job) }));
