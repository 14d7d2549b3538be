/** A stream of bytes that can be looked into before it is read. A failure shows when reading reaches it, after the bytes before it. */
export class ByteStream {
  readonly #iterator: AsyncIterator<Buffer>;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #failure: unknown;

  constructor(stream: AsyncIterable<Buffer>) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** The next bytes, up to `count`, without passing them; fewer when the stream ends or fails behind them. */
  async peek(count: number): Promise<Buffer> {
    while (this.#bufferedBytes < count && (await this.#fill()));
    if (this.#bufferedBytes === 0 && this.#failure !== undefined) throw this.#failure;
    const bytes = Buffer.concat(this.#buffered);
    this.#buffered = bytes.length === 0 ? [] : [bytes];
    return bytes.subarray(0, count);
  }

  /** Passes `count` bytes, or all there are; returns how many, and up to `kept` of the last ones. */
  async skip(count: number, kept: number): Promise<{ readonly count: number; readonly lastBytes: Buffer }> {
    let passed = 0;
    let lastBytes: Buffer = Buffer.alloc(0);
    while (passed < count) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      const taken = chunk.subarray(0, count - passed);
      if (taken.length < chunk.length) this.#putBack(chunk.subarray(taken.length));
      passed += taken.length;
      lastBytes = taken.length >= kept ? taken.subarray(-kept) : Buffer.concat([lastBytes, taken]).subarray(-kept);
    }
    return { count: passed, lastBytes };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.#buffered.length === 0 && !(await this.#fill())) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    const chunk = this.#buffered.shift();
    this.#bufferedBytes -= chunk?.length ?? 0;
    return chunk;
  }

  #putBack(chunk: Buffer): void {
    this.#buffered.unshift(chunk);
    this.#bufferedBytes += chunk.length;
  }

  /** Reads on; false at the end of the stream and at a failure. */
  async #fill(): Promise<boolean> {
    if (this.#failure !== undefined) return false;
    try {
      const next = await this.#iterator.next();
      if (next.done === true) return false;
      this.#buffered.push(next.value);
      this.#bufferedBytes += next.value.length;
      return true;
    } catch (error) {
      this.#failure = error;
      return false;
    }
  }
}
