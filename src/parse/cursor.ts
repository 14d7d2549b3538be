/** A place in a line. Readers advance it past what they read, or leave it where it was and return undefined. */
export class Cursor {
  readonly text: string;
  position: number;

  constructor(text: string, position = 0) {
    this.text = text;
    this.position = position;
  }

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** The code at `offset` from the cursor; NaN past the end. */
  peek(offset = 0): number {
    return this.text.charCodeAt(this.position + offset);
  }

  /** Advances past `literal` and says true, or says false. */
  take(literal: string): boolean {
    const { text, position } = this;
    // NOTE: mostly the first character tells, and asking for it costs less.
    if (text.charCodeAt(position) !== literal.charCodeAt(0) || !text.startsWith(literal, position)) return false;
    this.position = position + literal.length;
    return true;
  }

  rest(): string {
    return this.text.slice(this.position);
  }
}
