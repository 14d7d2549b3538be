/**
 * Names of files as SQLite is to be given them. The command line switches URIs on, because only they can say how a file is to be
 * opened; a file whose own name would be taken for something else is named by a URI as well.
 */
import { resolve } from "node:path";

/** The name of the file at `path` and of nothing else: `file:x`, `:memory:` and names with blanks at their ends are files too. */
export function fileName(path: string): string {
  const isPlain = path === path.trim() && path !== "" && path !== ":memory:" && !path.startsWith("file:");
  return isPlain ? path : fileUri(path);
}

/** `file:///srv/mail%20log.db?immutable=1`. */
export function fileUri(path: string, parameters: Readonly<Record<string, string>> = {}): string {
  const place = resolve(path).split("/").map(encodeURIComponent).join("/");
  const query = new URLSearchParams(parameters).toString();
  return `file://${place}${query === "" ? "" : `?${query}`}`;
}
