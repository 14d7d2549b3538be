import { PilotError } from "../errors.ts";
import type { StoredSource } from "../store/read/source-reader.ts";

/**
 * The stored log that `wanted` names: by its id, by its path, or by the end of its path (`mainlog.1`, `exim4/mainlog`).
 * Errors: `not_found`; `usage` when it names several.
 */
export function findSource(sources: readonly StoredSource[], wanted: string): StoredSource {
  const found = [byId, byPath, byEndOfPath].map((isNamed) => sources.filter((source) => isNamed(source, wanted)));
  const [source, ...others] = found.find((matches) => matches.length > 0) ?? [];
  if (source === undefined) {
    throw new PilotError("not_found", `No log that is stored has the id or the path "${wanted}".`, {
      hint: "`exim-pilot sources` lists them.",
    });
  }
  if (others.length > 0) {
    const list = [source, ...others].map(({ id, server, path }) => `${id} (${path} of ${server})`).join(", ");
    throw new PilotError("usage", `Several logs that are stored have the path "${wanted}".`, {
      hint: `Give one by its id: ${list}.`,
    });
  }
  return source;
}

function byId({ id }: StoredSource, wanted: string): boolean {
  return String(id) === wanted;
}

function byPath({ path }: StoredSource, wanted: string): boolean {
  return path === wanted;
}

function byEndOfPath({ path }: StoredSource, wanted: string): boolean {
  return path.endsWith(`/${wanted}`);
}
