/** All that a command knows of the world outside; tests give their own. */
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { Readable } from "node:stream";
import { type EpochMs, epochMs } from "../units.ts";

export interface OutputStream {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Io {
  readonly stdin: Readable;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => EpochMs;
  readonly hostname: string;
  /** Name of the user of the operating system. */
  readonly user: string;
  /** Tells this run from others in the audit log. */
  readonly requestId: string;
  /** Where the configuration is, unless it is named. */
  readonly configFile: string;
  /** IANA name of this machine's zone. */
  readonly timeZone: string;
  /** Aborts when the user or the system asks to stop. */
  readonly signal: AbortSignal;
}

const BROKEN_PIPE = "EPIPE";

/** The process itself. A reader that goes away (`| head`) is no error; SIGINT and SIGTERM abort, a second one kills. */
export function processIo(): Io {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== BROKEN_PIPE) throw error;
      controller.abort();
    });
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: () => epochMs(Date.now()),
    hostname: hostname(),
    user: userName(),
    requestId: randomUUID(),
    configFile: "/etc/exim-pilot.toml",
    timeZone: new Intl.DateTimeFormat("en").resolvedOptions().timeZone,
    signal: controller.signal,
  };
}

/** A user without a name, as in some containers, is known by its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
