/** An error or warning about a zone, with its place. formatDiagnostic() prints it. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; 0 for records that are in no file: `file` then says of which version of which zone they are. */
  readonly line: number;
  /** From 1, in octets; 0 where `line` is. */
  readonly column: number;
  /** Says what was found, and what was expected. */
  readonly message: string;
}

/** Collects diagnostics up to a limit, so that a file with a million mistakes needs bounded memory. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  readonly limit: number;
  errors = 0;
  warnings = 0;

  /** `limit`: number of errors, and of warnings, that are kept; the others are only counted. */
  constructor(limit = 20) {
    this.limit = limit;
  }

  /** Whether reading may stop: the limit of errors is reached. */
  get full(): boolean {
    return this.errors >= this.limit;
  }

  error(file: string, line: number, column: number, message: string): void {
    if (this.errors++ < this.limit) this.list.push({ severity: 'error', file, line, column, message });
  }

  warning(file: string, line: number, column: number, message: string): void {
    if (this.warnings++ < this.limit) this.list.push({ severity: 'warning', file, line, column, message });
  }

  /** Sorts those from number `from` on by place; `files` gives the order of the files. */
  sort(files: readonly string[], from: number): void {
    const compare = (a: Diagnostic, b: Diagnostic): number =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
    this.list.push(...this.list.splice(from).sort(compare));
  }
}

/** `file:line:column: message`, or `file: message` without a line, with `warning: ` before the message of a warning. */
export function formatDiagnostic(d: Diagnostic): string {
  const place = d.line === 0 ? d.file : `${d.file}:${d.line}:${d.column}`;
  return `${place}: ${d.severity === 'warning' ? 'warning: ' : ''}${d.message}`;
}
