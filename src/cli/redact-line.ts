/** Lines of `parse --redact`: redacted as text, and read again, so that all that is told of them is that of the redacted line. */
import { type ReadLine, readLine, residueOf } from "../explain/read-line.ts";
import type { LineSamples, Summary } from "../explain/tally.ts";
import type { Redactor } from "../redact/redactor.ts";

export function redactLine({ raw, kind, parsed, ...place }: ReadLine, names: Redactor): ReadLine {
  const file = redactFile(place.file, names);
  const redactAs = (readAs: object): ReadLine =>
    readLine(names.redactEntry(raw, readAs).split("\n").map(toLatin1), parsed !== undefined, { ...place, file });
  if (parsed === undefined) return redactAs({});
  const line = redactAs({ [kind]: parsed.event, headerDump: parsed.headerDump });
  // Somebody is called by a word that the form of the line consists of: `rejected`.
  return line.kind === kind ? line : redactAs({});
}

/** Its samples are redacted; counts tell nothing. */
export function redactSummary(summary: Summary, names: Redactor): Summary {
  const redactSamples = (samples: LineSamples): LineSamples => ({
    ...samples,
    samples: samples.samples.map((sample) => {
      const { file, lineNumber, raw, residue } = sample;
      const line = redactLine(readLine(raw.split("\n").map(toLatin1), true, { file, lineNumber }), names);
      return { ...sample, file: line.file, raw: line.raw, residue: residue === "" ? "" : residueOf(line) };
    }),
  });
  return { ...summary, unknown: redactSamples(summary.unknown), residue: redactSamples(summary.residue) };
}

function redactFile(file: string, names: Redactor): string {
  return names.redact({ file }).file;
}

/** Lines are read as latin1. */
function toLatin1(line: string): string {
  return Buffer.from(line, "utf8").toString("latin1");
}
