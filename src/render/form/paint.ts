/** Colour, where there is a terminal that wants it. */
import { Chalk, type ChalkInstance } from "chalk";

/** Meanings of the colours; a renderer never names a colour. */
export type Paint = Readonly<
  Record<"good" | "bad" | "waiting" | "plain" | "faint" | "strong", (text: string) => string>
> & {
  /** On the colour `#rrggbb`, or the nearest that the terminal has; null: as it is. */
  readonly inColour: (colour: string | null, text: string) => string;
};

export function createPaint(hasColour: boolean): Paint {
  const chalk: ChalkInstance = new Chalk({ level: hasColour ? 1 : 0 });
  return {
    good: chalk.green,
    bad: chalk.red,
    waiting: chalk.yellow,
    plain: (text) => text,
    faint: chalk.dim,
    strong: chalk.bold,
    inColour: (colour, text) =>
      colour === null ? text : (isLight(colour) ? chalk.black : chalk.whiteBright).bgHex(colour)(text),
  };
}

/** Brightness above which black is read better than white. */
const LIGHT = 0x80;

function isLight(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[0-9a-f]{2}/gi) ?? []).map((part) => Number.parseInt(part, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT;
}
