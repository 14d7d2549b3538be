/** Small charts of block characters. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const FULL = "█";

/** A bar of up to `width` characters, exact to an eighth of one; any value above zero is visible. */
export function drawBar(value: number, most: number, width: number): string {
  if (value <= 0 || most <= 0) return "";
  const eighths = Math.max(Math.round((value / most) * width * EIGHTHS.length), 1);
  return FULL.repeat(Math.floor(eighths / EIGHTHS.length)) + (EIGHTHS[eighths % EIGHTHS.length] ?? "");
}

const LEVELS = "▁▂▃▄▅▆▇█";
const NOTHING = "·";

/** A character a value, `·` for zero; neighbours are added up when there are more than `width`. */
export function drawCurve(values: readonly number[], width: number): string {
  const sums = addNeighbours(values, width);
  const most = Math.max(...sums, 0);
  return sums
    .map((value) => (value <= 0 ? NOTHING : LEVELS.charAt(Math.ceil((value / most) * LEVELS.length) - 1)))
    .join("");
}

function addNeighbours(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values;
  const size = Math.ceil(values.length / width);
  const sums: number[] = [];
  values.forEach((value, index) => {
    const at = Math.floor(index / size);
    sums[at] = (sums[at] ?? 0) + value;
  });
  return sums;
}
