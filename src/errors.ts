/**
 * The one error class for operational failures: what a user can run into and do something about.
 * Bugs are ordinary errors and keep their stack; a strange log line is data and never an error.
 */

/** Exit status by error code; documented in docs/reference.md and shown by `exim-pilot help exit-codes`. */
export const EXIT_STATUS = {
  not_found: 1,
  check_failed: 1,
  usage: 2,
  unreadable: 3,
  not_a_log: 3,
  in_use: 3,
  io: 3,
  timeout: 3,
  memory: 3,
  exists: 3,
  busy: 3,
  corrupt: 3,
  disk_full: 3,
  read_only: 3,
  not_a_database: 3,
  driver: 3,
  schema_older: 3,
  migration: 3,
  schema_newer: 4,
  interrupted: 130,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_STATUS;

/** Exit status of a bug: an error that is not a {@link PilotError}. */
export const EXIT_BUG = 70;

export interface PilotErrorOptions {
  /** Advice to the user: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Servers that the sentences name without quotes, which `--redact` hides. */
  readonly servers?: readonly string[];
  /** Keys that `--json` prints beside them. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An operational failure: a code, a full sentence naming the file or table, a hint and the cause. */
export class PilotError extends Error {
  override readonly name = "PilotError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly servers: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: PilotErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.servers = options.servers ?? [];
    this.details = options.details ?? {};
  }
}
