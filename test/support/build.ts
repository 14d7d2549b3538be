/** Before any test: `sql` runs its statement by what is in `dist`, and so do tests of the program as it is installed. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** `npm test` has built it; a single test that is run by hand may meet an older build, or none. */
export function setup(): void {
  const built = join(ROOT, "dist", "start.cjs");
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).map((path) =>
    join(ROOT, "src", path),
  );
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT });
}
