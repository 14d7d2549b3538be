/** The command `content` and its flags. */
import { type Command, Option } from "commander";
import { toByteCount, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { SetStatus } from "./command.ts";
import { redactOption, withAudit, withPaging } from "./shared-flags.ts";

const EXAMPLES = `
Exim removes the content of a message at its last delivery. It can be shown as
long as the message waits, when queue snapshot --content kept it, or from a
file. The reject log has the headers of a message that was refused after its
data. HTML is shown as text; nothing is run, opened or fetched. That nothing
active was found does not make it harmless.

Examples:
  exim-pilot content 1vxAgn-00077F-2U --reason 'ticket 4711'
  exim-pilot content 1vxAgn-00077F-2U --save 1 --output invoice.pdf
  exim-pilot content --file suspicious.eml --json`;

export function addContent(program: Command, io: Io, setStatus: SetStatus): void {
  withPaging(withAudit(program.command("content")))
    .summary("show what is in a message, safely")
    .description(
      "Shows the headers, the text and the attachments of a message on the queue, of a stored one, or of a file; of a refused one, its headers. Each view is recorded in the audit log before anything is shown.",
    )
    .argument("[id]", "Exim's id")
    .addOption(
      new Option("--spool <directory>", "where the message waits (default: Debian's or RHEL's spool, where it is)"),
    )
    .addOption(new Option("--file <file>", 'read this file instead; "-" is standard input').conflicts("spool"))
    .option("-s, --server <name>", "of stored messages: only those of this server")
    .option("--headers", "only the headers, all of them")
    .option("--text", "only the plain text")
    .option("--html", "only the text of the HTML")
    .option("--attachments", "only the attachments")
    .option("--save <number>", "write this attachment to the file of --output", wholeNumber(1))
    .option("-o, --output <file>", "a new file, for --save")
    .addOption(
      new Option("--limit <size>", "at most this much of each text").argParser(toByteCount).default(65_536, "64K"),
    )
    .option("--reason <text>", "the reason, for the audit log")
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (id: string | undefined, flags) => {
      const { runContent } = await import("../commands/content.ts");
      setStatus(await withPager(flags, io, (paged) => runContent(id, flags, paged)));
    });
}
