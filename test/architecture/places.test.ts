/** No file names a machine or a registry. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, trackedFiles } from "./modules.ts";

describe("the program", () => {
  test("names no machine and no package registry", () => {
    const files = trackedFiles();
    expect(files).toContain("package-lock.json");
    expect(files.flatMap((path) => checkPlaces(path, readFileSync(join(ROOT, path), "latin1")))).toEqual([]);
  });
});

describe("the check of places", () => {
  const place = (...parts: string[]): string => ["", ...parts].join("/");

  test.each([
    place("work", "main"),
    place("home", "somebody", "exim-pilot"),
    place("root"),
    place("root", ".npmrc"),
    place("Users", "somebody"),
    `https:${place("", "registry.example.org", "x.tgz")}`,
    `http:${place("", "npm.mirror.example:4873", "")}`,
    `registry${"="}http://somewhere`,
  ])("finds %s", (text) => {
    expect(checkPlaces("README.md", `see\n${text}\n`)).toHaveLength(1);
    expect(checkPlaces("src/x.ts", `"${text}"`.replace(/^"registry=/, "registry="))).toHaveLength(1);
  });

  test("leaves the homes of the lab's users, other paths and other hosts alone", () => {
    const text = `${place("home", "carol", "Maildir")} src${place("work", "x")} https://www.npmjs.com/package/x ${place("rooted")}`;
    expect(checkPlaces("README.md", text)).toEqual([]);
  });

  test("leaves what the logs of the corpus say alone", () => {
    expect(checkPlaces("fixtures/corpus/all/mainlog", `cwd=${place("root")}`)).toEqual([]);
    expect(checkPlaces("fixtures/corpus/all/mainlog", place("work", "main"))).toHaveLength(1);
  });
});

/** Users of the machine the corpus was made on; their homes are in its logs. */
const LAB_USERS = "archive|bob|carol|vmail";

const OWN_MACHINE = new RegExp(`(?<![\\w.])/(?:work/|(?:home|Users)/(?!(?:${LAB_USERS})\\b))`);

const ADMIN_HOME = new RegExp(`(?<![\\w.])/${"root"}\\b`);

const REGISTRY =
  /https?:\/\/(?:[^/\s"]*\.)?(?:registry|npm|artifactory|nexus|verdaccio|mirrors?)[.:][^\s"]*|^\s*(?:@\S+:)?registry\s*=/m;

/** A log may speak of the home of root: Exim runs as root. */
function checkPlaces(path: string, text: string): string[] {
  const forms = path.startsWith("fixtures/") ? [OWN_MACHINE, REGISTRY] : [OWN_MACHINE, ADMIN_HOME, REGISTRY];
  return forms.flatMap((form) => {
    const found = form.exec(text);
    return found === null ? [] : [`${path}: names ${found[0]}`];
  });
}
