/** A question on the terminal whose answer is not shown. */
import type { ReadStream } from "node:tty";
import { PilotError } from "../../errors.ts";
import type { Io } from "../io.ts";

const [ENTER, LINE_FEED, INTERRUPT, END, BACKSPACE, DELETE, ERASE_LINE] = [
  "\r",
  "\n",
  "\u0003",
  "\u0004",
  "\b",
  "\u007f",
  "\u0015",
];

/** True when there is a terminal to ask on. */
export function canAsk({ stdin }: Pick<Io, "stdin">): boolean {
  const { isTTY, setRawMode } = stdin as Partial<ReadStream>;
  return isTTY === true && setRawMode !== undefined;
}

/** Asks on the terminal that {@link canAsk} has found, and gives it back as it was. Errors: `interrupted`, by Ctrl-C, Ctrl-D or a signal. */
export async function askHidden(question: string, io: Pick<Io, "stdin" | "stderr" | "signal">): Promise<string> {
  const terminal = io.stdin as ReadStream;
  io.stderr.write(question);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = "";
  const interrupt = (): void =>
    reject(new PilotError("interrupted", "No password was given; nothing was changed.", { hint: "Run it again." }));
  const onData = (data: Buffer | string): void => {
    for (const character of String(data)) {
      if (character === ENTER || character === LINE_FEED) {
        resolve(answer);
        return;
      }
      if (character === INTERRUPT || character === END) interrupt();
      else if (character === ERASE_LINE) answer = "";
      else if (character === BACKSPACE || character === DELETE) answer = [...answer].slice(0, -1).join("");
      else answer += character;
    }
  };
  const onEnd = (): void => interrupt();
  terminal.setEncoding("utf8");
  terminal.setRawMode(true);
  terminal.on("data", onData).once("end", onEnd).resume();
  io.signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await promise;
  } finally {
    io.signal.removeEventListener("abort", interrupt);
    terminal.off("data", onData).off("end", onEnd).pause();
    terminal.setRawMode(false);
    io.stderr.write("\n");
  }
}
