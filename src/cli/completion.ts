/** `adotd completion SHELL`: a script that completes verbs, commands, options and their values, made of the help texts. */
import { Exit, parse, UsageError, type Verb, type Verbs } from './arguments.js';
import { type HelpCommand, type HelpOption, type HelpText, parseHelp } from './help-text.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The verb for the table that it is in. */
export function completionOf(verbs: Verbs): Verb {
  return {
    help: `usage: adotd completion bash|zsh|fish

Prints a script that completes the words of adotd in a shell. To have it in every new shell:

  bash   adotd completion bash > ~/.local/share/bash-completion/completions/adotd
  zsh    adotd completion zsh > "\${fpath[1]}/_adotd"
  fish   adotd completion fish > ~/.config/fish/completions/adotd.fish
`,
    options: {},
    async run(words) {
      const [shell, ...rest] = parse('completion', words, {}).positionals;
      const known = SHELLS.find((name) => name === shell);
      if (known === undefined || rest.length > 0) {
        const found = shell === undefined ? 'nothing' : [shell, ...rest].join(' ');
        throw new UsageError(`adotd completion: found ${found}, expected one of ${SHELLS.join(', ')}`);
      }
      const helps = new Map<string, HelpText>();
      for (const [name, { load }] of Object.entries(verbs))
        helps.set(name, onCommandLine(parseHelp((await load()).help)));
      process.stdout.write({ bash, zsh, fish }[known](verbs, helps));
      return Exit.OK;
    },
  };
}

/** Without the commands that stand in a file, not on the command line. */
function onCommandLine(help: HelpText): HelpText {
  return help.usage.includes('[FILE]') ? { ...help, commands: [] } : help;
}

type Helps = ReadonlyMap<string, HelpText>;

/** Values that an option's help lists (`text|json`); undefined: it lists none. */
function choices({ value }: HelpOption): readonly string[] | undefined {
  return value !== undefined && /^[a-z0-9.]+(?:\|[a-zA-Z0-9.]+)+$/.test(value)
    ? value.split('|').filter((word) => /^[a-z0-9.]+$/.test(word))
    : undefined;
}

/** The kind of value that a shell completes after an option. */
function kindOf(option: HelpOption): 'nothing' | 'file' | 'folder' | 'other' | readonly string[] {
  if (option.value === undefined) return 'nothing';
  if (option.value === 'DIR') return 'folder';
  if (/FILE$|^PATH$/.test(option.value)) return 'file';
  return choices(option) ?? 'other';
}

/** A word that may stand first in a command, and the words that may follow it. */
interface CommandWord {
  readonly name: string;
  readonly meaning: string;
  readonly next: readonly { readonly name: string; readonly meaning: string }[];
}

/** The first words of commands, each once: `state import` and `state export` begin with the same one. */
function firstWords(commands: readonly HelpCommand[]): readonly CommandWord[] {
  const words = new Map<string, { meaning: string; next: { name: string; meaning: string }[] }>();
  for (const { name: both, meaning } of commands) {
    const [name = '', second] = both.split(' ');
    const word = words.get(name) ?? { meaning, next: [] };
    words.set(name, word);
    if (second !== undefined) word.next.push({ name: second, meaning });
  }
  return [...words].map(([name, { meaning, next }]) => {
    const isAlone = commands.some((command) => command.name === name);
    return { name, next, meaning: isAlone ? meaning : next.map((word) => word.name).join(', ') };
  });
}

/** Names of commands, for a list of words that a shell splits at spaces. */
const listed = (words: readonly { readonly name: string }[]): string => words.map(({ name }) => name).join(' ');

function bash(verbs: Verbs, helps: Helps): string {
  const cases = [...helps].map(([verb, { options, commands }]) => {
    const values = options.flatMap((option) => {
      const kind = kindOf(option);
      if (kind === 'nothing') return [];
      const reply =
        kind === 'file' ? '-f' : kind === 'folder' ? '-d' : kind === 'other' ? '-W ""' : `-W "${kind.join(' ')}"`;
      return [`        ${option.name}) COMPREPLY=($(compgen ${reply} -- "$word")); return ;;`];
    });
    const words = firstWords(commands);
    for (const { name, next } of words)
      if (next.length > 0)
        values.push(`        ${name}) COMPREPLY=($(compgen -W "${listed(next)}" -- "$word")); return ;;`);
    const names = listed(options);
    const first = listed(words);
    return `    ${verb})
      case $before in
${values.join('\n')}
      esac
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "${names} --help" -- "$word"))
      else COMPREPLY=($(compgen ${first === '' ? '-f' : `-W "${first}"`} -- "$word")); fi
      ;;`;
  });
  return `# Completion of adotd for bash.
_adotd() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${Object.keys(verbs).join(' ')} help version --help --version" -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
}
complete -o filenames -F _adotd adotd
`;
}

/** Text for a place between single quotes of zsh, where a colon and brackets have a meaning. */
const zshText = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');

const zshWords = (words: readonly { readonly name: string; readonly meaning: string }[]): string =>
  words.map(({ name, meaning }) => `${name}\\:"${zshText(meaning).replaceAll('"', '')}"`).join(' ');

function zsh(verbs: Verbs, helps: Helps): string {
  const names = Object.entries(verbs).map(([name, { summary }]) => `    '${name}:${zshText(summary)}'`);
  const cases = [...helps].map(([verb, { options, commands }]) => {
    const specs = options.map((option) => {
      const kind = kindOf(option);
      const action =
        kind === 'file'
          ? '_files'
          : kind === 'folder'
            ? '_files -/'
            : typeof kind === 'string'
              ? ''
              : `(${kind.join(' ')})`;
      const value = kind === 'nothing' ? '' : `:${zshText(option.value ?? '')}:${action}`;
      return `        '*${option.name}[${zshText(option.meaning)}]${value}'`;
    });
    const words = firstWords(commands);
    specs.push(commands.length === 0 ? "        '*:file:_files'" : `        '1:command:((${zshWords(words)}))'`);
    const groups = words.filter(({ next }) => next.length > 0);
    const before = groups.map(({ name, next }) => `          ${name}) second=('2:command:((${zshWords(next)}))') ;;\n`);
    if (groups.length > 0) specs.push('        "$second[@]"');
    const choice =
      groups.length === 0
        ? ''
        : `        local -a second=()
        case \${words[(r)(${groups.map(({ name }) => name).join('|')})]} in
${before.join('')}        esac\n`;
    return `      ${verb})\n${choice}        _arguments \\\n${specs.join(' \\\n')}\n        ;;`;
  });
  return `#compdef adotd
# Completion of adotd for zsh.
_adotd() {
  local -a verbs=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
_adotd "$@"
`;
}

const fishText = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

function fish(verbs: Verbs, helps: Helps): string {
  const lines = ['# Completion of adotd for fish.', 'complete -c adotd -f'];
  for (const [verb, { summary }] of Object.entries(verbs))
    lines.push(`complete -c adotd -n __fish_use_subcommand -a ${verb} -d ${fishText(summary)}`);
  for (const [verb, { options, commands }] of helps) {
    const seen = `-n '__fish_seen_subcommand_from ${verb}'`;
    for (const { name, meaning, next } of firstWords(commands)) {
      lines.push(`complete -c adotd ${seen} -a ${name} -d ${fishText(meaning)}`);
      const behind = `-n '__fish_seen_subcommand_from ${verb}; and __fish_seen_subcommand_from ${name}'`;
      for (const word of next) lines.push(`complete -c adotd ${behind} -a ${word.name} -d ${fishText(word.meaning)}`);
    }
    if (commands.length === 0) lines.push(`complete -c adotd ${seen} -F`);
    for (const option of options) {
      const kind = kindOf(option);
      const value =
        kind === 'nothing'
          ? ''
          : kind === 'file'
            ? ' -r -F'
            : kind === 'folder'
              ? " -x -a '(__fish_complete_directories)'"
              : kind === 'other'
                ? ' -x'
                : ` -x -a '${kind.join(' ')}'`;
      lines.push(`complete -c adotd ${seen} -l ${option.name.slice(2)}${value} -d ${fishText(option.meaning)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
