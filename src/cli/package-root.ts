import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the package, whether this runs bundled or from its source. */
export function findPackageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "package.json"))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error("exim-pilot is not installed whole: its package.json is missing.");
    directory = parent;
  }
  return directory;
}

export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(findPackageRoot(), "package.json"), "utf8")) as { version: string };
  return version;
}
