/** Times after which a stream counts as paused: `pauseMs` without data, or `mostMs` for a stream that trickles without such a gap. Milliseconds. */
export interface Pause {
  readonly pauseMs: number;
  readonly mostMs: number;
}

/** A stream of bytes that can be looked into before it is read. A failure shows when reading reaches it, after the bytes before it. */
export class ByteStream {
  readonly #iterator: AsyncIterator<Buffer>;
  readonly #beginningBytes: number;
  #beginning: Buffer = Buffer.alloc(0);
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #awaited: Promise<IteratorResult<Buffer>> | undefined;
  #failure: unknown;

  /** `beginningBytes`: how much of its beginning is kept. */
  constructor(stream: AsyncIterable<Buffer>, beginningBytes = 0) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#beginningBytes = beginningBytes;
  }

  /** The first bytes of the stream, as far as they have come, whether passed or not. */
  get beginning(): Buffer {
    return this.#beginning;
  }

  /** The next bytes, up to `count`, without passing them; fewer when the stream ends or fails behind them. */
  async peek(count: number): Promise<Buffer> {
    while (this.#bufferedBytes < count && (await this.#fill()));
    return this.#show(count);
  }

  /** Like {@link peek}, but content with fewer bytes when there is a whole line and then a pause. */
  async peekUntilPause(count: number, pause: Pause): Promise<Buffer> {
    let hasLine = this.#buffered.some((chunk) => chunk.includes(NEWLINE));
    const patience = new Patience(pause);
    while (this.#bufferedBytes < count) {
      if (hasLine && !(await this.#comesWithin(patience.ms))) break;
      if (!(await this.#fill())) break;
      hasLine ||= this.#buffered.at(-1)?.includes(NEWLINE) === true;
    }
    patience.stop();
    return this.#show(count);
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

  /** The next bytes, until a pause. What comes later is still there. */
  async *untilPause(pause: Pause): AsyncGenerator<Buffer> {
    let patience: Patience | undefined;
    try {
      for (;;) {
        const chunk = await this.#next();
        if (chunk === undefined) return;
        patience ??= new Patience(pause);
        yield chunk;
        if (this.#bufferedBytes === 0 && !(await this.#comesWithin(patience.ms))) return;
      }
    } finally {
      patience?.stop();
    }
  }

  #show(count: number): Buffer {
    if (this.#bufferedBytes === 0 && this.#failure !== undefined) throw this.#failure;
    const bytes = Buffer.concat(this.#buffered);
    this.#buffered = bytes.length === 0 ? [] : [bytes];
    return bytes.subarray(0, count);
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
      const next = await this.#await();
      this.#awaited = undefined;
      if (next.done === true) return false;
      this.#buffered.push(next.value);
      this.#bufferedBytes += next.value.length;
      this.#keepBeginning(next.value);
      return true;
    } catch (error) {
      this.#failure = error;
      return false;
    }
  }

  /** True when more bytes, the end or a failure come in time. */
  async #comesWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const comes = this.#await().then(
      () => true,
      () => true,
    );
    const isThere = await Promise.race([comes, pause]);
    clearTimeout(timer);
    return isThere;
  }

  #await(): Promise<IteratorResult<Buffer>> {
    this.#awaited ??= this.#iterator.next();
    return this.#awaited;
  }

  #keepBeginning(chunk: Buffer): void {
    const missing = this.#beginningBytes - this.#beginning.length;
    if (missing > 0) this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, missing)]);
  }
}

const NEWLINE = 0x0a;

/** Time left to wait for more data. */
class Patience {
  ms: number;
  readonly #timer: NodeJS.Timeout;

  constructor({ pauseMs, mostMs }: Pause) {
    this.ms = pauseMs;
    this.#timer = setTimeout(() => {
      this.ms = 0;
    }, mostMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
