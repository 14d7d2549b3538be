/** The world outside as tests give it to the program: it stands still, and what is printed is kept. */
import { Readable, Writable } from "node:stream";
import type { Io } from "../../src/cli/io.ts";
import { NOW } from "./database.ts";

/** A world with what is given; else the time is UTC and fixed, the host is mx1, the environment empty and nothing a terminal. */
export function stillIo(given: Partial<Io> = {}): Io {
  return {
    stdin: Readable.from([]),
    stdout: new Screen(),
    stderr: new Screen(),
    env: {},
    now: () => NOW,
    hostname: "mx1",
    user: "root",
    requestId: "00000000-0000-4000-8000-000000000001",
    configFile: "/nowhere/exim-pilot.toml",
    systemRoot: "/nowhere",
    timeZone: "UTC",
    signal: new AbortController().signal,
    ...given,
  };
}

export interface ScreenOptions {
  readonly isTTY?: boolean;
  /** Width; that of a terminal is 80 unless given. */
  readonly columns?: number;
}

/** Keeps what is written. Can be moved about on like a terminal, which leaves no trace. */
export class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns?: number;
  readonly #chunks: Buffer[] = [];

  constructor({ isTTY = false, columns = isTTY ? 80 : undefined }: ScreenOptions = {}) {
    super();
    this.isTTY = isTTY;
    if (columns !== undefined) this.columns = columns;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  clearLine(): boolean {
    return true;
  }

  cursorTo(): boolean {
    return true;
  }

  moveCursor(): boolean {
    return true;
  }
}
