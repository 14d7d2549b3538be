import type { ViewDescription } from "../store/public-views.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";

/** Renders each view with its content and its columns. */
export function renderViews(
  views: readonly ViewDescription[],
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): string {
  const sections = views.map((view) => {
    const text = renderHanging("  ", view.text, 2, columns);
    return `${paint.strong(view.name)}\n${text}\n${paint.faint(renderHanging("    ", view.columns.join(", "), 4, columns))}`;
  });
  return `${sections.join("\n")}\n`;
}
