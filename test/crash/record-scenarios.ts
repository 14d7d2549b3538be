/** Commands that record or change something small beside what logs say, and what must hold after a power cut at any instant. */

import { copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { openWriter } from "../../src/store/store.ts";
import { epochMs, SECOND_MS } from "../../src/units.ts";
import { auditOf, flaws, tagsOf, textOf, unsoundness } from "./examine.ts";
import { run, runWell } from "./program.ts";
import { DATABASE, failures, type Scenario, SERVER, type World } from "./world.ts";

export function smallChanges(world: World): readonly Scenario[] {
  const useBase = async (folder: string): Promise<void> => copyFileSync(world.base, join(folder, DATABASE));
  const variant = (
    name: string,
    argv: (database: string) => readonly string[],
    {
      record,
      isDone,
      hasReader,
      prepare,
      again,
    }: {
      record: string;
      isDone?: (database: string) => Promise<boolean>;
      hasReader: boolean;
      /** Adds what the command finds to the base. */
      prepare?: (database: string) => Promise<void>;
      /** Arguments after a change that is done, where the same ones would be refused. */
      again?: (database: string) => readonly string[];
    },
  ): Scenario => ({
    name,
    hasReader,
    prepare: async (folder) => {
      await useBase(folder);
      await prepare?.(join(folder, DATABASE));
    },
    argv: (folder) => argv(join(folder, DATABASE)),
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      const audit = (await auditOf(database)).slice();
      const ofAction = audit.filter((entry) => entry.startsWith(record.split(" ").slice(0, -1).join(" ")));
      const isRecorded = ofAction.filter((entry) => entry === record).length > (record === "tag done" ? 1 : 0);
      const isChanged = isDone === undefined || (await isDone(database));
      const always = [...(await world.losses(database, textOf(database))), ...(await unsoundness(database))];
      const next = isDone !== undefined && isChanged && again !== undefined ? again : argv;
      always.push(...(await failures("The same again", next(database))));
      return {
        always,
        at: ({ hasPrinted, hasEnded }) => [
          ...(hasPrinted && !isChanged ? ["The change was reported, and is not there."] : []),
          ...(hasEnded && !isRecorded ? ["The command had ended, and the audit log does not know of it."] : []),
          ...(hasPrinted && ofAction.length <= (record === "tag done" ? 1 : 0)
            ? ["Something was printed, and the audit log does not know of it."]
            : []),
        ],
      };
    },
  });
  const tag = (database: string): readonly string[] => ["tag", "--db", database, world.messageId, "ticket-2"];
  const isTagged = async (database: string): Promise<boolean> => (await tagsOf(database)).includes("ticket-2");
  const set = (database: string): readonly string[] => [
    "servers",
    "set",
    "mx1",
    "--owner",
    "postmaster@example.org",
    "--db",
    database,
  ];
  const isSet = async (database: string): Promise<boolean> =>
    (await run(["servers", "--json", "--db", database])).stdout.includes("postmaster@example.org");
  const note = (database: string): readonly string[] => ["note", "--db", database, world.messageId, "was told"];
  const isNoted = async (database: string): Promise<boolean> =>
    (await run(["note", "--json", "--db", database])).stdout.includes("was told");
  const add = (database: string): readonly string[] => ["users", "set", "kim", "--role", "admin", "--db", database];
  const isAdmin = async (database: string): Promise<boolean> =>
    (await run(["users", "--json", "--db", database])).stdout.includes('"role": "admin"');
  const look = (database: string): readonly string[] => [
    "queue",
    "snapshot",
    ...["--spool", SPOOL, "--server", "mx1", "--content", "headers", "--db", database],
  ];
  const isKept = async (database: string): Promise<boolean> =>
    (await run(["sql", "SELECT count(*) > 0 AS n FROM queue_snapshots", "--db", database])).stdout.includes("1");
  const knows = async (database: string, server: string): Promise<boolean> =>
    (await run(["servers", "--names", "--db", database])).stdout.split("\n").includes(server);
  const rename = (database: string): readonly string[] => ["servers", "rename", "mx1", "mx2", "--db", database];
  const remove = (database: string): readonly string[] => ["servers", "remove", "mx9", "--db", database];
  const list = (database: string): readonly string[] => ["servers", "--db", database];
  const renaming = {
    record: "servers rename done",
    isDone: (database: string) => knows(database, "mx2"),
    again: list,
  };
  const removal = {
    record: "servers remove done",
    isDone: async (database: string) => !(await knows(database, "mx9")),
    again: list,
    // Nothing but looks at its queue, which go with it.
    prepare: async (database: string): Promise<void> => {
      const looked = ["queue", "snapshot", "--spool", SPOOL, "--server", "mx9", "--content", "preview"];
      await runWell([...looked, "--db", database]);
    },
  };
  const read = (database: string): readonly string[] => ["content", "--file", LETTER, "--db", database];
  const take = (database: string): readonly string[] => ["export", "--raw", world.logs[0] ?? "", "--db", database];
  return [
    variant("tag", tag, { record: "tag done", isDone: isTagged, hasReader: false }),
    variant("tag beside a reader", tag, { record: "tag done", isDone: isTagged, hasReader: true }),
    variant("note", note, { record: "note done", isDone: isNoted, hasReader: false }),
    variant("users set beside a reader", add, { record: "users set done", isDone: isAdmin, hasReader: true }),
    variant("servers set beside a reader", set, { record: "servers set done", isDone: isSet, hasReader: true }),
    variant("queue snapshot", look, { record: "queue snapshot done", isDone: isKept, hasReader: false }),
    variant("queue snapshot beside a reader", look, { record: "queue snapshot done", isDone: isKept, hasReader: true }),
    variant("servers rename", rename, { ...renaming, hasReader: false }),
    variant("servers rename beside a reader", rename, { ...renaming, hasReader: true }),
    variant("servers remove", remove, { ...removal, hasReader: false }),
    variant("servers remove beside a reader", remove, { ...removal, hasReader: true }),
    variant("content, audited", read, { record: "content done", hasReader: false }),
    variant("export, audited", take, { record: "export done", hasReader: false }),
  ];
}

const SPOOL = fileURLToPath(new URL("../../fixtures/queue/generated", import.meta.url));
const LETTER = fileURLToPath(new URL("../../fixtures/content/invoice.eml", import.meta.url));

/** Rows of a view that do not depend on the moment, each as JSON. */
function rowsOf(database: string, sql: string): readonly string[] {
  const opened = new Database(database, { readonly: true });
  try {
    return opened
      .prepare(sql)
      .all()
      .map((row) => JSON.stringify(row));
  } finally {
    opened.close();
  }
}

/** A look that keeps what is in the messages: the look is one transaction, and the contents are others. */
export function contents(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => [
    ...["queue", "snapshot", "--spool", SPOOL, "--server", "mx1", "--content", "preview", "--db", database],
  ];
  const staysOf = (database: string): readonly string[] =>
    rowsOf(database, "SELECT message_id, sender, size, frozen FROM queue_messages ORDER BY message_id");
  const contentsOf = (database: string): readonly string[] =>
    rowsOf(
      database,
      "SELECT message_id, headers, text_content, attachments, sha256 FROM message_content ORDER BY message_id",
    );
  const variant = (name: string, hasReader: boolean): Scenario => {
    let [stays, all]: (readonly string[])[] = [[], []];
    return {
      name,
      hasReader,
      prepare: async (folder) => {
        copyFileSync(world.base, join(folder, DATABASE));
        const scratch = join(world.scratch(), DATABASE);
        copyFileSync(world.base, scratch);
        await runWell(argv(scratch));
        [stays, all] = [staysOf(scratch), contentsOf(scratch)];
        if (all.length === 0) throw new Error("The look keeps no content.");
      },
      argv: (folder) => argv(join(folder, DATABASE)),
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const text = textOf(database);
        if (text === undefined) return { always: ["The database is empty."], at: () => [] };
        const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
        const [seen, kept] = [staysOf(database), contentsOf(database)];
        if (seen.length > 0 && JSON.stringify(seen) !== JSON.stringify(stays))
          always.push("The look is there in part.");
        if (kept.some((content) => !all?.includes(content))) always.push("A content is there in part.");
        if (kept.length > 0 && seen.length === 0) always.push("Contents are there without the look.");
        const isRecorded = (await auditOf(database)).includes("queue snapshot done");
        always.push(...(await failures("The same look", argv(database))));
        if (JSON.stringify(contentsOf(database)) !== JSON.stringify(all))
          always.push("Looking again keeps other contents.");
        always.push(...(await flaws(database)).map((problem) => `After looking again: ${problem}`));
        return {
          always,
          at: ({ hasPrinted }) => [
            ...(hasPrinted && (seen.length === 0 || kept.length < (all?.length ?? 0))
              ? ["The report was printed, and what it says was kept is not there."]
              : []),
            ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
          ],
        };
      },
    };
  };
  return [
    variant("queue snapshot --content preview", false),
    variant("queue snapshot --content preview beside a reader", true),
  ];
}

/** Detection finds what Exim wrote to its panic log, and says so once it is on the disk. */
export function detections(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => ["incidents", "detect", "--db", database];
  const incidentsIn = (database: string): readonly string[] =>
    rowsOf(
      database,
      "SELECT type, subject, title, severity, status, start_time, end_time FROM correlated_incidents ORDER BY 1, 2, 6",
    );
  const variant = (name: string, hasReader: boolean): Scenario => {
    let found: readonly string[] = [];
    return {
      name,
      hasReader,
      prepare: async (folder) => {
        const database = join(folder, DATABASE);
        copyFileSync(world.base, database);
        const log = join(world.scratch(), "paniclog");
        writeFileSync(
          log,
          "2026-03-03 12:00:00 Failed to open database lock file /var/spool/exim/db/retry: Permission denied\n",
        );
        await runWell(["ingest", ...SERVER, "--db", database, log]);
        const scratch = join(world.scratch(), DATABASE);
        copyFileSync(database, scratch);
        await runWell(argv(scratch));
        found = incidentsIn(scratch);
        if (found.length === 0) throw new Error("No incident is found.");
      },
      argv: (folder) => argv(join(folder, DATABASE)),
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const text = textOf(database);
        if (text === undefined) return { always: ["The database is empty."], at: () => [] };
        const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
        const isDone = JSON.stringify(incidentsIn(database)) === JSON.stringify(found);
        always.push(...(await failures("The same detection", argv(database))));
        if (JSON.stringify(incidentsIn(database)) !== JSON.stringify(found))
          always.push("Detecting again finds other incidents.");
        always.push(...(await flaws(database)).map((problem) => `After detecting again: ${problem}`));
        return {
          always,
          at: ({ hasPrinted }) => (hasPrinted && !isDone ? ["An incident was told, and is not there."] : []),
        };
      },
    };
  };
  return [variant("incidents detect", false), variant("incidents detect beside a reader", true)];
}

/** A notification that has left cannot be called back: "sent" is on the disk before the request. */
export function notifications(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => [
    ...["notify", "run", "--config", join(world.home, "notify.toml"), "--db", database],
  ];
  const statusesIn = (database: string): readonly string[] =>
    rowsOf(database, "SELECT status FROM notifications ORDER BY number").map(
      (row) => (JSON.parse(row) as { status: string }).status,
    );
  const variant = (name: string, hasReader: boolean): Scenario => ({
    name,
    hasReader,
    asks: true,
    prepare: async (folder) => {
      const database = join(folder, DATABASE);
      copyFileSync(world.base, database);
      enqueue(database);
      // NOTE: it takes everything, from the runs after the power cut too.
      const receiver = createServer((request, response) => request.resume().on("end", () => response.end("ok")));
      receiver.unref();
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      const { port } = receiver.address() as AddressInfo;
      writeFileSync(
        join(world.home, "notify.toml"),
        `[notify]\ntiers = ["hook"]\n[channels.hook]\ntype = "webhook"\nurl = "http://127.0.0.1:${port}"\n`,
        { mode: 0o600 },
      );
    },
    argv: (folder) => argv(join(folder, DATABASE)),
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      const text = textOf(database);
      if (text === undefined) return { always: ["The database is empty."], at: () => [] };
      const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
      const statuses = statusesIn(database);
      if (statuses.length !== 1) always.push("The notification is lost.");
      always.push(...(await failures("The next run", argv(database))));
      always.push(...(await flaws(database)).map((problem) => `After running again: ${problem}`));
      return {
        always,
        at: ({ hasAsked, hasPrinted }) => [
          ...(hasAsked && statuses.includes("pending")
            ? ["It left the machine, and is not known to have been sent."]
            : []),
          ...(hasPrinted && !statuses.includes("confirmed")
            ? ["The report was printed, and the notification is not confirmed."]
            : []),
        ],
      };
    },
  });
  return [variant("notify run", false), variant("notify run beside a reader", true)];
}

/** Puts a notification into the outbox, as detection does. */
function enqueue(path: string): void {
  const writer = openWriter({
    path,
    schemaDirectory: fileURLToPath(new URL("../../schema", import.meta.url)),
    waitMs: SECOND_MS,
    program: "0.0.0-test",
    now: () => epochMs(Date.now()),
    processes: () => ({ mark: `0000000a-${process.pid}-1`, isRunning: () => undefined }),
  });
  try {
    const event = {
      version: 1 as const,
      server: "mx1",
      title: "Test",
      notes: [],
      since: null,
      until: null,
      command: null,
    };
    writer.write(({ outbox }) =>
      outbox.enqueue({ dedupKey: "one", reason: "opened", severity: "serious", event }, epochMs(Date.now())),
    );
  } finally {
    writer.close();
  }
}
