/** The JSON Schema of every `--json`, made of the types in src/render/answers.ts. */
import { fileURLToPath } from "node:url";
import type { JSONSchema7 } from "json-schema";
import { createGenerator } from "ts-json-schema-generator";

type Definitions = Record<string, JSONSchema7>;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VERSION = 1;

/**
 * `definitions` has `answer.KIND` for each answer and `line.KIND` for a line of `--ndjson`, and the types they are made of. Nothing is
 * allowed but what the types name: it is what this version prints.
 */
export function makeStrictSchema(): JSONSchema7 {
  const generator = createGenerator({
    path: `${ROOT}/src/render/answers.ts`,
    tsconfig: `${ROOT}/tsconfig.json`,
    expose: "export",
    jsDoc: "extended",
    skipTypeCheck: true,
    additionalProperties: false,
  });
  const { Answers, ...answerTypes } = definitionsOf(generator.createSchema("Answers"));
  const { Lines, ...lineTypes } = definitionsOf(generator.createSchema("Lines"));
  const types = { ...answerTypes, ...lineTypes };
  const answers = mapped(Answers, "answer", ([kind, type]) => withHead(kind, resolved(type, types)));
  const lines = mapped(Lines, "line", ([, type]) => type);
  const isNamed = new Set(JSON.stringify([answers, lines, types]).match(/#\/definitions\/\w+/g));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "What exim-pilot prints under --json",
    description:
      "Within a version fields are added and none goes or changes its meaning. Each answer.KIND is one answer, each line.KIND a line of --ndjson.",
    oneOf: Object.keys(answers).map((name) => ({ $ref: `#/definitions/${name}` })),
    definitions: {
      ...answers,
      ...lines,
      ...Object.fromEntries(Object.entries(types).filter(([name]) => isNamed.has(`#/definitions/${name}`))),
    },
  };
}

/** For programs, which have to leave alone what a newer exim-pilot adds. */
export function toPublished(strict: JSONSchema7): string {
  const isStrict = (key: string, value: unknown): boolean => key === "additionalProperties" && value === false;
  return `${JSON.stringify(strict, (key, value: unknown) => (isStrict(key, value) ? undefined : value), 2)}\n`;
}

function definitionsOf(schema: JSONSchema7): Definitions {
  return (schema.definitions ?? {}) as Definitions;
}

function mapped(
  type: JSONSchema7 | undefined,
  prefix: string,
  make: (property: [kind: string, type: JSONSchema7]) => JSONSchema7,
): Definitions {
  const properties = Object.entries((type?.properties ?? {}) as Definitions);
  return Object.fromEntries(properties.map((property) => [`${prefix}.${property[0]}`, make(property)]));
}

function resolved({ $ref = "" }: JSONSchema7, types: Definitions): JSONSchema7 {
  const type = types[$ref.replace("#/definitions/", "")];
  if (type === undefined) throw new Error(`An answer has to be of an interface with a name: ${$ref}`);
  return type;
}

function withHead(kind: string, { properties, required = [], ...rest }: JSONSchema7): JSONSchema7 {
  return {
    ...rest,
    properties: { version: { const: VERSION }, kind: { const: kind }, ...properties },
    required: ["version", "kind", ...required],
  };
}
