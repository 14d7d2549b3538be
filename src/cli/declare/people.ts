/** The commands of people: notes and users, and their flags. */
import { type Command, Option } from "commander";
import { ROLE_MEANINGS, ROLES } from "../../people/users.ts";
import { toWhen, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { redactOption, withAudit, withPaging } from "./shared-flags.ts";

const TAG_EXAMPLE = `
Examples:
  exim-pilot tag 1vwz8c-0005eI-2Q ticket-4711
  exim-pilot search --ids --reason blocklist | exim-pilot tag - incident-7
  exim-pilot search --tag incident-7
  exim-pilot tag --describe vip --colour '#c0392b' --about 'call them back'
  exim-pilot tag --popular --since 30d`;

function addTag(program: Command, io: Io): void {
  withAudit(program.command("tag"))
    .summary("label messages, to find them again")
    .description(
      "Gives messages tags: a ticket, an incident, a customer. Without an id, lists the tags there are, with colour and meaning.",
    )
    .argument("[id]", 'Exim\'s id of a message; "-" reads ids from standard input')
    .argument("[tags...]", "the labels")
    .option("-s, --server <name>", "only the message of this server, where several have the id")
    .option("--remove", "take the tags away")
    .option("--describe <name>", "set colour and meaning of a tag, wherever it is given")
    .addOption(new Option("--colour <colour>", "with --describe: #rrggbb, or a basic name such as red"))
    .addOption(new Option("--color <colour>").hideHelp())
    .option("--about <text>", "with --describe: what the tag means; an empty text removes it")
    .option("--popular", "list the tags that were given most often")
    .option("--since <time>", "with --popular: given then or later: 2026-03-02, yesterday, 2h, 7d", toWhen)
    .option("--limit <tags>", "with --popular: so many (default: 20)", wholeNumber(1, MOST_TAGS))
    .addOption(new Option("--names", "without an id: print the tags alone, one a line").conflicts("json"))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", TAG_EXAMPLE)
    .action(async (id: string | undefined, tags: string[], flags) => {
      const { runTag } = await import("../commands/tag.ts");
      await runTag(id, tags, { ...flags, colour: flags.colour ?? flags.color }, io);
    });
}

const NOTE_EXAMPLES = `
A note belongs to who wrote it: the user to whom the account of the system is
bound (with sudo: the account before), else that account. Its author and admins
may change it; as long as there are no users, anybody may. A private note is
shown to its author and to admins. That is a courtesy: whoever may read the file
of the database can read all of it.

Examples:
  exim-pilot note 1vwz8c-0005eI-2Q 'Customer called; the provider knows.'
  exim-pilot note 1vwz8c-0005eI-2Q
  exim-pilot note --edit 12 'Customer called again.'
  exim-pilot note --search provider --since 7d`;

const MOST_TAGS = 10_000;
const MOST_NOTES = 1_000_000;

function addNote(program: Command, io: Io, setStatus: SetStatus): void {
  withPaging(withAudit(program.command("note")))
    .summary("write down what people know of a message")
    .description(
      "Adds a note to a message. Without a text, lists its notes; without an id, the newest of all messages. Exit 1 when what was asked for finds none.",
    )
    .argument("[id]", "Exim's id of a message")
    .argument("[text...]", 'the note; "-" reads it from standard input')
    .option("-s, --server <name>", "of the message of this server, where several have the id")
    .option("--private", "show it to its author and to admins only")
    .addOption(new Option("--public", "with --edit: show it to everybody again").conflicts("private"))
    .addOption(
      new Option("--edit <number>", "replace the text of this note").argParser(wholeNumber(1)).conflicts("remove"),
    )
    .addOption(new Option("--remove <number>", "remove this note").argParser(wholeNumber(1)))
    .option("--search <text>", "list notes with this text, in any case")
    .option("--author <name>", "list notes by this user or account")
    .option("--since <time>", "list notes written or edited then or later: 2026-03-02, yesterday, 2h, 7d", toWhen)
    .option("--until <time>", "list notes from before then; a day is included", toWhen)
    .option("-n, --limit <notes>", "list the newest so many", wholeNumber(1, MOST_NOTES), 100)
    .option("--json", "print everything as JSON")
    .addHelpText("after", NOTE_EXAMPLES)
    .action(async (id: string | undefined, words: string[], flags) => {
      const { runNote } = await import("../commands/note.ts");
      setStatus(await withPager(flags, io, (paged) => runNote(id, words, flags, paged)));
    });
}

const USERS_EXAMPLES = `
Roles:
${ROLES.map((role) => `  ${role.padEnd(11)} ${ROLE_MEANINGS[role]}`).join("\n")}

A password is read from a file, standard input or a terminal, never from an
argument, and stored as a hash that no command shows. Users need none for the
command line: there, an account of the system is bound to a user by --os-user.
Admins change users; any user may set their own password. Root may change all of
it, also where root (with sudo: the account before) is bound to a viewer, and so
may an account that is bound to nobody. All this is a courtesy: whoever may
write the file of the database can change all of it.

Examples:
  exim-pilot users
  exim-pilot users add alice --role admin --os-user alice
  exim-pilot users password alice
  exim-pilot users disable bob`;

function addUsers(program: Command, io: Io): void {
  const users = withAudit(program.command("users"))
    .summary("list, add, change and remove users")
    .description("Lists the users of exim-pilot, who write notes and tags and own servers, and changes them.")
    .addOption(new Option("--names", "print their names, one a line").conflicts("json"))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", USERS_EXAMPLES)
    .action(async (flags) => {
      const { runUsers } = await import("../commands/users.ts");
      await runUsers(flags, io);
    });
  const add = users
    .command("add")
    .summary("add a user")
    .description("Adds a user, who then owns the servers whose owner has that name.")
    .argument("<name>", "such as alice; upper and lower case are the same")
    .addOption(new Option("--role <role>", "what the user may do").choices(ROLES).default("agent"));
  withSettings(add)
    .option("--password-file <file>", 'its first line is the password; "-" is standard input')
    .action(async (name: string, _flags, command: Command) => {
      const { runAddUser } = await import("../commands/users.ts");
      await runAddUser(name, command.optsWithGlobals(), io);
    });
  const set = users
    .command("set")
    .summary("change the role and the settings of a user")
    .description("Changes the role and the settings of a user; an empty text removes a setting.")
    .argument("<user>", "the name")
    .addOption(new Option("--role <role>", "what the user may do").choices(ROLES));
  withSettings(set).action(async (name: string, _flags, command: Command) => {
    const { runSetUser } = await import("../commands/users.ts");
    await runSetUser(name, command.optsWithGlobals(), io);
  });
  users
    .command("password")
    .configureHelp({ showGlobalOptions: true })
    .summary("give a user a new password")
    .description("Asks for a new password on the terminal, twice and without showing it, or reads it from a file.")
    .argument("<user>", "the name")
    .option("--password-file <file>", 'its first line is the password; "-" is standard input')
    .action(async (name: string, _flags, command: Command) => {
      const { runSetPassword } = await import("../commands/users.ts");
      await runSetPassword(name, command.optsWithGlobals(), io);
    });
  for (const [verb, summary, description] of [
    ["disable", "keep a user from writing and logging in", "Disables a user. What the user wrote stays."],
    ["enable", "make a disabled user active again", "Makes a disabled user active again."],
    [
      "remove",
      "remove a user",
      "Removes a user. Notes and tags of the user stay, with the name of their author; servers keep the text of their owner.",
    ],
  ] as const)
    users
      .command(verb)
      .configureHelp({ showGlobalOptions: true })
      .summary(summary)
      .description(description)
      .argument("<user>", "the name")
      .action(async (name: string, _flags, command: Command) => {
        const { runChangeUser } = await import("../commands/users.ts");
        await runChangeUser(verb, name, command.optsWithGlobals(), io);
      });
}

function withSettings(command: Command): Command {
  return command
    .configureHelp({ showGlobalOptions: true })
    .option("--email <address>", "address of the user")
    .option("--full-name <text>", "full name of the user")
    .option("--os-user <account>", "the account of the system that is this user");
}

export const PEOPLE: CommandGroup = {
  heading: "People",
  commands: [
    { name: "tag", words: "label mark name tags", add: addTag },
    { name: "note", words: "annotate annotation comment comments memo notes remark", add: addNote },
    { name: "users", words: "accounts admin admins passwd password people persons user", add: addUsers },
  ],
};
