/** Derives all facts again from the stored lines: after the parser has become better, or a time zone was wrong. */
import { untilCaughtUp, type WorkingCopy } from "../store/working-copy.ts";

/**
 * `replay` reads into the copy what it lacks; then the copy takes the place of what is stored. False when it was stopped, with
 * nothing changed. Errors: `corrupt` when lines cannot be read; `busy`; those of the database.
 */
export async function rebuild(
  copy: WorkingCopy,
  replay: () => Promise<void>,
  { signal, onSwap }: { readonly signal: AbortSignal; readonly onSwap: () => void },
): Promise<boolean> {
  const isDone = await untilCaughtUp(
    copy,
    replay,
    () => signal.aborted,
    () => {
      onSwap();
      return copy.takePlace() || undefined;
    },
  );
  return isDone === true;
}
