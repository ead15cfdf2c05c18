/** The data that the steps of `adotd import` hand to each other: lines of a zone file, and notes about oddities of the export. */

/** A line of zone file text, and the line of the export that it comes from (from 1). */
export interface SourceLine {
  readonly text: string;
  readonly line: number;
}

/** The text of an export as lines that the zone file reader can read. */
export interface SourceText {
  readonly lines: readonly SourceLine[];
  /** The zone's name as the export says it, in presentation format with its final dot; undefined: it does not. */
  readonly zone: string | undefined;
  /** The program or service that made it, for messages. */
  readonly origin: string;
}

/** Collects notes by the lines of the export, in the order of the lines. */
export class Notes {
  readonly #notes: { line: number; text: string }[] = [];

  /** `line` 0: the export as a whole. A note that is there already is left out. */
  add(line: number, text: string): void {
    if (!this.#notes.some((note) => note.line === line && note.text === text)) this.#notes.push({ line, text });
  }

  get count(): number {
    return this.#notes.length;
  }

  /** `file:line: note`, one a line. */
  text(file: string): string {
    const sorted = this.#notes.map((note, i) => ({ ...note, i })).sort((a, b) => a.line - b.line || a.i - b.i);
    return sorted.map(({ line, text }) => `${file}:${line === 0 ? '' : `${line}:`} ${text}\n`).join('');
  }
}

/** A name with its final dot, in lower case. */
export function absolute(name: string): string {
  return `${name.replace(/\.$/, '')}.`.toLowerCase();
}
