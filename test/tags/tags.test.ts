/** Tags belong to people: what is derived anew leaves them alone, and they go with their message only. */
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, epochMs } from "../../src/units.ts";
import { type CliOptions, runCli } from "../support/cli.ts";
import { FIXTURES, NOW, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const [FIRST, SECOND] = ["1vwwZU-0005V4-1s", "1vwwZa-0005V5-1s"];

describe("tags", () => {
  let db = "";

  async function pilot(args: string[], options: CliOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await runCli([...args, "--db", db], options);
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: "" });
    return stdout;
  }

  const tagsOf = (id: string): unknown =>
    queryAll<{ tags: string }>(db, "SELECT tags FROM messages WHERE id = ?", id).map(({ tags }) => JSON.parse(tags));

  beforeEach(async () => {
    db = join(temporaryFolder(), "pilot.db");
    for (const server of ["mx1", "mx2"]) {
      const log = join(FIXTURES, "two-servers", `${server}.log`);
      await pilot(["ingest", "--quiet", "--server", server, "--timezone", "UTC", log]);
    }
  });

  test("of ids that come through a pipe are given to all of them", async () => {
    const ids = await pilot(["search", "--ids", "--server", "mx1"]);
    expect(await pilot(["tag", "-", "seen"], { stdin: ids })).toBe("seen given to 2 messages.\n");
    expect([tagsOf(FIRST), tagsOf(SECOND)]).toEqual([[["seen"]], [["seen"]]]);
  });

  test("are given to all messages or, where one is not there, to none", async () => {
    const { status, stderr } = await runCli(["tag", "-", "seen", "--db", db], {
      stdin: `${FIRST}\n1vwwZb-0005V5-1s\n`,
    });
    expect(status).toBe(1);
    expect(stderr).toContain("no message 1vwwZb-0005V5-1s; nothing was changed");
    expect(tagsOf(FIRST)).toEqual([[]]);
  });

  test("are not said to be given or taken where nothing was changed", async () => {
    const both = { stdin: `${FIRST}\n${SECOND}\n` };
    await pilot(["tag", "-", "seen", "--server", "mx1"], both);
    const again = await pilot(["tag", "-", "seen", "--server", "mx1"], both);
    expect(again).toBe("Nothing was changed: 2 messages have seen already.\n");
    const one = await pilot(["tag", SECOND, "vip", "--remove"]);
    expect(one).toBe("Nothing was changed: 1 message has no tag vip.\n");
    const two = await pilot(["tag", SECOND, "vip", "old", "--remove"]);
    expect(two).toBe("Nothing was changed: 1 message has none of the tags vip, old.\n");
  });

  test.each([["--remove"], ["--server", "mx1"]])("are not listed with %s", async (...flags) => {
    const { status, stderr } = await runCli(["tag", ...flags, "--db", db]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining(`${flags[0]} belongs to a message and its tags.`),
    });
  });

  test("stay when everything is derived anew, and are no difference to the lines", async () => {
    await pilot(["tag", FIRST, "b-second", "a-first"]);
    expect(tagsOf(FIRST)).toEqual([["a-first", "b-second"]]);
    expect(await pilot(["verify", "--deep"])).toContain("sound");
    await pilot(["rebuild", "--quiet"]);
    expect(tagsOf(FIRST)).toEqual([["a-first", "b-second"]]);
  });

  test("are listed by how many messages have them", async () => {
    await pilot(["tag", FIRST, "a-rare", "often"]);
    await pilot(["tag", SECOND, "often"]);
    const { tags } = JSON.parse(await pilot(["tag", "--json"]));
    expect(tags).toMatchObject([
      { tag: "often", messages: 2 },
      { tag: "a-rare", messages: 1 },
    ]);
  });

  test("go with their message, and those of others stay", async () => {
    await pilot(["tag", FIRST, "old"]);
    await pilot(["tag", SECOND, "waiting"]);
    const later = epochMs(NOW + 400 * DAY_MS);
    await pilot(["ingest", "--quiet", "--server", "mx1", "--log-type", "main", "-"], {
      stdin: "2027-05-05 06:00:00 1wLYeW-0005V4-1s <= new@a.test U=new P=local S=464 for bob@b.test\n",
      now: () => later,
    });
    const { removed } = JSON.parse(await pilot(["prune", "--json"], { now: () => later }));
    expect(removed).toMatchObject({ stored_tags: 1 });
    expect(queryAll(db, "SELECT tag FROM stored_tags")).toEqual([{ tag: "waiting" }]);
  });
});
