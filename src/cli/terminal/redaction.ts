/** `--redact` beside the answer: one set of made-up names for all that a run prints, and no name in an error, a hint or a note. */
import type { Redactor } from "../../redact/redactor.ts";

/** The made-up names of a run; there are none as long as nobody asked for them. */
export class Redaction {
  readonly #typed: string;
  #names: Redactor | undefined;
  #servers: readonly string[] = [];

  /** `argv`: names that the user typed may be repeated in a sentence. */
  constructor(argv: readonly string[]) {
    this.#typed = argv.join("\n");
  }

  get names(): Redactor | undefined {
    return this.#names;
  }

  async turnOn(): Promise<void> {
    if (this.#names !== undefined) return;
    const { Redactor } = await import("../../redact/redactor.ts");
    this.#names ??= new Redactor();
  }

  /** Servers whose names the next sentences have. */
  hideServers(servers: readonly string[]): void {
    this.#servers = [...this.#servers, ...servers];
  }

  /** A sentence for the user as it may be shown. */
  sentence(text: string): string {
    return this.#names?.redactSentence(text, this.#typed, this.#servers) ?? text;
  }
}
