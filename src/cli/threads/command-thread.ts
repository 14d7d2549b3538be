/** The thread that a command runs in; see start.ts. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { MessagePort } from "node:worker_threads";
import { heedStop } from "../../store/database/busy.ts";
import { processIo } from "../io.ts";
import { main, reportCrash } from "../main.ts";
import { streamsOfThread } from "../terminal/standard-streams.ts";

export interface ThreadStart {
  /** Without node and script. */
  readonly argv: readonly string[];
  /** Shared with the other thread: not 0 when the command is to end. */
  readonly stopFlag: Int32Array<SharedArrayBuffer>;
  /** Where compiled code is kept; undefined for nowhere. */
  readonly codeCache: string | undefined;
}

export type FromThread =
  | { readonly kind: "child"; readonly processId: number }
  | { readonly kind: "childEnded"; readonly processId: number }
  | { readonly kind: "ended"; readonly status: number };

/** Runs the command that `start` names; the other end of `port` hears how it ends. */
export function runInThread(port: MessagePort, start: ThreadStart): void {
  const { argv, stopFlag, codeCache } = start;
  const controller = new AbortController();
  port.on("message", () => controller.abort());
  port.unref();
  heedStop(stopFlag);
  tellChildren(port);
  const io = processIo(controller, streamsOfThread(), codeCache);
  process.once("uncaughtException", async (error) => {
    port.postMessage({ kind: "ended", status: await reportCrash(error, argv, io) } satisfies FromThread);
    process.exit();
  });
  // NOTE: not awaited here: of a command that waits for what never comes, the other thread tells; see start.ts.
  void main(argv, io).then((status) => port.postMessage({ kind: "ended", status } satisfies FromThread));
}

/** Tells of all children, wherever they are started, so that none is left when this thread can no longer end it. */
function tellChildren(port: MessagePort): void {
  subscribe("child_process", (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    const tell = (kind: "child" | "childEnded"): void => {
      if (child.pid !== undefined) port.postMessage({ kind, processId: child.pid } satisfies FromThread);
    };
    child.once("spawn", () => tell("child"));
    child.once("exit", () => tell("childEnded"));
  });
}
