/** Output that goes through a pager, and output that does not. */
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type Io, isReaderGone, type OutputStream } from "../../src/cli/io.ts";
import { writePiece } from "../../src/cli/terminal/output.ts";
import { withPager } from "../../src/cli/terminal/pager.ts";
import { stillIo } from "../support/still-io.ts";

interface Screen {
  readonly io: Io;
  /** Output printed without a pager, and output of the pager. */
  readonly shown: { direct: string; paged: string };
  /** The pagers that were started. */
  readonly started: string[][];
}

function screen(env: Readonly<Record<string, string>>, stdout: Partial<OutputStream> = {}): Screen {
  const shown = { direct: "", paged: "" };
  const started: string[][] = [];
  const io = stillIo({
    stdout: { write: (text) => (shown.direct += String(text)), isTTY: true, columns: 91, ...stdout },
    env,
    startPager: (program, args, variables) => {
      started.push([program, ...args, `LESS=${variables["LESS"]}`]);
      expect(variables).toMatchObject({ LESSSECURE: "1", LESSOPEN: undefined, LESSCLOSE: undefined });
      expect(Object.keys(variables)).toEqual(expect.arrayContaining(["LESSOPEN", "LESSCLOSE"]));
      const pager = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
      pager.stdout.on("data", (piece: Buffer) => {
        shown.paged += piece.toString();
      });
      return pager;
    },
  });
  return { io, shown, started };
}

const say =
  (text: string, status = 0) =>
  async ({ stdout }: Io): Promise<number> => {
    stdout.write(text);
    return status;
  };

describe("a pager", () => {
  test("shows the answer, in the width of the terminal, and the status is that of the answer", async () => {
    const { io, shown, started } = screen({ PAGER: "tr a-z A-Z" });
    const status = await withPager({ pager: true }, io, async (paged) => {
      expect(paged.stdout).toMatchObject({ isTTY: true, columns: 91 });
      expect(paged.timeZone).toBe("UTC");
      return say("long answer\n", 1)(paged);
    });
    expect({ status, ...shown }).toEqual({ status: 1, direct: "", paged: "LONG ANSWER\n" });
    expect(started).toEqual([["tr", "a-z", "A-Z", "LESS=FRX"]]);
  });

  test.each([
    [{ EXIM_PILOT_PAGER: "sort -r", PAGER: "sort" }, ["sort", "-r", "LESS=FRX"]],
    [{ PAGER: " sort ", LESS: "M" }, ["sort", "LESS=M"]],
    [{ PAGER: "sort;touch $(id) 'a b'" }, ["sort;touch", "$(id)", "'a", "b'", "LESS=FRX"]],
    [{}, ["less", "LESS=FRX"]],
    [{ SUDO_USER: "", PAGER: "sort" }, ["sort", "LESS=FRX"]],
    [{ SUDO_USER: "ann", PAGER: "sort", EXIM_PILOT_PAGER: "sort -r" }, ["less", "LESS=FRX"]],
  ])("is chosen by %j, without a shell", async (env, expected) => {
    const { io, started } = screen(env);
    await withPager({ pager: true }, io, say("one\n"));
    expect(started).toEqual([expected]);
  });

  test.each([
    ["with --no-pager", { PAGER: "sort" }, {}, false],
    ["when it is cat", { PAGER: "cat" }, {}, true],
    ["when it is nothing", { EXIM_PILOT_PAGER: "", PAGER: "sort" }, {}, true],
    ["on a dumb terminal", { PAGER: "sort", TERM: "dumb" }, {}, true],
    ["where there is no terminal", { PAGER: "sort" }, { isTTY: false }, true],
  ])("is not there %s", async (_when, env, stdout, pager) => {
    const { io, shown, started } = screen(env, stdout);
    expect(await withPager({ pager }, io, say("one\n", 1))).toBe(1);
    expect({ started, ...shown }).toEqual({ started: [], direct: "one\n", paged: "" });
  });

  test("does not start when there is no answer, and a failure passes through", async () => {
    const { io, started } = screen({ PAGER: "sort" });
    const failure = new Error("no such message");
    await expect(withPager({ pager: true }, io, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(started).toEqual([]);
  });

  test("that cannot be started is done without", async () => {
    const { io, shown } = screen({ PAGER: "no-such-pager --at-all" });
    expect(await withPager({ pager: true }, io, say("one\n", 1))).toBe(1);
    expect(shown).toEqual({ direct: "one\n", paged: "" });
  });

  test("that is left early ends the command, which is no failure", async () => {
    const { io, shown } = screen({ PAGER: "head -n 2" });
    let pieces = 0;
    let isGone = false;
    await withPager({ pager: true }, io, async ({ stdout, signal }) => {
      while (await writePiece(stdout, `line ${++pieces}\n`, signal)) await new Promise(setImmediate);
      isGone = isReaderGone(signal);
      return 0;
    });
    expect(isGone).toBe(true);
    expect(shown.paged).toBe("line 1\nline 2\n");
  });

  test.each([
    ["false", "status 1"],
    ["sleep", "status 1"],
  ])("that fails is told, for nobody may have seen the answer: %s", async (pager, says) => {
    const { io } = screen({ PAGER: pager });
    await expect(withPager({ pager: true }, io, say("one\n"))).rejects.toMatchObject({
      code: "io",
      message: expect.stringContaining(says),
    });
  });

  test("gets all of a long answer, no faster than it reads", async () => {
    const { io, shown } = screen({ PAGER: "wc -c" });
    const piece = "x".repeat(100_000);
    await withPager({ pager: true }, io, async ({ stdout, signal }) => {
      for (let count = 0; count < 50; count++) expect(await writePiece(stdout, piece, signal)).toBe(true);
      return 0;
    });
    expect(shown.paged.trim()).toBe("5000000");
  });
});
