/** Certificates and ticket keys while the server runs, as its other parts see them. */
import type { Config } from '../../config/schema.js';
import type { Certificates, Loaded } from '../../tls/served.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { TlsOffer } from '../../transport/transport.js';

/** Certificates and keys while the server runs. */
export interface TlsService {
  /** For this thread. */
  readonly offer: TlsOffer;
  /** For threads that make contexts of their own; plain data. */
  readonly settings: TlsSettings;
  /**
   * Reads certificates and keys again, and renews the server's own certificate when it is due. `nameservers`: those of the zones now.
   * A file that cannot be used is logged, and its old content stays in force. Never throws.
   */
  refresh(nameservers: readonly string[]): Promise<TlsRefresh>;
  /** As refresh() for the same nameservers: a certificate that was held back may be served now. Never throws. */
  reconsider(): Promise<TlsRefresh>;
  /** The certificates that are served, the default one first. */
  readonly certificates: Certificates;
  /** The number of pairs of files in each state; the server's own pair counts where none is configured. */
  readonly pairs: Readonly<Record<Loaded['pairs'][number]['state'], number>>;
  /** The files that could not be used when they were last read. */
  readonly mistakes: TlsMistakes;
  /** The mistakes, and a line for each served certificate that has expired or is not valid yet. */
  readonly problems: readonly string[];
  /** All files of certificates and keys, those of the server's own certificate included. */
  readonly files: readonly string[];
  /**
   * Reads and checks the files of another configuration. The returned function puts them in force; until then nothing changes, except
   * that the server's own certificate is made if it is missing. Throws ADOTD_FILE or ADOTD_TLS with file and reason.
   */
  prepare(tls: Config['tls']): Promise<TlsCommit>;
  /** Ends the rotation of ticket keys and the checks of the certificates. */
  close(): void;
}

/** Files that cannot be used, a line for each. */
export interface TlsMistakes {
  readonly certificates: readonly string[];
  /** undefined: the keys are in no file. */
  readonly ticketKeys: readonly string[] | undefined;
}

/** The result of reading certificates and keys again. */
export interface TlsRefresh extends TlsMistakes {
  /** `kept`: some of the new content cannot be used. */
  readonly result: 'unchanged' | 'replaced' | 'kept';
}

/** Puts the prepared configuration in force. Throws nothing; fulfilled when all new connections get it. */
export type TlsCommit = () => Promise<'unchanged' | 'replaced'>;
