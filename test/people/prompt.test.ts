/** The question for a password: what is typed is not shown, and the terminal is given back. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askHidden, canAsk } from "../../src/cli/terminal/hidden-prompt.ts";
import { errorOf } from "../support/pilot-error.ts";

interface Terminal {
  readonly stdin: PassThrough;
  readonly stderr: { readonly write: (text: string | Uint8Array) => void };
  readonly signal: AbortSignal;
  readonly stop: AbortController;
  /** Modes that it was given, and what it was shown. */
  readonly modes: readonly boolean[];
  readonly shown: readonly string[];
}

function terminal(): Terminal {
  const [modes, shown]: [boolean[], string[]] = [[], []];
  const setRawMode = (isRaw: boolean): void => void modes.push(isRaw);
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode });
  const stop = new AbortController();
  const write = (text: string | Uint8Array): void => void shown.push(String(text));
  return { stdin, stderr: { write }, signal: stop.signal, stop, modes, shown };
}

test.each<[typed: string, answer: string]>([
  ["correct horse\r", "correct horse"],
  ["correct horsf\u007fe\n", "correct horse"],
  ["a\b\b\bcorrect\r", "correct"],
  ["all wrong\u0015right\r", "right"],
  ["naïve 😀x\u007f\r", "naïve 😀"],
  ["\r", ""],
])("typing %j answers %j", async (typed, answer) => {
  const io = terminal();
  const asked = askHidden("Password: ", io);
  for (const byte of Buffer.from(typed)) io.stdin.write(Buffer.from([byte]));
  expect(await asked).toBe(answer);
  expect(io.modes).toEqual([true, false]);
  expect(io.shown).toEqual(["Password: ", "\n"]);
});

test.each<[what: string, end: (io: Terminal) => void]>([
  ["Ctrl-C", ({ stdin }) => void stdin.write("half\u0003")],
  ["Ctrl-D", ({ stdin }) => void stdin.write("\u0004")],
  ["a signal", ({ stop }) => stop.abort()],
  ["a terminal that goes away", ({ stdin }) => void stdin.end()],
])("%s ends it, and the terminal is as it was", async (_what, end) => {
  const io = terminal();
  const asked = errorOf(askHidden("Password: ", io));
  end(io);
  expect((await asked).code).toBe("interrupted");
  expect(io.modes).toEqual([true, false]);
});

test("two questions after each other have two answers", async () => {
  const io = terminal();
  io.stdin.write("first\r");
  expect(await askHidden("One: ", io)).toBe("first");
  io.stdin.write("second\r");
  expect(await askHidden("Two: ", io)).toBe("second");
});

test("nobody is asked where there is no terminal", () => {
  expect(canAsk({ stdin: new PassThrough() })).toBe(false);
  expect(canAsk(terminal())).toBe(true);
});
