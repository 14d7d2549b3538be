// The licences of what the program is distributed with: the packages in the bundle, and the driver beside it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Licences that ask for no more than their own text, and a notice where there is one, to be passed on. Any other is looked at by a person before it is added here. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  // The same without the duty to pass its text on.
  "MIT-0",
  "Unlicense",
]);

/** Installed beside the bundle, and passed on with it in packages that need no npm. */
const BESIDE = ["node_modules/better-sqlite3"];

const LICENCE_FILE = /^(licen[cs]e|copying)/i;
const NOTICE_FILE = /^notice/i;

/**
 * Makes the text of THIRD-PARTY-LICENSES: a section for each package with code in the bundle, told from esbuild's metafile. Throws for
 * a package whose licence is not allowed or whose text is missing.
 */
export function thirdPartyLicenses({ outputs }) {
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
  );
  const folders = new Set([...BESIDE, ...paths.flatMap((path) => packageFolder(path) ?? [])]);
  return [...folders].map(readPackage).sort(byName).map(toSection).join("\n");
}

/** `node_modules/a/node_modules/@b/c/index.js` → `node_modules/a/node_modules/@b/c`; undefined for a file of the project. */
function packageFolder(path) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

function readPackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (!choicesOf(license).some((choice) => ALLOWED.has(choice)))
    throw new Error(`${name} ${version} has the licence "${license}", which is not on the list.`);
  const files = readdirSync(folder).sort();
  const texts = files.filter((file) => LICENCE_FILE.test(file));
  if (texts.length === 0) throw new Error(`${name} ${version} comes without the text of its licence.`);
  const notices = files.filter((file) => NOTICE_FILE.test(file));
  const text = [...texts, ...notices].map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n");
  return { name, version, license, text };
}

/** Returns both licenses of `(MIT OR EUPL-1.1+)`: the receiver chooses. */
function choicesOf(license) {
  return String(license)
    .replace(/^\((.*)\)$/, "$1")
    .split(" OR ");
}

function byName(a, b) {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function toSection({ name, version, license, text }) {
  return `${"=".repeat(79)}\n${name} ${version} (${license})\n\n${text}\n`;
}
