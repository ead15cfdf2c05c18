/**
 * What a server goes without since its start: a file or a port beside those of DNS that could not be had. Queries are answered all the same;
 * with `strict` the start is refused.
 */
import { AdotdError } from '../errors.js';
import type { Log } from '../observe/log.js';

export class StartTroubles {
  readonly #strict: boolean;
  readonly #log: Log;
  readonly #lines: string[] = [];

  constructor(strict: boolean, log: Log) {
    this.#strict = strict;
    this.#log = log;
  }

  /** For the status: one line for each trouble that lasts until a restart. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Logs a trouble that lasts until a restart; `without`: what there is not. Throws `error` with `strict`, and if it is none of ours. */
  last(error: unknown, without: string): void {
    this.#lines.push(this.pass(error, `there is ${without} until a restart`));
  }

  /** As last(), for a trouble that a reload may end; `consequence`: what it means. Returns the line. */
  pass(error: unknown, consequence: string): string {
    if (this.#strict || !(error instanceof AdotdError)) throw error;
    const line = `${error.message}; ${consequence}`;
    this.#log.error({ err: error }, line);
    return line;
  }
}
