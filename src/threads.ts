/** Threads as the rest of the program knows them; the command line starts them. */

/** One end of what joins two threads, such as the `parentPort` of a worker. */
export interface Port {
  readonly postMessage: (message: unknown, transfer?: readonly ArrayBuffer[]) => void;
  readonly on: (event: string, listener: (value: unknown) => void) => unknown;
}

/** Another thread, such as a `Worker`. */
export interface Thread extends Port {
  readonly terminate: () => Promise<unknown>;
}
