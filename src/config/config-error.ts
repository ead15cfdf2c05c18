import { AdotdError, ErrorCode } from '../errors.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';

/** ADOTD_CONFIG with every mistake of a file; the message has one line for each. */
export class ConfigError extends AdotdError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(ErrorCode.CONFIG, diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}
