/** The page of a report: its structure, its order, its links, and text of strangers in it. */
import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { toVisible } from "../../../src/render/form/terminal-text.ts";
import { NEXT_STEPS } from "../../../src/render/html/next-steps.ts";
import type { Report } from "../../../src/render/html/report.ts";
import { SCRIPT } from "../../../src/render/html/script.ts";
import { renderStatsHtml } from "../../../src/render/html/stats-html.ts";
import { reportWith } from "../../support/report.ts";

const hash = (text: string): string => createHash("sha256").update(text).digest("base64");

function render(report: Report): string {
  return renderStatsHtml(report, { hash, madeAt: "2026-03-04T06:00:00.000Z", program: "1.2.3" });
}

/** The members of the elements that the tests ask for. */
interface PageElement {
  readonly id: string;
  readonly tagName: string;
  readonly className: string;
  readonly textContent: string;
  readonly innerHTML: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  querySelector(selector: string): PageElement | null;
  click(): void;
}

function parse(html: string) {
  const { document } = parseHTML(html);
  const all = (selector: string): PageElement[] => [
    ...(document.querySelectorAll(selector) as unknown as Iterable<PageElement>),
  ];
  return { document, all };
}

const textsOf = (elements: Iterable<PageElement>): string[] =>
  [...elements].map(({ textContent }) => textContent.trim());

describe("the page", () => {
  const html = render(reportWith("mx1.example"));
  const { all } = parse(html);

  test("names the servers and the time in its title and its heading", () => {
    expect(textsOf(all("head title"))).toEqual([
      "mx1.example: mail statistics, 2026-03-02 00:00 to 2026-03-04 00:00 (UTC)",
    ]);
    expect(textsOf(all("h1"))).toEqual(["Mail statistics of mx1.example"]);
    expect(parse(render({ ...reportWith("x"), servers: ["a", "b", "c", "d", "e"] })).all("h1")[0]?.textContent).toBe(
      "Mail statistics of a, b, c and 2 more",
    );
  });

  test("has the accounts at risk, the tiles and a chart before any table", () => {
    const order = [".alert", ".tiles", "svg.chart", "table"].map((selector) => {
      const [first] = all(selector);
      return all("*").indexOf(first as PageElement);
    });
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(order).not.toContain(-1);
    expect(textsOf(all(".alert"))).toEqual(["1 account at risk: mx1.example"]);
    const sections = all("section, ul.nothing li").map(({ id }) => id);
    expect(sections.slice(0, 4)).toEqual(["series", "problems", "incidents", "accounts"]);
  });

  test("links to places that are on it, each of them once", () => {
    const ids = all("[id]").map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = all("a").map((link) => link.getAttribute("href") ?? "");
    expect(targets.length).toBeGreaterThan(30);
    expect(targets.filter((target) => !ids.includes(target.slice(1)) || !target.startsWith("#"))).toEqual([]);
    // Each section is in the list of sections.
    const listed = all("nav a").map((link) => link.getAttribute("href")?.slice(1));
    expect(all("section, ul.nothing li").map(({ id }) => id)).toEqual(listed);
  });

  test("asks for nothing from elsewhere", () => {
    expect(html).not.toMatch(/(?:src|href|action|data|poster|srcset)="(?!#)[^"]/);
    expect(html).not.toMatch(/url\(|@import|https?:|<(?:link|img|iframe|object|embed|base|form)\b/);
    expect(html).not.toMatch(/\sstyle=|\son\w+=/);
  });

  test("allows its own style and its own script by their hashes, and no other", () => {
    const [policy] = all("meta[http-equiv]");
    const [style, script] = ["style", "script"].map(
      (name) => new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(html)?.[1],
    );
    expect(policy?.getAttribute("content")).toBe(
      `default-src 'none'; style-src 'sha256-${hash(style ?? "")}'; script-src 'sha256-${hash(script ?? "")}'; base-uri 'none'; form-action 'none'`,
    );
    expect(html.match(/<style|<script/g)).toHaveLength(2);
  });

  test("has headings without a gap, and names its charts, tables and sections", () => {
    const levels = all("h1, h2, h3").map(({ tagName }) => Number(tagName.slice(1)));
    expect(levels[0]).toBe(1);
    expect(levels.every((level, index) => index === 0 || level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
    for (const chart of all("svg[role=img]")) expect(chart.getAttribute("aria-label")).toMatch(/at most/);
    for (const table of all("table")) expect(table.querySelector("caption")?.textContent).not.toBe("");
    for (const svg of all("svg")) expect(svg.getAttribute("role") ?? svg.getAttribute("aria-hidden")).not.toBeNull();
    for (const section of all("section")) expect(all(`#${section.getAttribute("aria-labelledby")}`)).toHaveLength(1);
  });

  test("shows a ranking once: bars are in its table", () => {
    for (const section of all("section"))
      if (section.querySelector("table.sortable") !== null && section.querySelector("details") === null)
        expect([...section.querySelectorAll("svg.chart")], section.id).toHaveLength(0);
    expect(
      [...(all("#top-sender")[0]?.querySelectorAll(".bar rect") ?? [])].map((bar) => bar.getAttribute("width")),
    ).toEqual(["0.9", "100", "2"]);
  });

  test("ends with when it was made and of which logs", () => {
    expect(all("#about")[0]?.textContent).toMatch(/100 lines \(9\.8 KiB\) of 1 log, 0 unparsed.*2026-03-04 06:00:00/s);
  });
});

describe("tables", () => {
  /** Sorts as a browser does: linkedom has what the script uses but `tBodies`, `rows` and `cells`. */
  function open(report: Report) {
    const { document, all } = parse(render(report));
    for (const table of all("table")) {
      const rowsOf = (part: PageElement | null): PageElement[] =>
        part === null ? [] : [...part.querySelectorAll("tr")];
      Object.defineProperties(table, {
        tBodies: { value: [table.querySelector("tbody")] },
        tHead: { value: table.querySelector("thead") },
      });
      for (const part of [table.querySelector("thead"), table.querySelector("tbody")])
        Object.defineProperty(part, "rows", { get: () => rowsOf(part) });
      for (const row of table.querySelectorAll("tr"))
        Object.defineProperty(row, "cells", { value: [...row.querySelectorAll("th, td")] });
    }
    runInNewContext(SCRIPT, { document, Intl });
    return all;
  }

  test("can be sorted by each column, heat maps apart", () => {
    const { all } = parse(render(reportWith("x", { isCompared: true })));
    const tables = all("table");
    expect(tables.filter(({ className }) => className.startsWith("sortable")).length).toBeGreaterThan(20);
    for (const table of tables) {
      if (table.className.startsWith("heat")) continue;
      const heads = [...table.querySelectorAll("thead th")];
      const rows = [...table.querySelectorAll("tbody tr:not(.prose)")].map((row) => [...row.querySelectorAll("td")]);
      for (const row of rows) expect(row).toHaveLength(heads.length);
      heads.forEach((head, index) => {
        const keys = rows.map((row) => row[index]?.getAttribute("data-sort"));
        // Figures are sorted as numbers, whatever their unit; times by their moment.
        if (head.className === "number")
          for (const key of keys) expect(key).toMatch(/^(?:-?\d+(?:\.\d+)?(?:e-\d+)?)?$/);
        if (head.className === "time") for (const key of keys) expect(key).toMatch(/^(?:\d{4}-.*Z)?$/);
      });
    }
  });

  test("are sorted by a click: figures as numbers from the greatest on, then back, then as they were", () => {
    const all = open(reportWith("sender"));
    const table = all("#top-sender table")[0];
    const heads = [...(table?.querySelectorAll("th button") ?? [])];
    const order = (): string[] => textsOf(table?.querySelectorAll("tbody td:first-child") ?? []);
    const sorting = (): (string | null)[] =>
      [...(table?.querySelectorAll("th") ?? [])].map((head) => head.getAttribute("aria-sort"));
    const before = order();
    expect(before).toEqual(["sender", "sender2", "sender3"]);
    const [name, messages] = heads;
    messages?.click();
    expect(order()).toEqual(["sender2", "sender3", "sender"]);
    expect(sorting().slice(0, 3)).toEqual([null, "descending", null]);
    messages?.click();
    expect(order()).toEqual(["sender", "sender3", "sender2"]);
    messages?.click();
    expect([order(), new Set(sorting())]).toEqual([before, new Set([null])]);
    name?.click();
    expect(sorting()[0]).toBe("ascending");
    name?.click();
    expect(order()).toEqual(["sender3", "sender2", "sender"]);
  });

  test("have sentences below their row, where there is no room beside it, and keep them there", () => {
    const all = open(reportWith("x"));
    const table = all("#accounts table")[0];
    const rows = (): string[] => textsOf(table?.querySelectorAll("tbody tr") ?? []);
    const pairs = (): string[] =>
      rows().flatMap((row, index) => (index % 2 === 0 ? [`${row}|${rows()[index + 1]}`] : []));
    const before = pairs();
    expect(before.length).toBeGreaterThan(1);
    expect(table?.querySelectorAll("tr.prose td")).toHaveLength(before.length);
    const [, verdict] = [...(table?.querySelectorAll("th button") ?? [])];
    verdict?.click();
    expect(pairs()).toEqual(before);
    verdict?.click();
    expect(pairs()).toEqual([...before].reverse());
  });

  test("keep ranges in their order, and what is not known at the end", () => {
    const all = open(reportWith("x"));
    const table = all("#queue table")[0];
    const [range] = [...(table?.querySelectorAll("th button") ?? [])];
    const order = (): string[] => textsOf(table?.querySelectorAll("tbody td:first-child") ?? []);
    range?.click();
    expect(order()).toEqual(["up to 10 s", "up to 1 min", "longer"]);
    range?.click();
    expect(order()).toEqual(["longer", "up to 1 min", "up to 10 s"]);
    const totals = all("#totals table")[0];
    const bytes = [...(totals?.querySelectorAll("th button") ?? [])].at(-1);
    for (const first of ["8.8 KiB", "4.9 KiB"]) {
      bytes?.click();
      const volumes = textsOf(totals?.querySelectorAll("tbody td:last-child") ?? []);
      expect([volumes[0], volumes.at(-1)]).toEqual([first, ""]);
    }
  });
});

describe("problems", () => {
  test("link to their section and give the command, with the time and the filters", () => {
    const { all } = parse(render(reportWith("it's $(x)")));
    const items = all(".problems li").map((item) => [
      item.querySelector("a")?.getAttribute("href") ?? null,
      item.querySelector(".next code")?.textContent,
    ]);
    const rest =
      "--since 2026-03-02T00:00:00Z --until 2026-03-04T00:00:00Z --server 'it'\\''s $(x)' --sender 'it'\\''s $(x)'";
    expect(items).toEqual([
      ["#bounces", `exim-pilot search --status bounced ${rest}`],
      [null, `exim-pilot search --log-type panic ${rest}`],
      ["#accounts", `exim-pilot abuse ${rest}`],
    ]);
  });

  test("link to no section that is not on the page", () => {
    const report = reportWith("x");
    const { problems } = report.stats.sections;
    const stats = { ...report.stats, sections: { ...(problems && { problems }) } };
    const { all } = parse(render({ ...report, actors: undefined, stats }));
    expect(all(".problems a")).toHaveLength(0);
    expect(all(".problems .next code")).toHaveLength(3);
    for (const { section } of Object.values(NEXT_STEPS))
      if (section !== undefined) expect(Object.keys(report.stats.sections)).toContain(section);
  });
});

describe("tiles", () => {
  const tilesOf = (report: Report) => {
    const { all } = parse(render(report));
    return { changes: textsOf(all(".change")), basis: textsOf(all(".basis")), all };
  };

  test("show the change to the time before, and link to what tells more", () => {
    const { changes, basis, all } = tilesOf(reportWith("x"));
    // Messages on the queue are those that are there now: earlier ones had more time to leave.
    expect(changes).toEqual(["▲ 25.0 %", "±0 %", "±0 %", "±0 %", "±0 %"]);
    expect(basis).toEqual(["Change: from 2026-02-28 00:00 to 2026-03-02 00:00, the same figures."]);
    expect(all(".tiles svg")).toHaveLength(5);
    expect(all(".tiles a").map((link) => link.getAttribute("href"))).toEqual([
      "#series",
      "#providers",
      "#bounces",
      "#deferrals",
      "#rejections",
      "#queue",
    ]);
  });

  test.each([
    ["was not read", { totals: null }, "the time before, 2026-02-28 00:00 to 2026-03-02 00:00, was not read."],
    [
      "was not read, though messages are left",
      { read: "none" },
      "the time before, 2026-02-28 00:00 to 2026-03-02 00:00, was not read.",
    ],
    [
      "was read in part",
      { read: "partial" },
      "the time before, 2026-02-28 00:00 to 2026-03-02 00:00, was read only in part.",
    ],
    ["is compared with a time that was", { readNow: "partial" }, "the time of this report was read only in part."],
  ] as const)("show no number where the time before %s", (_, found, sentence) => {
    const report = reportWith("x");
    const { earlier } = report;
    if (earlier === undefined) throw new Error("The report compares with nothing.");
    const { changes, basis } = tilesOf({ ...report, earlier: { ...earlier, ...found } });
    expect([changes, basis]).toEqual([[], [`No change is shown: ${sentence}`]]);
  });

  test("show no zero where nothing was read", () => {
    const report = reportWith("x");
    const { all } = tilesOf({ ...report, earlier: undefined, stats: { ...report.stats, from: null, until: null } });
    expect(new Set(textsOf(all(".tiles b")))).toEqual(new Set(["–"]));
    expect(all("head title")[0]?.textContent).toContain("a time that no log covers");
  });
});

describe("what is compared with", () => {
  test("is drawn in the charts, marked in the bars and named", () => {
    const plain = parse(render(reportWith("x")));
    const compared = parse(render(reportWith("x", { isCompared: true })));
    const lines = ({ all }: typeof plain): number => all("svg.chart [stroke-dasharray]").length;
    // Three charts, each in two sizes.
    expect([lines(plain), lines(compared)]).toEqual([0, 6]);
    expect([plain, compared].map(({ all }) => all(".bar .was").length > 5)).toEqual([false, true]);
    expect(textsOf(compared.all(".legend")).join()).toContain("the time compared with");
    expect(compared.all(".subject")[0]?.textContent).toContain("compared with 2026-02-28 00:00 to 2026-03-02 00:00");
  });
});

describe("the heat map", () => {
  const { all } = parse(render(reportWith("x")));
  const cells = all("table.heat.received.wide td[title]");

  test("names the zone, has 24 hours of 7 days, and the same turned for a phone", () => {
    expect(textsOf(all("table.heat.received caption"))).toEqual(
      Array(2).fill("Messages received at each hour of the week (UTC)"),
    );
    expect(cells).toHaveLength(168);
    expect(all("table.heat.received.narrow td[title]")).toHaveLength(168);
    expect(all("table.heat.received.narrow tbody tr")).toHaveLength(24);
  });

  test("is the darker the more came, and empty where the time has no such hour", () => {
    expect(cells[0]?.getAttribute("title")).toBe("Monday 00:00: 0 an hour");
    expect([cells[47]?.className, cells[47]?.textContent]).toEqual(["l8", "47"]);
    expect([cells[48]?.className, cells[48]?.textContent]).toEqual(["none", ""]);
    expect(all("#hours")[0]?.textContent).toContain("Empty: the time has no such hour.");
  });
});

const PAYLOADS = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  `' onmouseover='alert(1)`,
  "</style><script>alert(1)</script>",
  "</title><svg onload=alert(1)>",
  "--><script>alert(1)</script><!--",
  "]]><b>x</b>",
  "&lt;script&gt;",
  "javascript:alert(1)",
  "\u202egnp.exe\u0000\u001b[31m",
];

describe("text of strangers", () => {
  const shape = (html: string): string[] =>
    parse(html)
      .all("*")
      .map(
        ({ tagName, attributes }) =>
          `${tagName} ${[...attributes]
            .map(({ name }) => name)
            .sort()
            .join(" ")}`,
      );

  test.each(PAYLOADS)("is text wherever it stands: %j", (payload) => {
    const html = render(reportWith(payload, { isCompared: true }));
    expect(shape(html)).toEqual(shape(render(reportWith("harmless", { isCompared: true }))));
    expect(html).toBe(toVisible(html));
  });

  test("changes no element and no attribute, whatever it is", () => {
    const plain = shape(render(reportWith("x")));
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom(..."<>\"'&;=/ \n`ab-!") }), (text) => {
        fc.pre(text.trim() !== "");
        expect(shape(render(reportWith(text)))).toEqual(plain);
      }),
      { numRuns: 10 },
    );
  });
});
