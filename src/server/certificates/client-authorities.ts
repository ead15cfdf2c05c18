/**
 * The authorities that sign the certificates of clients: a file for each listener of `transfer.listen`, read at the start and at each
 * reload. A listener whose file could never be used is closed: without authorities, it would let anybody in.
 */
import type { Config } from '../../config/schema.js';
import { AdotdError, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { readAuthorities } from '../../tls/authorities.js';
import { endpointText } from '../../transport/address.js';

/** Of each listener in the order of the configuration, PEM; undefined: it is closed. */
export type ClientCas = readonly (string | undefined)[];

interface Listener {
  readonly name: string;
  readonly file: string;
  /** The content of its file when it could last be used. */
  ca: string | undefined;
  /** Why the present content of the file is not in force. */
  mistake: string | undefined;
}

export class ClientAuthorities {
  readonly #listeners: readonly Listener[];
  readonly #log: Log;
  readonly #changed: (cas: ClientCas) => Promise<void>;
  /** Why a listener could not be opened. */
  #obstacle: string | undefined;

  /**
   * Reads the files. `changed` is called after each later reading, and opens listeners that are closed. With `strict`, throws ADOTD_FILE or
   * ADOTD_TLS for a file that cannot be used.
   */
  constructor({ transfer, strict }: Config, log: Log, changed: (cas: ClientCas) => Promise<void>) {
    this.#log = log;
    this.#changed = changed;
    this.#listeners = transfer.listen.map(({ address, port, client_ca: file }) => {
      return { name: endpointText(address, port), file, ca: undefined, mistake: undefined };
    });
    for (const listener of this.#listeners) this.#read(listener, strict);
  }

  get current(): ClientCas {
    return this.#listeners.map(({ ca }) => ca);
  }

  get files(): readonly string[] {
    return this.#listeners.map(({ file }) => file);
  }

  /** A line for each file that could not be used when it was last read, and for a listener that cannot be opened. */
  get problems(): readonly string[] {
    const mistakes = this.#listeners.flatMap(({ mistake }) => mistake ?? []);
    return this.#obstacle === undefined ? mistakes : [...mistakes, this.#obstacle];
  }

  /** Reads the files again. Never throws: a file that cannot be used is logged, and its old content stays in force. */
  async refresh(): Promise<readonly string[]> {
    for (const listener of this.#listeners) this.#read(listener, false);
    if (this.#listeners.length === 0) return [];
    try {
      await this.#changed(this.current);
      this.#obstacle = undefined;
    } catch (error) {
      this.#obstacle = messageOf(error);
      this.#log.error({ err: error }, `clients with certificates are not served: ${this.#obstacle}`);
    }
    return this.problems;
  }

  #read(listener: Listener, isStrict: boolean): void {
    const { name, file, ca: before } = listener;
    try {
      listener.ca = readAuthorities(file);
      if (listener.mistake !== undefined) this.#log.info({ file }, `the authorities file ${file} can be used again`);
      listener.mistake = undefined;
    } catch (error) {
      if (isStrict || !(error instanceof AdotdError)) throw error;
      const consequence = before === undefined ? `nobody is served on ${name}` : `those that ${name} had before stay`;
      listener.mistake = `${error.message}; ${consequence}`;
      this.#log.error({ file, err: error }, listener.mistake);
    }
  }
}
