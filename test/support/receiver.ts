/** A receiver of notifications over HTTP that answers as it is told: well, not yet, not at all, for ever, or not to the end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/**
 * - `ok`: takes it. `busy`: 429 with Retry-After. `bad_gateway`: takes nothing. `hang`: takes it and never answers.
 * - `reset`: takes it and ends the connection. `lost`: the connection ends before it is read. `redirect`: to another address. `endless`:
 *   takes it, and its answer has no end. `cut`: takes it, and ends in the middle of its answer. `unauthorized`, `gone`: takes nothing.
 */
export type Manner =
  | "ok"
  | "busy"
  | "bad_gateway"
  | "hang"
  | "reset"
  | "lost"
  | "redirect"
  | "endless"
  | "cut"
  | "unauthorized"
  | "gone";

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly manner: Manner;
}

/** Manners in which the receiver has the notification, whatever the sender gets to know. */
const TAKES: ReadonlySet<Manner> = new Set(["ok", "hang", "reset", "endless", "cut"]);

export class Receiver {
  readonly requests: ReceivedRequest[] = [];
  /** Times that a notification was taken, by its idempotency key: a receiver that knows these keys takes each once. */
  readonly taken = new Map<string, number>();
  /** Requests that began to arrive. */
  arrivals = 0;
  /** Bytes that were sent as answers. */
  sentBytes = 0;
  /** Manner of the next answer. */
  next: () => Manner = () => "ok";
  /** Milliseconds before each answer. */
  delayMs: () => number = () => 0;
  /** Body of a good answer. */
  answer = "{}";
  retryAfter = "1";
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts one on this machine. It ends with the test. */
  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      receiver.#handle(request, response).catch(() => request.destroy());
    });
    const receiver = new Receiver(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => receiver.stop());
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.arrivals++;
    const manner = this.next();
    if (manner === "lost") {
      request.socket.destroy();
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method = "", url = "", headers } = request;
    this.requests.push({ method, path: url, headers, body: Buffer.concat(pieces).toString(), manner });
    const key = headers["idempotency-key"];
    if (TAKES.has(manner) && typeof key === "string") this.taken.set(key, (this.taken.get(key) ?? 0) + 1);
    await sleep(this.delayMs());
    this.#reply(manner, request, response);
  }

  #reply(manner: Manner, request: IncomingMessage, response: ServerResponse): void {
    switch (manner) {
      case "ok":
        response.writeHead(200, { "content-type": "application/json" }).end(this.answer);
        return;
      case "busy":
        response.writeHead(429, { "retry-after": this.retryAfter }).end("too many");
        return;
      case "bad_gateway":
        response.writeHead(502).end("bad gateway");
        return;
      case "redirect":
        response.writeHead(302, { location: `${this.url}/elsewhere` }).end();
        return;
      case "unauthorized":
        response.writeHead(401).end("who are you?");
        return;
      case "gone":
        response.writeHead(404).end("no such place");
        return;
      case "reset":
        request.socket.resetAndDestroy();
        return;
      case "cut":
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"id":', () => request.socket.destroy());
        return;
      case "endless":
        response.writeHead(200);
        this.#pour(response);
        return;
      case "hang":
      case "lost":
        return;
    }
  }

  /** A gigabyte, as fast as it is read. */
  #pour(response: ServerResponse): void {
    const piece = Buffer.alloc(65_536, 0x20);
    const pour = (): void => {
      while (this.sentBytes < 2 ** 30 && !response.destroyed) {
        this.sentBytes += piece.length;
        if (!response.write(piece)) {
          response.once("drain", pour);
          return;
        }
      }
      response.end();
    };
    pour();
  }
}
