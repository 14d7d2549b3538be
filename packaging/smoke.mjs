// Installs the packages of this machine's architecture in a clean Debian, and uses them where no Node.js is: needs root and debootstrap.
//
//   npm run test:packages                      makes the packages first
//   npm run test:packages -- --packages DIR    takes those of a folder

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ARCH = { x64: "amd64", arm64: "arm64" }[process.arch];
const ID = "1vx5YS-0006QZ-1J";
const DB = "/var/lib/exim-pilot/mail.db";
const LOG = `2026-03-02 05:40:05 ${ID} <= a@example.org H=h [192.0.2.1] P=esmtpsa A=plain:alice S=300
2026-03-02 05:40:05 ${ID} => b@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.2]
2026-03-02 05:40:05 ${ID} Completed
`;

const { values: wishes } = parseArgs({ options: { packages: { type: "string" }, root: { type: "string" } } });
const scratch = mkdtempSync(join(tmpdir(), "exim-pilot-smoke-"));
try {
  const packages = wishes.packages ?? makePackages();
  const clean = wishes.root ?? makeCleanRoot();
  testDeb(packages, clean);
  testTar(packages, clean);
  testRpm(packages);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function makePackages() {
  const folder = join(scratch, "packages");
  run("npm", ["run", "--silent", "package", "--", "--quick", "--arch", ARCH, "--output", folder], {
    cwd: ROOT,
    stdio: "inherit",
  });
  return folder;
}

/** A Debian with nothing but what every Debian has, from where this machine gets its packages. */
function makeCleanRoot() {
  const folder = join(scratch, "root");
  const [, suite] = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  const filters = [`Codename: ${suite}`, "Component: main"];
  const [source] = run("apt-get", ["indextargets", "--format", "$(REPO_URI)", ...filters]).split("\n");
  assert(source, `apt knows no packages of ${suite}: run apt-get update.`);
  run("debootstrap", ["--variant=minbase", suite, folder, source]);
  return folder;
}

function testDeb(packages, root) {
  const { inside, as, put } = openRoot(root);
  assert.equal(
    inside("sh", "-c", "command -v node || echo none").stdout,
    "none\n",
    "The root is not clean: it has a Node.js.",
  );
  put("var/log/exim4/mainlog", LOG);
  inside("chown", "-R", "root:adm", "/var/log/exim4");
  inside("chmod", "640", "/var/log/exim4/mainlog");
  cpSync(join(packages, find(packages, `_${ARCH}.deb`)), join(root, "tmp/exim-pilot.deb"));

  const { stdout } = inside("dpkg", "-i", "/tmp/exim-pilot.deb");
  assert.match(stdout, /run: exim-pilot setup/);
  assert.match(inside("id", "-nG", "exim-pilot").stdout, /\badm\b/, "The user may not read the logs.");
  for (const directory of ["/var/lib/exim-pilot", "/etc/exim-pilot"])
    assert.equal(inside("stat", "-c", "%a %U", directory).stdout, "700 exim-pilot\n");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a form of dpkg-query.
  assert.match(inside("dpkg-query", "-W", "-f", "${Conffiles}", "exim-pilot").stdout, /\/etc\/exim-pilot\.toml/);

  useProgram((...words) => as("exim-pilot", "/usr/bin/exim-pilot", ...words, "--db", DB), "/var/log/exim4/mainlog");
  assert.equal(inside("stat", "-c", "%a %U", "/var/lib/exim-pilot/mail.db").stdout, "600 exim-pilot\n");

  // Set up without systemd, and for a group: what is new in the log is read by what cron would run, and its members may ask.
  inside("mkdir", "-p", "/etc/cron.d");
  assert.match(inside("exim-pilot", "setup", "--dry-run").stdout, /steps? to do/);
  inside("exim-pilot", "setup", "--group", "users");
  assert.equal(inside("stat", "-c", "%a %G", "/var/lib/exim-pilot").stdout, "2750 users\n");
  put("var/log/exim4/mainlog", LOG + LOG.replaceAll("1vx5YS", "1vx5YT"));
  as("exim-pilot", "exim-pilot", "ingest", "--quiet", "--server", "mx1", "--timezone", "UTC");
  assert.equal(inside("stat", "-c", "%a %U %G", "/var/lib/exim-pilot/mail.db").stdout, "640 exim-pilot users\n");
  const reader = inside("runuser", "-u", "nobody", "-g", "users", "--", "exim-pilot", "trace", "1vx5YT-0006QZ-1J");
  assert.match(reader.stdout, /delivered {2}on mx1/);
  assert.match(inside("cat", "/etc/cron.d/exim-pilot").stdout, /exim-pilot ingest --quiet/);
  inside("exim-pilot", "setup", "--remove");
  assert(!existsSync(join(root, "etc/cron.d/exim-pilot")), "--remove left the crontab.");

  // Installed again, it is an upgrade: the database is looked at, and nothing is asked of the administrator.
  assert.doesNotMatch(inside("dpkg", "-i", "/tmp/exim-pilot.deb").stdout, /exim-pilot: /);
  inside("dpkg", "-r", "exim-pilot");
  assert(existsSync(join(root, "var/lib/exim-pilot/mail.db")), "The removal took the database away.");
  assert(existsSync(join(root, "etc/exim-pilot.toml")), "The removal took the configuration away.");
  inside("dpkg", "-P", "exim-pilot");
  for (const path of ["var/lib/exim-pilot", "etc/exim-pilot", "etc/exim-pilot.toml", "usr/lib/exim-pilot"])
    assert(!existsSync(join(root, path)), `The purge left /${path}.`);
  console.log("deb: installed, used, upgraded, removed and purged in a clean Debian.");
}

function testTar(packages, root) {
  const { inside, as } = openRoot(root);
  const place = "opt/some where";
  mkdirSync(join(root, place), { recursive: true });
  run("tar", [
    "-xf",
    join(packages, find(packages, `-linux-${ARCH}.tar.`)),
    "-C",
    join(root, place),
    "--strip-components=1",
  ]);
  inside("mkdir", "-p", "/usr/local/bin", "/tmp/mail");
  inside("chmod", "777", "/tmp/mail");
  inside("ln", "-sf", `/${place}/exim-pilot`, "/usr/local/bin/exim-pilot");
  useProgram(
    (...words) => as("nobody", "exim-pilot", ...words, "--db", "/tmp/mail/mail.db"),
    "/tmp/mail/mainlog",
    () => writeFileSync(join(root, "tmp/mail/mainlog"), LOG),
  );
  // One sentence where the libraries are too old.
  inside("touch", "/lib64/libc-2.28.so");
  const { status, stderr } = openRoot(root, false).inside("exim-pilot", "--version");
  assert.deepEqual({ status, lines: stderr.trim().split("\n").length }, { status: 3, lines: 1 });
  assert.match(stderr, /needs glibc 2\.34/);
  inside("rm", "-rf", "/lib64/libc-2.28.so", "/usr/local/bin/exim-pilot", `/${place}`, "/tmp/mail");
  console.log("tar: used from a directory with a blank in its name, through a link, by an unprivileged user.");
}

/** Read and unpacked; its scriptlets are for another system. */
function testRpm(packages) {
  const file = join(packages, find(packages, { amd64: ".x86_64.rpm", arm64: ".aarch64.rpm" }[ARCH]));
  const query = (...words) => run("rpm", ["-qp", ...words, file]);
  const files = query("--list").split("\n");
  for (const path of [
    "/usr/bin/exim-pilot",
    "/usr/lib/exim-pilot/bin/node",
    "/usr/lib/systemd/system/exim-pilot-ingest.timer",
    "/usr/share/man/man1/exim-pilot-trace.1.gz",
    "/usr/lib/exim-pilot/schema/json/answers.json",
  ])
    assert(files.includes(path), `${path} is missing.`);
  assert.match(query("--configfiles"), /exim-pilot\.toml/);
  assert.match(query("--requires"), /GLIBC_2\.34/);
  const scripts = query("--scripts");
  for (const part of ["useradd", "migrate", "systemctl disable --now"])
    assert(scripts.includes(part), `${part} is missing.`);
  assert(!scripts.includes("rm -rf"), "The removal takes the database away.");
  const folder = join(scratch, "rpm");
  mkdirSync(folder);
  for (const script of ["%{POSTIN}", "%{PREUN}", "%{POSTUN}"])
    run("sh", ["-n"], { input: query("--queryformat", script) });
  run("rpm", ["--install", "--nodeps", "--noscripts", "--root", folder, file]);
  assert.match(
    run(join(folder, "usr/lib/exim-pilot/bin/node"), [
      join(folder, "usr/lib/exim-pilot/bin/exim-pilot.js"),
      "--version",
    ]),
    /^\d/,
  );
  console.log("rpm: its files, needs and scriptlets were read; it was unpacked, and not installed.");
}

function useProgram(program, log, prepare = () => {}) {
  prepare();
  assert.match(
    program("ingest", "--server", "mx1", "--timezone", "UTC", log).stdout,
    /^Stored 3 lines in \S+: 1 new message/,
  );
  assert.match(program("trace", ID).stdout, /delivered {2}on mx1/);
  assert.match(
    program("stats", "--since", "2026-03-02", "--until", "2026-03-02").stdout,
    /example|Delivered|delivered/,
  );
  assert.match(program("verify").stdout, /./);
}

function openRoot(root, isStrict = true) {
  const inside = (...words) => {
    // NOTE: a path of its own, on which no Node.js of this machine is.
    const env = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C.UTF-8",
      DEBIAN_FRONTEND: "noninteractive",
    };
    const result = spawnSync("chroot", [root, ...words], { env, encoding: "utf8" });
    if (isStrict) assert.equal(result.status, 0, `${words.join(" ")}: ${result.stderr}`);
    return result;
  };
  return {
    inside,
    as: (user, ...words) => inside("runuser", "-u", user, "--", ...words),
    put: (path, text) => {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), text);
    },
  };
}

function find(folder, part) {
  const name = readdirSync(folder).find((file) => file.includes(part));
  assert(name !== undefined, `There is no ${part} in ${folder}.`);
  return name;
}

function run(command, words, options = {}) {
  return execFileSync(command, words, {
    encoding: "utf8",
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "inherit"],
    ...options,
  });
}
