/** Colours of tags. */
import { PilotError } from "../errors.ts";

/** The sixteen basic names of CSS. */
const COLOURS: ReadonlyMap<string, string> = new Map([
  ["aqua", "#00ffff"],
  ["black", "#000000"],
  ["blue", "#0000ff"],
  ["fuchsia", "#ff00ff"],
  ["gray", "#808080"],
  ["green", "#008000"],
  ["lime", "#00ff00"],
  ["maroon", "#800000"],
  ["navy", "#000080"],
  ["olive", "#808000"],
  ["purple", "#800080"],
  ["red", "#ff0000"],
  ["silver", "#c0c0c0"],
  ["teal", "#008080"],
  ["white", "#ffffff"],
  ["yellow", "#ffff00"],
]);

/** `#rrggbb` of that form, in any case, or of a name. Errors: `usage`. */
export function toColour(text: string): string {
  const lower = text.toLowerCase();
  const colour = COLOURS.get(lower) ?? (/^#[0-9a-f]{6}$/.test(lower) ? lower : undefined);
  if (colour !== undefined) return colour;
  throw new PilotError("usage", `"${text}" is no colour.`, {
    hint: `Give #rrggbb, such as #c0392b, or one of ${[...COLOURS.keys()].join(", ")}.`,
  });
}
