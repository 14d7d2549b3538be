import { TUPLES } from "../store/prune/prune-plan.ts";
import type { Pruner, RemovedRows } from "../store/prune/pruner.ts";
import type { Slices } from "./slices.ts";

/** Rounds in which unused tuples are sought again after another process wrote; the rest stays until the next prune. */
const ROUNDS = 5;

/** Removes the ways of delivery and the reasons that no entry has any more. A run that reads logs may bring any of them back. */
export async function removeUnusedTuples(
  pruner: Pruner,
  slices: Pick<Slices, "each">,
  count: (removed: RemovedRows) => void,
): Promise<void> {
  for (const tuple of TUPLES) {
    let isDone = false;
    for (let round = 0; round < ROUNDS && !isDone; round++) {
      const unused = pruner.unusedTuples(tuple);
      isDone = true;
      await slices.each(unused.ids, (ids) => {
        const removed = isDone ? pruner.removeTuples(unused, ids) : undefined;
        if (removed === undefined) isDone = false;
        else count(removed);
      });
    }
  }
}
