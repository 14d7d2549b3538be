import type { Pruner, RemovedRows } from "../store/prune/pruner.ts";
import { TEXT_TABLES } from "../store/schema/text-references.ts";
import type { Slices } from "./slices.ts";

/**
 * Removes the texts that no row names, while others add rows. A text is first hidden, then the rows are read once more if anybody has
 * written meanwhile: those rows that came before it was hidden are seen then, and those that came after have taken it back.
 */
export async function removeUnusedTexts(
  pruner: Pruner,
  slices: Pick<Slices, "each" | "through">,
  count: (removed: RemovedRows) => void,
): Promise<void> {
  for (const table of TEXT_TABLES)
    await slices.each(pruner.textsHiddenByOthers(table), (ids) => pruner.recoverTexts(table, ids));
  const found = await slices.through(pruner.unusedTexts());
  for (const table of TEXT_TABLES) await slices.each(found[table], (texts) => pruner.hideTexts(table, texts));
  const hidden = await slices.through(pruner.hiddenTexts(found));
  for (const table of TEXT_TABLES) {
    const { used, unused } = hidden[table];
    await slices.each(used, (ids) => pruner.recoverTexts(table, ids));
    await slices.each(unused, (ids) => count(pruner.removeTexts(table, ids)));
  }
}
