/** Numbers that are sorted, the smallest first. */

/** Index of the first of them that is greater than `number`, by halving; their count where none is. */
export function firstAfter(sorted: readonly number[], number: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
