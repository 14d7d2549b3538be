/**
 * Checkpoints in another thread: pages go from the log to the database, and to the disk, while this thread stores on.
 *
 *     open, checkpoint            ──▶
 *                                 ◀──   done
 *     checkpoint                  ──▶
 */
import Database from "better-sqlite3";
import type { Port, Thread } from "../../threads.ts";
import { fileName } from "../files/file-name.ts";
import type { Writer } from "./writer.ts";

type ToCheckpoints = { readonly kind: "open"; readonly path: string } | { readonly kind: "checkpoint" };

/** Checkpoints of the database of one writer, in a thread that is started with the first of them. */
export class Checkpoints {
  readonly #writer: Pick<Writer, "path" | "leaveCheckpoints">;
  readonly #startThread: () => Thread;
  #thread: Thread | undefined;
  #isAtWork = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(writer: Pick<Writer, "path" | "leaveCheckpoints">, startThread: () => Thread) {
    this.#writer = writer;
    this.#startThread = startThread;
  }

  /** Has what is committed written to the database, unless the thread is at work. A bug in that thread is thrown. */
  request(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isAtWork) return;
    this.#thread ??= this.#newThread();
    this.#isAtWork = true;
    this.#thread.postMessage({ kind: "checkpoint" } satisfies ToCheckpoints);
  }

  /** Waits for a checkpoint that is under way; the writer makes its own again. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#thread = undefined;
    this.#writer.leaveCheckpoints(false);
    await thread.terminate();
  }

  #newThread(): Thread {
    const thread = this.#startThread();
    thread.on("message", () => {
      this.#isAtWork = false;
    });
    thread.on("error", (error) => {
      this.#failure ??= { error };
    });
    this.#writer.leaveCheckpoints(true);
    thread.postMessage({ kind: "open", path: this.#writer.path } satisfies ToCheckpoints);
    return thread;
  }
}

/** The other thread's side. A checkpoint that fails is tried again with the next one, and by the writer, who reports it. */
export function serveCheckpoints(port: Port): void {
  let database: Database.Database | undefined;
  port.on("close", () => database?.close());
  port.on("message", (value) => {
    const message = value as ToCheckpoints;
    if (message.kind === "open") database = new Database(fileName(message.path), { fileMustExist: true });
    else {
      tryCheckpoint(database);
      port.postMessage("done");
    }
  });
}

function tryCheckpoint(database: Database.Database | undefined): void {
  try {
    database?.pragma("wal_checkpoint(PASSIVE)");
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
  }
}
