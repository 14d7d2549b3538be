// Makes dist/: the program, the licences of what is in it, and its manual pages.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { bundle, renderManualPages } from "./bundle.mjs";
import { thirdPartyLicenses } from "./third-party-licenses.mjs";

// NOTE: `npm ci --ignore-scripts` leaves out the Node.js that the project brings, so that the machine's own runs this.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(
    `The project needs Node.js 22.15 or newer, and this is ${process.versions.node}: run npm ci without --ignore-scripts, which brings Node.js 24.`,
  );
  process.exit(1);
}

rmSync("dist", { recursive: true, force: true });
writeFileSync("dist/THIRD-PARTY-LICENSES", thirdPartyLicenses(await bundle("dist")));
const { version } = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("dist/man");
for (const [name, page] of await renderManualPages("dist", { version, date: newestDate() }))
  writeFileSync(`dist/man/${name}`, page);

/** The day of the newest change, so that a page is the same whenever it is built; of an unpacked source, the day its manifest was written. */
function newestDate() {
  const seconds = process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct");
  const date = seconds === undefined ? statSync("package.json").mtime : new Date(Number(seconds) * 1000);
  return date.toISOString().slice(0, 10);
}

function git(...words) {
  try {
    return execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
