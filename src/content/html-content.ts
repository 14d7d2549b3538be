/** HTML of a message: its text without markup, and what in it is active. Nothing is run, shown or fetched. */
import { convert } from "html-to-text";
import { Parser } from "htmlparser2";

export interface HtmlFacts {
  /** Sentences about active parts. */
  readonly findings: readonly string[];
  /** Things that it would fetch from elsewhere. */
  readonly remoteResources: number;
}

const ACTIVE_ELEMENTS: Readonly<Record<string, string>> = {
  script: "a script",
  form: "a form",
  object: "an embedded object",
  embed: "an embedded object",
  applet: "an embedded object",
  iframe: "a frame",
  frame: "a frame",
  base: "another base for its links",
};
const FETCHED = new Set(["src", "background", "poster", "srcset", "data"]);
const LINKS = new Set(["href", "src", "action", "formaction", "xlink:href", "data", "background"]);
const ACTIVE_LINK = /^(?:javascript|vbscript|data|file):/;

export function inspectHtml(html: string): HtmlFacts {
  const found = new Set<string>();
  let remoteResources = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        const active = ACTIVE_ELEMENTS[name];
        if (active !== undefined) found.add(active);
        if (name === "meta" && /^\s*refresh\s*$/i.test(attributes["http-equiv"] ?? "")) found.add("a redirection");
        for (const [key, value] of Object.entries(attributes)) {
          if (/^on[a-z]/.test(key)) found.add("a script in an event attribute");
          if (LINKS.has(key) && ACTIVE_LINK.test(withoutBlanks(value).toLowerCase()) && !isPicture(name, value))
            found.add("a link that runs a script or opens a file");
          if (FETCHED.has(key) && /^\s*(?:https?:)?\/\//i.test(value)) remoteResources++;
          if (key === "style" && /url\s*\(\s*['"]?(?:https?:)?\/\//i.test(value)) remoteResources++;
        }
        if (name === "link" && /\bstylesheet\b/i.test(attributes["rel"] ?? "")) remoteResources++;
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  parser.end(html);
  return { findings: [...found].map((what) => `The HTML holds ${what}.`), remoteResources };
}

/** Browsers leave out blanks and control characters. */
function withoutBlanks(text: string): string {
  return [...text].filter((letter) => letter > " ").join("");
}

/** A picture within the message, as many have it. */
function isPicture(element: string, value: string): boolean {
  return element === "img" && /^\s*data:image\/(?:png|jpeg|gif|webp);base64,/i.test(value);
}

/** HTML that is longer has its text from so much of it. */
export const MOST_HTML = 1024 * 1024;

/** Its text for people: links with where they lead, no pictures, nothing of scripts and styles. */
export function htmlToPlain(html: string): string {
  return convert(html.slice(0, MOST_HTML), {
    wordwrap: false,
    limits: { maxDepth: 200, maxChildNodes: 10_000, ellipsis: "…" },
    selectors: [
      { selector: "img", format: "skip" },
      { selector: "script", format: "skip" },
      { selector: "style", format: "skip" },
    ],
  });
}
