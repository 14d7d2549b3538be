import type { Pruner, RemovedRows } from "../store/pruner.ts";
import { TEXT_TABLES } from "../store/text-references.ts";
import type { Slices } from "./slices.ts";

/**
 * Removes the texts that no row names, while others add rows. In this order no row can come to name a text from when it was found
 * to be named by none until it is gone.
 */
export async function removeUnusedTexts(
  pruner: Pruner,
  slices: Pick<Slices, "each">,
  count: (removed: RemovedRows) => void,
): Promise<void> {
  pruner.indexLostTexts();
  const unused = pruner.unusedTexts();
  for (const table of TEXT_TABLES) await slices.each(unused[table], (texts) => pruner.hideTexts(table, texts));
  const hidden = pruner.recoverTexts(unused);
  for (const table of TEXT_TABLES) await slices.each(hidden[table], (ids) => count(pruner.removeTexts(table, ids)));
}
