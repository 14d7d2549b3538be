/** The page of `stats --html`: what is in it, and what a real browser makes of it. */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { madeOnce } from "../support/made-once.ts";

const INJECTION = "<script>document.title='taken'</script>";
const HOSTILE_LOG = `2026-03-02 05:40:05 1vwz8c-0005eI-2Q <= "${INJECTION}"@evil.example H=(${INJECTION}) [203.0.113.9] P=esmtp S=419 T="${INJECTION}"
2026-03-02 05:40:06 1vwz8c-0005eI-2Q ** bob@example.org R=dnslookup T=remote_smtp H=mx.example.org [203.0.113.1]: SMTP error from remote mail server after RCPT TO:<bob@example.org>: 550 ${INJECTION}<img src=http://evil.example/x onerror=alert(1)>
2026-03-02 05:40:06 1vwz8c-0005eI-2Q Completed
2026-03-02 05:41:00 H=evil.example [203.0.113.9] F=<a@evil.example> rejected RCPT <b@example.org>: listed at x" onmouseover="alert(1)
`;

/** Writes the page for a log; gives back where it is. */
async function makePage(log: string | undefined, ...flags: string[]): Promise<string> {
  const folder = temporaryFolder();
  const [db, page] = [join(folder, "pilot.db"), join(folder, "report.html")];
  if (log === undefined) await makeGoldenDatabase(db);
  else {
    const path = join(folder, "mainlog");
    writeFileSync(path, log);
    await runCli(["ingest", "--quiet", "--db", db, "--log-type", "main", "--timezone", "UTC", path]);
  }
  const result = await runCli(["stats", "--db", db, "--html", page, ...flags]);
  expect(result).toEqual({ status: 0, stdout: "", stderr: expect.stringMatching(/^(Wrote .* \([\d.]+ KiB\)\.\n)?$/) });
  return page;
}

/** The page for the trimmed logs, which no test changes. */
function samplePage(): Promise<string> {
  return madeOnce("report.html", async (path) => copyFileSync(await makePage(undefined), path));
}

describe("the page", () => {
  test("has a style and a script that its policy allows, and nothing that asks for more", async () => {
    const html = readFileSync(await makePage(undefined), "utf8");
    const [style, script] = ["style", "script"].map((name) => {
      const text = new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(html)?.[1] ?? "";
      return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    });
    expect(html).toContain(
      `content="default-src 'none'; style-src ${style}; script-src ${script}; base-uri 'none'; form-action 'none'"`,
    );
    expect(html.match(/<style|<script/g)).toHaveLength(2);
    expect(html).not.toMatch(/<link|<img|<iframe|\sstyle=|\son\w+=|\s(?:src|action)=/i);
    // Links lead to places on the page alone.
    for (const [, target] of html.matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^#/);
    expect(html.length).toBeLessThan(500_000);
  });

  test("shows hostile text as text", async () => {
    const html = readFileSync(await makePage(HOSTILE_LOG), "utf8");
    expect(html.match(/<script/gi)).toHaveLength(1);
    expect(html).not.toMatch(/<img|\sonmouseover=["'][^"']/i);
    expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(1);
  });

  test("takes the place of an older one that others could read, is its owner's alone, and leaves nothing beside it", async () => {
    const page = await makePage(undefined, "--quiet");
    expect(statSync(page).mode & 0o777).toBe(0o600);
    const folder = join(page, "..");
    const before = readdirSync(folder);
    chmodSync(page, 0o644);
    writeFileSync(page, "old");
    const db = join(folder, "pilot.db");
    expect(await runCli(["stats", "--quiet", "--db", db, "--html", page])).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(readFileSync(page, "utf8")).toContain("<h1>Mail statistics of ");
    expect(statSync(page).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(before);
    const { status, stdout } = await runCli(["stats", "--quiet", "--db", db, "--html", page, "--json", "totals"]);
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ kind: "stats" })]);
    expectFailure(await runCli(["stats", "--db", db, "--html", join(folder, "no", "such", "folder.html")]), {
      status: 3,
      says: "cannot be written",
    });
  });
});

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

if (CHROMIUM === undefined) test.skip("Chromium is not installed: no page was opened in a browser");

describe.runIf(CHROMIUM !== undefined)("the page in Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: FLAGS });
  });
  afterAll(() => browser.close());

  /** Opens the page; what it says on the console and what it asks for is collected. */
  async function open(path: string, width: number, colorScheme: "light" | "dark") {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const troubles: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(error.message));
    page.on("dialog", (dialog) => troubles.push(dialog.message()));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    return { page, troubles, requests };
  }

  const ask = (page: Page, expression: string): Promise<unknown> => page.evaluate(expression);

  test.each([
    [1280, "light"],
    [1280, "dark"],
    [360, "light"],
    [360, "dark"],
  ] as const)(
    "shows its charts %i pixels wide, %s, without a complaint and without a request",
    async (width, scheme) => {
      const path = await samplePage();
      const { page, troubles, requests } = await open(path, width, scheme);
      const drawn = "[...document.querySelectorAll('svg.chart')].filter((svg) => svg.checkVisibility())";
      expect(await ask(page, `${drawn}.length`)).toBe(3);
      expect(
        await ask(page, `${drawn}.every((svg) => svg.getBBox().height > 20 && svg.querySelector('rect, circle'))`),
      ).toBe(true);
      // The first screen has the whole first chart.
      expect(await ask(page, `${drawn}[0].getBoundingClientRect().bottom`)).toBeLessThan(width < 400 ? 740 : 720);
      // Nothing is cut, but in boxes that can be scrolled, which neither of these needs.
      expect(
        await ask(
          page,
          `[...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > ${width} && one.closest('.scroll, .hidden') === null).map((one) => one.outerHTML.slice(0, 99))`,
        ),
      ).toEqual([]);
      expect(
        await ask(
          page,
          "[...document.querySelectorAll('.scroll')].filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth).map((box) => box.ariaLabel)",
        ),
      ).toEqual([]);
      expect(await ask(page, "document.documentElement.scrollWidth")).toBe(width);
      const ground = await ask(page, "getComputedStyle(document.body).backgroundColor");
      expect(ground).toBe(scheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 25, 31)");
      const fill = await ask(page, `getComputedStyle(${drawn}[0].querySelector('rect')).fill`);
      expect(fill).toBe(scheme === "light" ? "rgb(59, 110, 165)" : "rgb(116, 168, 220)");
      const text = await ask(page, `getComputedStyle(${drawn}[0].querySelector('text')).fill`);
      expect(text).not.toBe(ground);
      expect(troubles).toEqual([]);
      expect(requests).toEqual([pathToFileURL(path).href]);
      if (process.env["KEEP_TEST_FILES"] !== undefined)
        await page.screenshot({ path: `${path}-${width}-${scheme}.png`, fullPage: true });
      await page.close();
    },
  );

  test("can be used with the keyboard alone", async () => {
    const { page } = await open(await samplePage(), 360, "light");
    await page.keyboard.press("Tab");
    expect(await ask(page, "document.activeElement.className")).toBe("jump");
    const seen = new Set<unknown>();
    for (let presses = 0; presses < 120; presses++) {
      await page.keyboard.press("Tab");
      seen.add(
        await ask(page, "document.activeElement.tagName + ' ' + (document.activeElement.getAttribute('role') ?? '')"),
      );
    }
    expect([...seen]).toEqual(expect.arrayContaining(["A ", "SUMMARY ", "DIV region", "BUTTON "]));
    await page.focus("summary");
    await page.keyboard.press("Enter");
    expect(await ask(page, "document.querySelector('details').open")).toBe(true);
    await page.close();
  });

  test("sorts a table by a click on a heading, and has all of it where no script runs", async () => {
    const path = await samplePage();
    const { page } = await open(path, 1280, "light");
    const figures =
      "[...document.querySelectorAll('#top-domain tbody td:nth-child(2)')].map((cell) => Number(cell.dataset.sort))";
    const before = (await ask(page, figures)) as number[];
    expect(before.length).toBeGreaterThan(3);
    await page.click("#top-domain th:nth-child(2) button");
    await page.click("#top-domain th:nth-child(2) button");
    expect(await ask(page, figures)).toEqual([...before].sort((one, other) => one - other));
    expect(await ask(page, "document.querySelector('#top-domain th:nth-child(2)').ariaSort")).toBe("ascending");
    await page.close();
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
    const still = await context.newPage();
    await still.goto(pathToFileURL(path).href);
    expect(await still.locator("#top-domain tbody tr").first().isVisible()).toBe(true);
    expect(await still.locator("th button").count()).toBe(0);
    await context.close();
  });

  test("prints in the colours of paper, without navigation", async () => {
    const { page } = await open(await samplePage(), 1280, "dark");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await ask(page, "getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    expect(await ask(page, "document.querySelector('nav').checkVisibility()")).toBe(false);
    await page.close();
  });

  test("runs nothing that a log says", async () => {
    const { page, troubles, requests } = await open(await makePage(HOSTILE_LOG), 1280, "light");
    expect(await page.title()).toMatch(/: mail statistics, 2026-03-02/);
    expect(await ask(page, "[document.scripts.length, document.images.length]")).toEqual([1, 0]);
    expect(await ask(page, "document.body.innerText")).toContain(INJECTION);
    expect([troubles, requests.length]).toEqual([[], 1]);
    await page.close();
  });

  test("would be stopped from running it by its policy", async () => {
    const path = await makePage(undefined);
    writeFileSync(path, readFileSync(path, "utf8").replace("</main>", `${INJECTION}</main>`));
    const { page, troubles } = await open(path, 1280, "light");
    expect(await page.title()).not.toBe("taken");
    expect(troubles.join()).toContain("Content Security Policy");
    await page.close();
  });
});
