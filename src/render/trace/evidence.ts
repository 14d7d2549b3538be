/** How a piece of evidence led to messages, above their pages: each link with how sure it is. */
import type { EvidencePart } from "../../content/evidence-sections.ts";
import type { EvidenceLink } from "../../trace/find-evidence.ts";
import type { Evidence } from "../answers.ts";
import { greatest, renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

const PARTS: Readonly<Record<EvidencePart, string>> = {
  message: "Message",
  bounce: "Bounce",
  returned: "Returned message",
  report: "Report",
  text: "Text",
};

export function renderEvidence(
  { links }: Evidence,
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): string {
  const width = greatest(links.map(({ part }) => PARTS[part].length));
  const lines = links.map((link) => {
    const [id = "", ...server] = link.to.split(" ");
    const label = `  ${PARTS[link.part].padEnd(width)}  `;
    const text = `${paint.strong(id)} on ${toVisibleLine(server.join(" "))}  ${paint.strong(link.certainty)}: ${toVisibleLine(describeBasis(link))}`;
    return renderHanging(label, text, label.length, columns);
  });
  return `${paint.strong("Found by the evidence")}\n${lines.join("\n")}\n`;
}

function describeBasis({ basis, statedId, agreeing, certainty, to }: EvidenceLink): string {
  const id = statedId === null ? "" : ` ${statedId}`;
  switch (basis) {
    case "exim_id":
      if (certainty !== "direct") return "it names this id, which several servers have";
      return to.startsWith(`${statedId} `) ? "it names this id" : `it names the id${id}`;
    case "message_id":
      return `both state the Message-ID${id}`;
    case "queue_id":
      return `the next server confirmed the delivery with the id${id}`;
    case "report":
      return "the stored bounce names it as the message that it is about";
    case "facts":
      return `no id, but ${listFacts(agreeing)} ${agreeing.length === 1 ? "agrees" : "agree"}`;
  }
}

function listFacts(facts: readonly string[]): string {
  return facts.length < 2 ? facts.join("") : `${facts.slice(0, -1).join(", ")} and ${facts.at(-1)}`;
}
