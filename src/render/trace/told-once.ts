/** A long error is told once on a page: in the verdict or with its recipient, and the lines below point to it. */
import type { Trace } from "../../trace/result.ts";

/** Shorter texts are as quickly read as a pointer to them. */
const LONG = 40;
const POINTER = "the error above";

/** True when the verdict has said this error already. */
export function isInVerdict(error: string, { verdict }: Pick<Trace, "verdict">): boolean {
  const reply = withoutPreamble(error);
  return reply.length >= LONG && verdict.includes(reply);
}

/** `SMTP error from remote mail server after RCPT TO:<x@y.example>: 550 no` is `550 no`, the other side's own words. */
export function withoutPreamble(error: string): string {
  return error.replace(/^SMTP error from remote (?:mail server|mailer) after [^:<]*(?::<[^>]*>[^:]*)?: /, "");
}

/** The texts of a timeline, below which the last error of each recipient need not stand again. */
export function pointingUp({ recipients }: Pick<Trace, "recipients">): (text: string) => string {
  const told = recipients.flatMap(({ lastError }) =>
    lastError !== null && withoutPreamble(lastError).length >= LONG ? [`: ${lastError}`] : [],
  );
  return (text) => {
    const ending = told.find((error) => text.endsWith(error));
    return ending === undefined ? text : `${text.slice(0, -ending.length)}: ${POINTER}`;
  };
}
