/** `adotd completion SHELL`: a script that completes verbs, commands, options and their values, made of the help texts. */
import { Exit, parse, UsageError, type Verb, type Verbs } from './arguments.js';
import { type HelpOption, type HelpText, parseHelp } from './help-text.js';

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
      for (const [name, { load }] of Object.entries(verbs)) helps.set(name, parseHelp((await load()).help));
      process.stdout.write({ bash, zsh, fish }[known](verbs, helps));
      return Exit.OK;
    },
  };
}

type Helps = ReadonlyMap<string, HelpText>;

/** Values that an option's help lists (`text|json`); undefined: it lists none. */
function choices({ value }: HelpOption): readonly string[] | undefined {
  return value !== undefined && /^[a-z0-9.]+(?:\|[a-zA-Z0-9.]+)+$/.test(value)
    ? value.split('|').filter((word) => /^[a-z0-9.]+$/.test(word))
    : undefined;
}

/** What a shell completes after an option. */
function kindOf(option: HelpOption): 'nothing' | 'file' | 'folder' | 'other' | readonly string[] {
  if (option.value === undefined) return 'nothing';
  if (option.value === 'DIR') return 'folder';
  if (/FILE$|^PATH$/.test(option.value)) return 'file';
  return choices(option) ?? 'other';
}

function bash(verbs: Verbs, helps: Helps): string {
  const cases = [...helps].map(([verb, { options, commands }]) => {
    const values = options.flatMap((option) => {
      const kind = kindOf(option);
      if (kind === 'nothing') return [];
      const reply =
        kind === 'file' ? '-f' : kind === 'folder' ? '-d' : kind === 'other' ? '-W ""' : `-W "${kind.join(' ')}"`;
      return [`        ${option.name}) COMPREPLY=($(compgen ${reply} -- "$word")); return ;;`];
    });
    const names = options.map(({ name }) => name).join(' ');
    const first = commands.map(({ name }) => name).join(' ');
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
    const first = commands.map(({ name, meaning }) => `${name}\\:"${zshText(meaning).replaceAll('"', '')}"`).join(' ');
    specs.push(first === '' ? "        '*:file:_files'" : `        '1:command:((${first}))'`);
    return `      ${verb})\n        _arguments \\\n${specs.join(' \\\n')}\n        ;;`;
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
    for (const { name, meaning } of commands)
      lines.push(`complete -c adotd ${seen} -a ${name} -d ${fishText(meaning)}`);
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
