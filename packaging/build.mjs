// Makes packages that need no Node.js on the machine: .deb, .rpm and a tar file, for amd64 and arm64, in packages/.
//
//   npm run package                                    all of them
//   npm run package -- --arch amd64 --format deb       one of them
//   npm run package -- --quick                         packed fast instead of small, to try them
//
// Node.js comes from npm packages whose content is pinned in node.json, everything else from this folder. dpkg-deb and rpmbuild are Debian's.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HERE = join(ROOT, "packaging");
const NODE = JSON.parse(readFileSync(join(HERE, "node.json"), "utf8"));
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const PROGRAM = "/usr/lib/exim-pilot";
const DESCRIPTION = "Flight recorder for Exim: reads its logs once, answers at once";

const ARCHITECTURES = {
  amd64: {
    npm: "x64",
    rpm: "x86_64",
    machine: "64-bit x86",
    multiarch: "x86_64-linux-gnu",
    loader: "/lib64/ld-linux-x86-64.so.2",
  },
  arm64: {
    npm: "arm64",
    rpm: "aarch64",
    machine: "64-bit ARM",
    multiarch: "aarch64-linux-gnu",
    loader: "/lib/ld-linux-aarch64.so.1",
  },
};
const FORMATS = { deb: makeDeb, rpm: makeRpm, tar: makeTar };

/** Content common to all packages, written so that equal sources make equal trees. */
const DATE = process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct") ?? "0";

const { values: wishes } = parseArgs({
  options: {
    arch: { type: "string", multiple: true, default: Object.keys(ARCHITECTURES) },
    format: { type: "string", multiple: true, default: Object.keys(FORMATS) },
    output: { type: "string", default: join(ROOT, "packages") },
    quick: { type: "boolean", default: false },
  },
});
for (const name of wishes.arch) if (!Object.hasOwn(ARCHITECTURES, name)) fail(`There is no architecture ${name}.`);
for (const name of wishes.format) if (!Object.hasOwn(FORMATS, name)) fail(`There is no format ${name}.`);
if (!existsSync(join(ROOT, "dist", "start.cjs"))) fail("dist/ is missing: run npm run build.");

mkdirSync(wishes.output, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "exim-pilot-package-"));
try {
  for (const name of wishes.arch) {
    const arch = { name, ...ARCHITECTURES[name] };
    const node = fetchNode(arch);
    for (const format of wishes.format) {
      const startedMs = Date.now();
      const path = FORMATS[format](arch, node);
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB, ${seconds} s`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** The folder of the npm package with Node.js for a machine, without what is needed only to debug it. */
function fetchNode({ npm: machine }) {
  const name = `node-linux-${machine}`;
  const { version, integrity } = NODE[name];
  const [packed] = JSON.parse(
    execFileSync(
      "npm",
      ["pack", `${name}@${version}`, "--json", "--loglevel", "error", "--pack-destination", scratch],
      {
        cwd: scratch,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      },
    ),
  );
  const file = join(scratch, packed.filename);
  const hash = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (hash !== integrity) fail(`${name} ${version} is not what packaging/node.json names: it has ${hash}.`);
  const folder = join(scratch, name);
  mkdirSync(folder);
  run("tar", ["-xzf", file, "-C", folder, "--strip-components=1", "package/bin/node", "package/LICENSE"]);
  rmSync(file);
  strip(join(folder, "bin", "node"), machine);
  return folder;
}

/** Takes the symbols away: 15 % of the file. Only the tools of a machine's own architecture, or LLVM's, can. */
function strip(file, machine) {
  const tools = [
    "llvm-strip",
    machine === process.arch ? "strip" : undefined,
    machine === "arm64" ? "aarch64-linux-gnu-strip" : "x86_64-linux-gnu-strip",
  ];
  const tool = tools.find((name) => name !== undefined && isInstalled(name));
  if (tool === undefined) console.log(`note: nothing here strips ${machine}, so its Node.js stays larger.`);
  else run(tool, [file]);
}

/** The program with its Node.js, which runs from any directory. */
function stageProgram(folder, arch, node) {
  const put = (from, to = from) => cpSync(join(ROOT, from), join(folder, to), { recursive: true });
  for (const path of ["bin", "dist", "schema", "contrib", "LICENSE", "CHANGELOG.md"]) put(path);
  rmSync(join(folder, "dist", "man"), { recursive: true });
  const driver = "node_modules/better-sqlite3";
  for (const path of ["lib", "LICENSE", "package.json", `prebuilds/linux-${arch.npm}.node`]) put(`${driver}/${path}`);
  const { name, version, license, type } = MANIFEST;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ name, version, license, type }, null, 2)}\n`);
  cpSync(join(node, "bin", "node"), join(folder, "bin", "node"));
  cpSync(join(node, "LICENSE"), join(folder, "LICENSE.node"));
  // Whatever the umask of the working copy was.
  run("chmod", ["-R", "u=rwX,go=rX", folder]);
}

/** Content common to .deb and .rpm; `format` decides where shells look for completions. */
function stageSystem(root, arch, node, format) {
  stageProgram(join(root, PROGRAM), arch, node);
  write(join(root, "usr/bin/exim-pilot"), starter(arch, PROGRAM), 0o755);
  for (const page of readdirSync(join(ROOT, "dist/man")))
    write(
      join(root, "usr/share/man/man1", `${page}.gz`),
      gzipSync(readFileSync(join(ROOT, "dist/man", page)), { level: 9 }),
    );
  const zsh = format === "deb" ? "vendor-completions" : "site-functions";
  write(join(root, "usr/share/bash-completion/completions/exim-pilot"), completion("bash"));
  write(join(root, `usr/share/zsh/${zsh}/_exim-pilot`), completion("zsh"));
  write(join(root, "usr/share/fish/vendor_completions.d/exim-pilot.fish"), completion("fish"));
  for (const unit of readdirSync(join(ROOT, "contrib/systemd"))) {
    const text = readFileSync(join(ROOT, "contrib/systemd", unit), "utf8");
    write(
      join(root, "usr/lib/systemd/system", unit),
      text.replaceAll("/usr/bin/env exim-pilot", "/usr/bin/exim-pilot"),
    );
  }
  write(join(root, "etc/exim-pilot.toml"), readFileSync(join(ROOT, "contrib/exim-pilot.toml")));
}

function makeDeb(arch, node) {
  const root = join(scratch, `deb-${arch.name}`);
  stageSystem(root, arch, node, "deb");
  const copyright = ["LICENSE", "dist/THIRD-PARTY-LICENSES"].map((path) => readFileSync(join(ROOT, path), "utf8"));
  copyright.push(`Node.js\n\n${readFileSync(join(node, "LICENSE"), "utf8")}`);
  write(join(root, "usr/share/doc/exim-pilot/copyright"), copyright.join(`\n${"=".repeat(79)}\n`));
  const control = [
    "Package: exim-pilot",
    `Version: ${MANIFEST.version}`,
    `Architecture: ${arch.name}`,
    "Maintainer: exim-pilot <root@localhost>",
    "Section: mail",
    "Priority: optional",
    `Installed-Size: ${kilobytes(root)}`,
    "Depends: libc6 (>= 2.34), libgcc-s1, libstdc++6 (>= 11), passwd",
    "Suggests: bzip2, xz-utils, zstd",
    `Description: ${DESCRIPTION}`,
    " exim-pilot reads main, reject and panic logs into one SQLite file, and tells",
    " what became of a message, of each of its recipients, and why. It brings its",
    " own Node.js.",
  ];
  write(join(root, "DEBIAN/control"), `${control.join("\n")}\n`);
  write(join(root, "DEBIAN/conffiles"), "/etc/exim-pilot.toml\n");
  const script = (name, guard, part) =>
    write(join(root, "DEBIAN", name), `#!/bin/sh\nset -e\n${guard}\n${scriptlet(part)}`, 0o755);
  script(
    "postinst",
    '[ "$1" = configure ] || exit 0\nif [ -z "$2" ]; then action=install; else action=upgrade; fi',
    "install",
  );
  script("prerm", '[ "$1" = remove ] || exit 0', "remove");
  script(
    "postrm",
    'if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n[ "$1" = purge ] || exit 0',
    "purge",
  );
  const path = join(wishes.output, `exim-pilot_${MANIFEST.version}_${arch.name}.deb`);
  const packing = wishes.quick ? ["-Zgzip", "-z1"] : ["-Zxz", "-z6"];
  run("dpkg-deb", ["--root-owner-group", ...packing, "--build", root, path]);
  rmSync(root, { recursive: true });
  return path;
}

function makeRpm(arch, node) {
  const root = join(scratch, `rpm-${arch.name}`);
  stageSystem(root, arch, node, "rpm");
  const bits = "()(64bit)";
  const spec = `Name: exim-pilot
Version: ${MANIFEST.version}
Release: 1
Summary: ${DESCRIPTION}
License: ${MANIFEST.license}
Group: System Environment/Daemons
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.34)(64bit), libstdc++.so.6(GLIBCXX_3.4.29)(64bit), libgcc_s.so.1${bits}
Requires(post): /usr/sbin/useradd, /usr/sbin/usermod, /usr/sbin/runuser
%description
exim-pilot reads main, reject and panic logs into one SQLite file, and tells what became of a message, of each of its recipients, and why.
It brings its own Node.js. The database stays when the package is removed.
%files
%defattr(-,root,root)
%config(noreplace) /etc/exim-pilot.toml
/usr/bin/exim-pilot
${PROGRAM}
/usr/lib/systemd/system/*
/usr/share/man/man1/*
/usr/share/bash-completion/completions/exim-pilot
/usr/share/zsh/site-functions/_exim-pilot
/usr/share/fish/vendor_completions.d/exim-pilot.fish
%post
if [ "$1" -gt 1 ]; then action=upgrade; else action=install; fi
${scriptlet("install")}
%preun
[ "$1" -eq 0 ] || exit 0
${scriptlet("remove")}
%postun
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;
  const folder = join(scratch, `rpmbuild-${arch.name}`);
  write(join(folder, "exim-pilot.spec"), spec);
  const defines = {
    _topdir: folder,
    _rpmdir: folder,
    _build_id_links: "none",
    debug_package: "%{nil}",
    __os_install_post: "%{nil}",
    _binary_payload: wishes.quick ? "w1.gzdio" : "w6T0.xzdio",
    source_date_epoch_from_changelog: "0",
    clamp_mtime_to_source_date_epoch: "1",
  };
  const words = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  run("rpmbuild", [
    "-bb",
    "--quiet",
    "--target",
    `${arch.rpm}-linux`,
    "--buildroot",
    root,
    ...words,
    join(folder, "exim-pilot.spec"),
  ]);
  const name = `exim-pilot-${MANIFEST.version}-1.${arch.rpm}.rpm`;
  const path = join(wishes.output, name);
  cpSync(join(folder, arch.rpm, name), path);
  rmSync(root, { recursive: true, force: true });
  rmSync(folder, { recursive: true });
  return path;
}

function makeTar(arch, node) {
  const name = `exim-pilot-${MANIFEST.version}-linux-${arch.name}`;
  const folder = join(scratch, name);
  stageProgram(folder, arch, node);
  // The starter finds its own directory, also through a link.
  write(join(folder, "exim-pilot"), starter(arch, '$(dirname "$(readlink -f "$0")")'), 0o755);
  cpSync(join(ROOT, "dist/man"), join(folder, "man/man1"), { recursive: true });
  for (const shell of ["bash", "zsh", "fish"])
    write(join(folder, `completions/exim-pilot.${shell}`), completion(shell));
  const ending = wishes.quick ? "tar.gz" : "tar.xz";
  const path = join(wishes.output, `${name}.${ending}`);
  const packing = wishes.quick ? "gzip -1" : "xz -6 -T0";
  run("tar", [
    "-C",
    scratch,
    "--sort=name",
    `--mtime=@${DATE}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "-I",
    packing,
    "-cf",
    path,
    name,
  ]);
  rmSync(folder, { recursive: true });
  return path;
}

function starter({ loader, machine, multiarch }, program) {
  const values = { PROGRAM: program, MULTIARCH: multiarch, LOADER: loader, MACHINE: machine };
  return readFileSync(join(HERE, "exim-pilot.sh"), "utf8").replaceAll(/@([A-Z]+)@/g, (_, name) => values[name]);
}

function scriptlet(name) {
  return readFileSync(join(HERE, "scripts", `${name}.sh`), "utf8");
}

function completion(shell) {
  return execFileSync(process.execPath, [join(ROOT, "bin/exim-pilot.js"), "completion", shell]);
}

function write(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

function kilobytes(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + Math.ceil(statSync(join(parentPath, name)).size / 1024), 0);
}

function isInstalled(command) {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Undefined where there is no git, as in an unpacked source. */
function git(...words) {
  try {
    return execFileSync("git", words, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

function run(command, words) {
  const env = { ...process.env, SOURCE_DATE_EPOCH: DATE, LC_ALL: "C.UTF-8" };
  try {
    execFileSync(command, words, { env, stdio: ["ignore", "ignore", "inherit"] });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    fail(`${command} is missing: on Debian it comes with dpkg, rpm or tar.`);
  }
}

function fail(sentence) {
  throw new Error(sentence);
}
