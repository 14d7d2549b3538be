import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listSpool, namedQueues, readSpool } from "../../src/queue/spool-directory.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { trimmedSpool } from "./snapshots.ts";

function copySpool(): string {
  const spool = join(temporaryFolder(), "spool");
  cpSync(trimmedSpool("default").directory, spool, { recursive: true });
  return spool;
}

async function readAll(spool: string, queueName = "") {
  const messages = [];
  for await (const batch of readSpool(listSpool(spool, queueName).places, { withHeaders: false }))
    messages.push(...[...batch].map(({ message }) => message));
  return messages;
}

test("a split spool is read like one that is not", async () => {
  const spool = copySpool();
  const whole = await readAll(spool);
  const input = join(spool, "input");
  for (const file of readdirSync(input)) {
    const folder = join(input, file.charAt(5));
    mkdirSync(folder, { recursive: true });
    renameSync(join(input, file), join(folder, file));
  }
  expect(await readAll(spool)).toEqual(whole);
  expect(whole).toHaveLength(11);
});

test("named queues are found, and shown when they are asked for", async () => {
  const spool = copySpool();
  expect(namedQueues(spool)).toEqual(["bulk"]);
  expect((await readAll(spool, "bulk")).map(({ queueName }) => queueName)).toEqual(["bulk"]);
  expect(await readAll(spool, "*")).toHaveLength(12);
  const told = await runCli(["queue", "--spool", spool, "--count"]);
  expect(told).toEqual({
    status: 0,
    stdout: "11\n",
    stderr: "",
  });
  expect((await runCli(["queue", "--spool", spool])).stdout).toContain(
    "Not shown: queue bulk; -G NAME shows one, -G '*' all.\n",
  );
  expectFailure(await runCli(["queue", "--spool", spool, "-G", "bulky"]), {
    status: 1,
    says: /no queue named "bulky"/,
  });
});

test("what is damaged is in the list, and nothing is written", async () => {
  const spool = copySpool();
  const input = join(spool, "input");
  const [cut = "", gone = "", linked = "", piped = "", empty = ""] = [...listSpool(spool).places].map(({ id }) =>
    join(input, `${id}-H`),
  );
  truncateSync(cut, 40);
  truncateSync(empty, 0);
  rmSync(gone);
  renameSync(linked, join(spool, "elsewhere"));
  symlinkSync(join(spool, "elsewhere"), linked);
  rmSync(piped);
  execFileSync("mkfifo", [piped]);
  mkdirSync(join(input, "1vzzzz-000A9i-1j-H"));
  writeFileSync(join(input, "not-an-id-H"), "");
  const before = readdirSync(spool, { recursive: true }).map((file) => [file, statSync(input).mtimeMs]);
  const messages = await readAll(spool);
  const damaged = messages.filter(({ damage }) => damage !== null).map(({ damageReason }) => damageReason);
  expect(damaged.toSorted()).toEqual([
    "It ends within the sender.",
    "It is a symbolic link, which a spool does not have.",
    "It is empty.",
    "It is not a regular file.",
    "It is not a regular file.",
  ]);
  expect(messages).toHaveLength(11);
  expect(readdirSync(spool, { recursive: true }).map((file) => [file, statSync(input).mtimeMs])).toEqual(before);
  const page = await runCli(["queue", "--spool", spool]);
  expect(page.status).toBe(0);
  expect(page.stdout).toContain("5 damaged");
  const listing = await runCli(["queue", "--spool", spool, "--format", "mailq"]);
  expect(listing.stdout).toContain("\n    *** spool format error: size=40 ***\n\n");
});

test("messages that leave while they are read are not there", async () => {
  const spool = copySpool();
  const places = [...listSpool(spool).places];
  for (const { id } of places.slice(3)) rmSync(join(spool, "input", `${id}-H`));
  const seen = [];
  for await (const batch of readSpool(places, { withHeaders: false }))
    for (const { message } of batch) seen.push(message.id);
  expect(seen).toEqual(places.slice(0, 3).map(({ id }) => id));
});

test("what is no spool is a wrong use, and what cannot be listed a matter of rights", async () => {
  const folder = temporaryFolder();
  expectFailure(await runCli(["queue", "--spool", join(folder, "none")]), { status: 2, says: /There is no directory/ });
  expectFailure(await runCli(["queue", "--spool", folder]), {
    status: 2,
    says: /is no spool of Exim's: it has no directory "input"/,
  });
  writeFileSync(join(folder, "input"), "");
  expectFailure(await runCli(["queue", "--spool", folder]), { status: 2, says: /is no spool of Exim's/ });
  if (process.getuid?.() === 0) return;
  const spool = copySpool();
  chmodSync(join(spool, "input"), 0o000);
  expectFailure(await runCli(["queue", "--spool", spool]), { status: 3, says: /cannot be listed: permission denied/ });
  chmodSync(join(spool, "input"), 0o700);
});

test("a listing that is none is a wrong use; single lines of no known form are told", async () => {
  expectFailure(await runCli(["queue", "--bp", "-"], { stdin: "hello\nworld\n" }), {
    status: 2,
    says: /holds no list/,
  });
  expectFailure(await runCli(["queue", "--bp", "/nowhere/x"]), { status: 3, says: /cannot be opened/ });
  const listing = "25h   450 1vzOI8-0009wa-1t <app@partner.example>\n          bob@x.example\n\nhello\x1b[31m\n";
  expect(await runCli(["queue", "--bp", "-", "-i"], { stdin: listing })).toEqual({
    status: 0,
    stdout: "1vzOI8-0009wa-1t\n",
    stderr: "Line 4 is of no known form: hello\\x1b[31m\n",
  });
});

test("an empty queue is told with status 1", async () => {
  const spool = join(temporaryFolder(), "spool");
  mkdirSync(join(spool, "input"), { recursive: true });
  expect(await runCli(["queue", "--spool", spool, "--count"])).toEqual({ status: 1, stdout: "0\n", stderr: "" });
  expect((await runCli(["queue", "--spool", spool])).stdout).toBe(`No message is on the queue in ${spool}.\n`);
});

test("a variable that is none is told with the nearest one", async () => {
  const { directory } = trimmedSpool("default");
  expectFailure(await runCli(["queue", "--spool", directory, "$mesage_age > 3"]), {
    status: 2,
    says: /no variable \$mesage_age.*\n.*\$message_age/,
  });
  expectFailure(await runCli(["queue", "--bp", "-", "$tls_cipher"]), {
    status: 2,
    says: /Only the files of a spool have \$tls_cipher/,
  });
  expectFailure(await runCli(["queue", "--spool", directory, "-f", "("]), {
    status: 2,
    says: /pattern of -f cannot be read/,
  });
});

test("a part of a split spool that is a link is told as missing, so that the look proves nothing", async () => {
  const spool = copySpool();
  const id = listSpool(spool).places[Symbol.iterator]().next().value?.id ?? "";
  const elsewhere = join(temporaryFolder(), "part");
  mkdirSync(elsewhere);
  renameSync(join(spool, "input", `${id}-H`), join(elsewhere, `${id}-H`));
  symlinkSync(elsewhere, join(spool, "input", "a"));
  const { places, unreadable } = listSpool(spool);
  expect(unreadable).toEqual([join(spool, "input", "a")]);
  expect(places.length).toBe(10);
  const look = await runCli(["queue", "snapshot", "--spool", spool, "--db", join(temporaryFolder(), "m.db")]);
  expect(look.status).toBe(3);
  expect(look.stdout).toContain("which ones are gone is not known");
});

test("a queue runner beside the reader leaves no half message", async () => {
  const spool = copySpool();
  const input = join(spool, "input");
  const wanted = new Map((await readAll(spool)).map((message) => [message.id, message]));
  const files = readdirSync(input).map((name) => ({ name, content: readFileSync(join(input, name)) }));
  const kept = files.filter(({ name }) => wanted.has(name.slice(0, -2)));
  // A runner as Exim is: a header file is replaced by renaming, its journal appears and goes, a message goes body last and comes header last.
  const runner = spawn(process.execPath, ["-e", RUNNER, input, JSON.stringify(kept.map(({ name }) => name))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(runner.stdout, "data");
    for (let round = 0; round < 60; round++) {
      for (const message of await readAll(spool)) {
        const whole = wanted.get(message.id);
        expect(message.damage).toBe(whole?.damage);
        expect(message.sender).toBe(whole?.sender);
        expect(message.recipients.map(({ address }) => address)).toEqual(
          whole?.recipients.map(({ address }) => address),
        );
      }
    }
  } finally {
    runner.kill("SIGKILL");
  }
});

/** Script that replaces each file by one of the same content, with a journal meanwhile; every third message goes and comes back. */
const RUNNER = `
  const { readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
  const [input, list] = process.argv.slice(1);
  const files = JSON.parse(list).map((name) => ({ path: input + "/" + name, content: readFileSync(input + "/" + name) }));
  const replace = ({ path, content }) => { writeFileSync(input + "/hdr.1", content); renameSync(input + "/hdr.1", path); };
  console.log("running");
  setInterval(() => {
    for (let n = 0; n < 50; n++) {
      for (const [index, file] of files.filter(({ path }) => path.endsWith("-H")).entries()) {
        const stem = file.path.slice(0, -2);
        const body = files.find(({ path }) => path === stem + "-D");
        writeFileSync(stem + "-J", "someone@else.example\\nhalf");
        replace(file);
        rmSync(stem + "-J");
        if (index % 3 > 0 || body === undefined) continue;
        rmSync(file.path);
        rmSync(body.path);
        writeFileSync(body.path, body.content);
        replace(file);
      }
    }
  }, 0);
`;
