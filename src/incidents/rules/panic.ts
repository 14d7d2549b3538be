import { DAY_MS, HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, limit } from "./words.ts";

export const PANIC: CountingRule = {
  kind: "panic",
  version: 1,
  about: "Exim wrote to its panic log. All lines of a day are one incident.",
  thresholds: { lines: { value: 1, about: "lines" } },
  severity: "serious",
  windowMs: HOUR_MS,
  pauseMs: DAY_MS,
  measure: "count",
  contributionsOf: (observation) =>
    observation.kind === "panic"
      ? [
          {
            subject: "",
            text: observation.text === "" ? undefined : observation.text,
            messageId: observation.messageId,
          },
        ]
      : [],
  isMet: ({ count }, _past, thresholds) => count >= limit(thresholds, "lines"),
  describe: (_subject, { count, texts }) => ({
    title: `${countOf(count, "line")} in the panic log`,
    description: `Exim wrote ${countOf(count, "line")} to its panic log.${texts[0] === undefined ? "" : ` The most frequent: ${texts[0]}`}`,
  }),
  steps: () => [
    { text: "Read the lines.", command: "exim-pilot search --log-type panic --since 2d" },
    { text: "See whether the configuration is sound.", command: "exim -bV" },
    { text: "When it is mended, empty the panic log: Debian reports it every day while it has a line." },
  ],
};
