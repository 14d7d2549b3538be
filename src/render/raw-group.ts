import type { RawGroup } from "../search/raw-groups.ts";
import type { Paint } from "./form/paint.ts";
import { toVisible } from "./form/terminal-text.ts";

/** In exigrep's form: a mark before a message that is not finished, its lines; empty lines between groups. */
export function renderRawGroup({ unfinishedId, lines }: RawGroup, paint: Paint): string {
  const mark = unfinishedId === undefined ? "" : `${paint.faint(`+++ ${unfinishedId} has not completed +++`)}\n`;
  const text = lines.map((line) => (line === undefined ? "(the text of this line has been pruned)" : toVisible(line)));
  return `${mark}${text.join("\n")}\n`;
}
