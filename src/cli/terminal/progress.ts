/** A line that shows how far it is, on a terminal. */
import type { IngestProgress } from "../../ingest/ingest.ts";
import { formatBytes, formatCount } from "../../render/form/format.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import type { Io } from "../io.ts";

export interface Progress {
  /** Shown at once: what begins may take its time before it tells how far it is. */
  readonly begin: (step: string) => void;
  readonly update: (describe: () => string) => void;
}

interface Spinner extends Progress {
  readonly stop: () => void;
}

const SILENT: Spinner = { begin: () => {}, update: () => {}, stop: () => {} };
/** Often enough for the eye. */
const INTERVAL_MS = 100;

/** Flags that switch progress off. */
interface QuietFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** While `action` works, a spinner on stderr shows what it is at: on a terminal, anywhere else nothing. */
export async function withProgress<Result>(
  flags: QuietFlags,
  io: Io,
  action: (progress: Progress) => Promise<Result>,
): Promise<Result> {
  const spinner = await startSpinner(flags, io);
  try {
    return await action(spinner);
  } finally {
    spinner.stop();
  }
}

async function startSpinner({ quiet, json }: QuietFlags, io: Io): Promise<Spinner> {
  // NOTE: a terminal without a width (some containers) would have the spinner clear lines without end.
  if (quiet === true || json === true || io.stderr.isTTY !== true || (io.stderr.columns ?? 0) < 1) return SILENT;
  const { default: ora } = await import("ora");
  const spinner = ora({
    text: "opening the database",
    stream: io.stderr as NodeJS.WritableStream,
    discardStdin: false,
  }).start();
  let shownMs = 0;
  const show = (text: string): void => {
    shownMs = io.now();
    spinner.text = text;
    // NOTE: batches are written synchronously, so ora's own timer seldom gets its turn.
    spinner.render();
  };
  return {
    begin: show,
    update: (describe) => {
      if (io.now() - shownMs >= INTERVAL_MS) show(describe());
    },
    stop: () => {
      spinner.stop();
    },
  };
}

/** `mainlog (1 of 3): 42 %, 120,000 lines`. */
export function describeIngest({ path, index, count, bytesRead, sizeBytes, lines }: IngestProgress): string {
  const place = count === 1 ? "" : ` (${index} of ${count})`;
  const share =
    sizeBytes === undefined || sizeBytes === 0
      ? formatBytes(bytesRead)
      : `${Math.floor((Math.min(bytesRead, sizeBytes) / sizeBytes) * 100)} %`;
  return `${toVisibleLine(path)}${place}: ${share}, ${formatCount(lines)} lines`;
}
