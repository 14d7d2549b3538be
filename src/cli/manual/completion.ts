/**
 * Completions for shells, made of the commands: a script that needs nothing but the shell. What the database knows, servers and tags, it
 * asks of the program; such names are only compared and never read by the shell, for strangers may have chosen them.
 */

import type { Command } from "../declare/command.ts";
import { type ListedCommand, type ListedFlag, listCommands } from "./command-list.ts";

export type Shell = "bash" | "zsh" | "fish";

export function renderCompletion(program: Command, shell: Shell): string {
  const commands = listCommands(program).map(withInnerFlags);
  switch (shell) {
    case "bash":
      return renderBash(commands);
    case "zsh":
      return renderZsh(commands);
    case "fish":
      return renderFish(commands);
  }
}

/** Adds the flags of subcommands, which may follow the words of the command. */
function withInnerFlags(command: ListedCommand): ListedCommand {
  const all = [command, ...command.commands].flatMap(({ flags }) => flags);
  return { ...command, flags: [...new Map(all.map((flag) => [flag.form, flag])).values()] };
}

/** Completes the value of a flag, in bash. */
function bashValue({ choices, isPath, nameKind }: ListedFlag): string {
  if (nameKind !== undefined) return `_exim_pilot_names ${nameKind}`;
  if (choices.length > 0) return words(choices);
  return isPath ? FILES : "COMPREPLY=()";
}

/** Commands within a command whose first argument is a name that the database knows: of what kind, and which they are. */
function takersOfNames({ commands }: ListedCommand): readonly (readonly [kind: string, names: readonly string[]])[] {
  const takers = commands.filter((inner) => inner.arguments[0]?.nameKind !== undefined);
  const byKind = Map.groupBy(takers, (inner) => inner.arguments[0]?.nameKind ?? "");
  return [...byKind].map(([kind, inner]) => [kind, inner.map(({ name }) => name)]);
}

function renderBash(commands: readonly ListedCommand[]): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags
      .filter(({ hasValue }) => hasValue)
      .map((flag) => {
        const patterns = flag.names.map((flagName) => `"${name} ${flagName}"`).join("|");
        return `    ${patterns}) ${bashValue(flag)}; return ;;`;
      }),
  );
  const takers = commands.flatMap((command) =>
    takersOfNames(command).flatMap(([kind, names]) =>
      names.map((inner) => `    "${command.name} ${inner}") _exim_pilot_names ${kind}; return ;;`),
    ),
  );
  const cases = commands.map(({ name, flags, takesPaths, choices }) => {
    const others = choices.length > 0 ? words(choices) : takesPaths ? FILES : "COMPREPLY=()";
    return `    ${name}) if [[ $cur == -* ]]; then ${words(flags.flatMap((flag) => flag.names))}; else ${others}; fi ;;`;
  });
  return `# bash completion of exim-pilot
_exim_pilot_names() {
  local name word given=()
  for ((word = 1; word < COMP_CWORD - 1; word++)); do
    case \${COMP_WORDS[word]} in --db|--config) given+=("\${COMP_WORDS[word]}" "\${COMP_WORDS[word+1]/#\\~\\//$HOME/}") ;; esac
  done
  COMPREPLY=()
  while IFS= read -r name; do
    if [[ $name == "$cur"* ]]; then COMPREPLY+=("$name"); fi
  done < <(exim-pilot "$1" --names "\${given[@]}" 2>/dev/null </dev/null)
}
_exim_pilot() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  case "$command $prev" in
${[...values, ...takers].join("\n")}
  esac
  case $command in
    "") ${words([...commands.map(({ name }) => name), "--help", "--version"])} ;;
${cases.join("\n")}
  esac
}
complete -o filenames -F _exim_pilot exim-pilot
`;
}

const FILES = 'COMPREPLY=($(compgen -f -- "$cur"))';

function words(list: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${list.join(" ")}" -- "$cur"))`;
}

function renderZsh(commands: readonly ListedCommand[]): string {
  const names = commands.map(({ name, summary }) => `    ${single(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const { name, flags, takesPaths, choices } = command;
    const specs = flags.flatMap((flag) => flag.names.map((flagName) => zshSpec(flag, flagName)));
    const named = takersOfNames(command).map(([kind]) => `'2: : _exim_pilot_names ${kind}'`);
    const rest =
      choices.length > 0 ? [`'1: :(${choices.join(" ")})'`, ...named] : takesPaths ? ["'*:file:_files'"] : [];
    return `    ${name}) _arguments ${[...specs, ...rest].join(" ")} ;;`;
  });
  return `#compdef exim-pilot
_exim_pilot_names() {
  local -a found given
  local -i place
  for ((place = 1; place < CURRENT; place++)); do
    if [[ $words[place] == --(db|config) ]]; then given+=($words[place] \${\${(Q)words[place+1]}/#\\~\\//$HOME/}); fi
  done
  found=("\${(@f)$(exim-pilot $1 --names $given 2>/dev/null </dev/null)}")
  compadd -a found
}
_exim_pilot() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
_exim_pilot "$@"
`;
}

function zshSpec({ description, hasValue, choices, isPath, nameKind }: ListedFlag, name: string): string {
  const known = choices.length > 0 ? `: :(${choices.join(" ")})` : isPath ? ":file:_files" : ": :";
  const value = !hasValue ? "" : nameKind === undefined ? known : `: : _exim_pilot_names ${nameKind}`;
  return single(`${name}[${description.replaceAll(/[[\]:]/g, " ")}]${value}`);
}

function renderFish(commands: readonly ListedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, flags, takesPaths, choices } = command;
    const within = `complete -c exim-pilot -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c exim-pilot -f -n __fish_use_subcommand -a ${name} -d ${single(summary)}`,
      ...(takesPaths ? [`${within} -F`] : [`${within} -f`]),
      ...(choices.length === 0 ? [] : [`${within} -a ${single(choices.join(" "))}`]),
      ...takersOfNames(command).map(
        ([kind, names]) =>
          `complete -c exim-pilot -n '__fish_seen_subcommand_from ${name}; and __fish_seen_subcommand_from ${names.join(" ")}' -a '(__exim_pilot_names ${kind})'`,
      ),
      ...flags.map((flag) => `${within} ${fishFlag(flag)}`),
    ];
  });
  return `# fish completion of exim-pilot
function __exim_pilot_names
  set -l typed (commandline -opc)
  set -l given
  while set -q typed[2]
    if contains -- $typed[1] --db --config
      set -a given $typed[1] (string replace -r '^~/' "$HOME/" -- $typed[2])
    end
    set -e typed[1]
  end
  exim-pilot $argv[1] --names $given 2>/dev/null </dev/null
end
${lines.join("\n")}
`;
}

function fishFlag({ names, description, hasValue, choices, isPath, nameKind }: ListedFlag): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const offered = nameKind === undefined ? choices.join(" ") : `(__exim_pilot_names ${nameKind})`;
  const value = !hasValue ? [] : offered !== "" ? ["-x", "-a", single(offered)] : [isPath ? "-r" : "-x"];
  return [...flags, ...value, "-d", single(description)].join(" ");
}

/** In single quotes, within which every shell takes everything as it is. */
function single(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
