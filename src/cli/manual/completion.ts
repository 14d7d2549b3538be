/** Completions for shells, made of the commands: a script that needs nothing but the shell. */

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

function renderBash(commands: readonly ListedCommand[]): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags
      .filter(({ hasValue }) => hasValue)
      .map((flag) => {
        const patterns = flag.names.map((flagName) => `"${name} ${flagName}"`).join("|");
        return `    ${patterns}) ${flag.choices.length > 0 ? words(flag.choices) : flag.isPath ? FILES : "COMPREPLY=()"}; return ;;`;
      }),
  );
  const cases = commands.map(({ name, flags, takesPaths, choices }) => {
    const others = choices.length > 0 ? words(choices) : takesPaths ? FILES : "COMPREPLY=()";
    return `    ${name}) if [[ $cur == -* ]]; then ${words(flags.flatMap((flag) => flag.names))}; else ${others}; fi ;;`;
  });
  return `# bash completion of exim-pilot
_exim_pilot() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  case "$command $prev" in
${values.join("\n")}
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
  const cases = commands.map(({ name, flags, takesPaths, choices }) => {
    const specs = flags.flatMap((flag) => flag.names.map((flagName) => zshSpec(flag, flagName)));
    const rest = choices.length > 0 ? [`'1: :(${choices.join(" ")})'`] : takesPaths ? ["'*:file:_files'"] : [];
    return `    ${name}) _arguments ${[...specs, ...rest].join(" ")} ;;`;
  });
  return `#compdef exim-pilot
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

function zshSpec({ description, hasValue, choices, isPath }: ListedFlag, name: string): string {
  const value = !hasValue ? "" : choices.length > 0 ? `: :(${choices.join(" ")})` : isPath ? ":file:_files" : ": :";
  return single(`${name}[${description.replaceAll(/[[\]:]/g, " ")}]${value}`);
}

function renderFish(commands: readonly ListedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, flags, takesPaths, choices }) => {
    const within = `complete -c exim-pilot -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c exim-pilot -f -n __fish_use_subcommand -a ${name} -d ${single(summary)}`,
      ...(takesPaths ? [`${within} -F`] : [`${within} -f`]),
      ...(choices.length === 0 ? [] : [`${within} -a ${single(choices.join(" "))}`]),
      ...flags.map((flag) => `${within} ${fishFlag(flag)}`),
    ];
  });
  return `# fish completion of exim-pilot\n${lines.join("\n")}\n`;
}

function fishFlag({ names, description, hasValue, choices, isPath }: ListedFlag): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = !hasValue ? [] : choices.length > 0 ? ["-x", "-a", single(choices.join(" "))] : [isPath ? "-r" : "-x"];
  return [...flags, ...value, "-d", single(description)].join(" ");
}

/** In single quotes, within which every shell takes everything as it is. */
function single(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
