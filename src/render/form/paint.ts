/** Colour, where there is a terminal that wants it. */
import { Chalk, type ChalkInstance } from "chalk";

/** Meanings of the colours; a renderer never names a colour. */
export type Paint = Readonly<
  Record<"good" | "bad" | "waiting" | "plain" | "faint" | "strong", (text: string) => string>
>;

export function createPaint(hasColour: boolean): Paint {
  const chalk: ChalkInstance = new Chalk({ level: hasColour ? 1 : 0 });
  return {
    good: chalk.green,
    bad: chalk.red,
    waiting: chalk.yellow,
    plain: (text) => text,
    faint: chalk.dim,
    strong: chalk.bold,
  };
}
