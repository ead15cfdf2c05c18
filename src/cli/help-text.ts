/** Splits a verb's help text into pieces. Completions and manual pages are made of them, so that the text is written once. */

export interface HelpOption {
  /** `--config` */
  readonly name: string;
  /** How the help calls the value: `FILE`, `text|json`; undefined: a flag. */
  readonly value: string | undefined;
  readonly meaning: string;
}

/** A command of the verb: `reload [ZONE]`, or of two words, `state import FILE`. */
export interface HelpCommand {
  readonly name: string;
  readonly words: string;
  readonly meaning: string;
}

export interface HelpText {
  /** The line of usage, without `usage: `. */
  readonly usage: string;
  /** The text outside options and commands, paragraph by paragraph. */
  readonly paragraphs: readonly string[];
  readonly commands: readonly HelpCommand[];
  readonly options: readonly HelpOption[];
}

const OPTION = /^ {2}(--[a-z-]+)(?: (\S+))?(?: {2,}(.*))?$/;
const COMMAND = /^ {2}([a-z][a-z-]*(?: [a-z][a-z-]*)?)((?: \[?[A-Z]+\]*)*) {2,}(\S.*)$/;
/** A command that is too long for its meaning to stand beside it. */
const LONG_COMMAND = /^ {2}([a-z][a-z-]* [a-z][a-z-]*)((?: \[?[A-Z]+\]*)+)$/;

export function parseHelp(help: string): HelpText {
  const [first = '', ...lines] = help.trimEnd().split('\n');
  const options: HelpOption[] = [];
  const commands: HelpCommand[] = [];
  const paragraphs: string[][] = [[]];
  /** Adds an indented line to the entry that it continues. */
  let last: ((text: string) => void) | undefined;
  for (const line of lines) {
    const option = OPTION.exec(line);
    const command = COMMAND.exec(line) ?? LONG_COMMAND.exec(line);
    if (option) {
      const [, name = '', value, meaning = ''] = option;
      options.push({ name, value, meaning });
      last = (text) => void options.push(continued(options.pop(), text));
    } else if (command) {
      const [, name = '', words = '', meaning = ''] = command;
      commands.push({ name, words: words.trim(), meaning });
      last = (text) => void commands.push(continued(commands.pop(), text));
    } else if (last !== undefined && /^ {4,}\S/.test(line)) last(line.trim());
    else {
      last = undefined;
      if (line === '') paragraphs.push([]);
      else paragraphs.at(-1)?.push(line.startsWith('  ') ? line : line.trim());
    }
  }
  return {
    usage: first.replace(/^usage: /, ''),
    paragraphs: paragraphs.map((paragraph) => paragraph.join('\n')).filter((text) => text !== ''),
    commands,
    options,
  };
}

function continued<T extends { readonly meaning: string }>(entry: T | undefined, text: string): T {
  if (entry === undefined) throw new Error('a help text continues an entry that it has not begun');
  return { ...entry, meaning: `${entry.meaning} ${text}`.trim() };
}
