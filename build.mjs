// Makes dist/: the program, the licences of what is in it, and its manual page.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";
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
writeFileSync("dist/exim-pilot.1", execFileSync(process.execPath, ["bin/exim-pilot.js", "completion", "man"]));
