/** TLS while the server runs: certificates, ticket keys and their rotation, and the log lines about them. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.js';
import { messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Clock, Timer } from '../session/clock.js';
import type { Certificate } from '../tls/certificates.js';
import { type Certificates, servedCertificates } from '../tls/served.js';
import { TicketKeys } from '../tls/ticket-keys.js';
import { TlsContexts, type TlsSettings } from '../tls/tls-context.js';
import type { TlsOffer } from '../transport/transport.js';

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
  /** The certificates that are served, the default one first. */
  readonly certificates: Certificates;
  /** All files of certificates and keys, those of the server's own certificate included. */
  readonly files: readonly string[];
  /**
   * Reads and checks the files of another configuration. The returned function puts them in force; until then nothing changes, except
   * that the server's own certificate is made if it is missing. Throws ADOTD_FILE or ADOTD_TLS with file and reason.
   */
  prepare(tls: Config['tls']): Promise<TlsCommit>;
  /** Ends the rotation of ticket keys and the daily check of the certificates. */
  close(): void;
}

/** The result of reading certificates and keys again. */
interface TlsRefresh {
  /** `kept`: the new content cannot be used. */
  readonly result: 'unchanged' | 'replaced' | 'kept';
  /** One line for each mistake. */
  readonly errors: readonly string[];
}

/** Puts the prepared configuration in force. Throws nothing; fulfilled when all new connections get it. */
type TlsCommit = () => Promise<'unchanged' | 'replaced'>;

/** Reads the certificates of a configuration, or makes one for the nameservers, this host and the addresses served. */
type ReadCertificates = (tls: Config['tls'], nameservers: readonly string[]) => Promise<Certificates>;

/** Seconds between two checks of the certificates. */
const DAY = 86_400;

/**
 * Reads the certificates of the configuration, or makes one for `nameservers`, this host and the addresses served. `changed` is
 * called with the settings whenever they have changed, and waited for. Throws ADOTD_FILE or ADOTD_TLS with file and reason.
 */
export async function openTls(
  config: Config,
  nameservers: readonly string[],
  clock: Clock,
  log: Log,
  changed: (settings: TlsSettings) => Promise<void> = async () => {},
): Promise<TlsService> {
  const read: ReadCertificates = ({ certificates, certs_folder: folder }, names) => {
    const files = certificates.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
    const now = new Date(clock.seconds() * 1000);
    return servedCertificates(files, { folder, names, hostName: hostname(), addresses: config.listen, now });
  };
  const certificates = await read(config.tls, nameservers);
  for (const certificate of certificates) logCertificate(certificate, log);
  return new RunningTls({ tls: config.tls, nameservers, certificates, read, clock, log, changed });
}

interface RunningTlsOptions {
  readonly tls: Config['tls'];
  readonly nameservers: readonly string[];
  readonly certificates: Certificates;
  readonly read: ReadCertificates;
  readonly clock: Clock;
  readonly log: Log;
  changed(settings: TlsSettings): Promise<void>;
}

class RunningTls implements TlsService {
  readonly offer: TlsOffer;
  readonly #options: Pick<RunningTlsOptions, 'read' | 'log' | 'changed'>;
  readonly #contexts: TlsContexts;
  readonly #rotation: Timer;
  readonly #dailyCheck: Timer;
  #config: Config['tls'];
  #nameservers: readonly string[];
  #certificates: Certificates;
  #keys: TicketKeys;

  constructor({ tls, nameservers, certificates, clock, ...options }: RunningTlsOptions) {
    this.#options = options;
    this.#config = tls;
    this.#nameservers = nameservers;
    this.#certificates = certificates;
    this.#keys = new TicketKeys(tls.ticket_key_file);
    const contexts = new TlsContexts({
      certificates,
      ticketKey: this.#keys.current,
      sessionTimeout: tls.ticket_rotation,
    });
    this.#contexts = contexts;
    this.offer = { options: () => contexts.socketOptions() };
    this.#rotation = clock.timer(() => {
      void this.#rotate();
      this.#rotation.set(this.#config.ticket_rotation * 1000);
    });
    this.#dailyCheck = clock.timer(() => {
      void this.#checkDaily();
      this.#dailyCheck.set(DAY * 1000);
    });
    this.#rotation.set(tls.ticket_rotation * 1000);
    this.#dailyCheck.set(DAY * 1000);
  }

  get settings(): TlsSettings {
    return this.#contexts.settings;
  }

  get certificates(): Certificates {
    return this.#certificates;
  }

  get files(): readonly string[] {
    const { certificates, ticket_key_file: keyFile } = this.#config;
    const configured = certificates.flatMap(({ cert, key }) => [cert, key]);
    const served = this.#certificates.flatMap((certificate) => [certificate.certFile, certificate.keyFile]);
    return [
      ...new Set([...(configured.length > 0 ? configured : served), ...(keyFile === undefined ? [] : [keyFile])]),
    ];
  }

  refresh(nameservers: readonly string[]): Promise<TlsRefresh> {
    this.#nameservers = nameservers;
    return this.#refresh();
  }

  async prepare(next: Config['tls']): Promise<TlsCommit> {
    const sameFiles = certificateFiles(next) === certificateFiles(this.#config);
    const sameKeyFile = next.ticket_key_file === this.#config.ticket_key_file;
    // Files that stay the same may be broken by now, which is no mistake of this change: refresh() reads them.
    const certificates = sameFiles ? undefined : await this.#options.read(next, this.#nameservers);
    const keys = sameKeyFile ? undefined : new TicketKeys(next.ticket_key_file);
    const settings = (): TlsSettings => ({
      certificates: certificates ?? this.#certificates,
      ticketKey: (keys ?? this.#keys).current,
      sessionTimeout: next.ticket_rotation,
    });
    // OpenSSL refuses bad settings here, before anything has changed.
    new TlsContexts(settings());
    return () => this.#commit(next, certificates, keys, settings());
  }

  close(): void {
    this.#rotation.clear();
    this.#dailyCheck.clear();
  }

  /** Puts another configuration in force; `certificates` and `keys` are undefined where their files stay the same. */
  async #commit(
    next: Config['tls'],
    certificates: Certificates | undefined,
    keys: TicketKeys | undefined,
    settings: TlsSettings,
  ): Promise<'unchanged' | 'replaced'> {
    const otherCertificates = certificates !== undefined && !same(this.#certificates, certificates);
    const otherRotation = next.ticket_rotation !== this.#config.ticket_rotation;
    const replaced = keys !== undefined || otherCertificates;
    this.#config = next;
    if (!replaced && !otherRotation) return 'unchanged';
    this.#keys = keys ?? this.#keys;
    if (otherCertificates) this.#serve(certificates);
    if (otherRotation) this.#rotation.set(next.ticket_rotation * 1000);
    await this.#replace(settings);
    return replaced ? 'replaced' : 'unchanged';
  }

  async #refresh(): Promise<TlsRefresh> {
    // Random keys are not rotated early: every client would pay with a full handshake.
    const ofKeys = this.#config.ticket_key_file === undefined ? UNCHANGED : await this.#rotate();
    const ofCertificates = await this.#renew();
    const results = [ofKeys.result, ofCertificates.result];
    const result = (['kept', 'replaced'] as const).find((one) => results.includes(one)) ?? 'unchanged';
    return { result, errors: [...ofKeys.errors, ...ofCertificates.errors] };
  }

  /** Takes the next ticket key. */
  async #rotate(): Promise<TlsRefresh> {
    try {
      const before = this.#keys.current;
      this.#keys.rotate();
      if (this.#keys.current.equals(before)) return UNCHANGED;
      await this.#replace({ ticketKey: this.#keys.current });
      return { result: 'replaced', errors: [] };
    } catch (error) {
      return this.#kept('the ticket keys stay as they are', error);
    }
  }

  /** Reads the certificates again. */
  async #renew(): Promise<TlsRefresh> {
    try {
      const next = await this.#options.read(this.#config, this.#nameservers);
      if (same(this.#certificates, next)) return UNCHANGED;
      await this.#replace({ certificates: next });
      this.#serve(next);
      return { result: 'replaced', errors: [] };
    } catch (error) {
      return this.#kept('the certificates stay as they are', error);
    }
  }

  #kept(what: string, error: unknown): TlsRefresh {
    this.#options.log.error({ err: error }, `${what}: ${messageOf(error)}`);
    return { result: 'kept', errors: [messageOf(error)] };
  }

  /** Warnings of certificates are repeated every day. */
  async #checkDaily(): Promise<void> {
    const { result } = await this.#refresh();
    if (result === 'unchanged')
      for (const certificate of this.#certificates) logWarnings(certificate, this.#options.log);
  }

  #serve(certificates: Certificates): void {
    this.#certificates = certificates;
    for (const certificate of certificates) logCertificate(certificate, this.#options.log);
  }

  #replace(changes: Partial<TlsSettings>): Promise<void> {
    this.#contexts.replace(changes);
    return this.#options.changed(this.#contexts.settings);
  }
}

/** Where the certificates of a configuration come from, as one text to compare. */
function certificateFiles({ certificates, certs_folder: folder }: Config['tls']): string {
  return JSON.stringify(certificates.length > 0 ? certificates : folder);
}

const UNCHANGED: TlsRefresh = { result: 'unchanged', errors: [] };

/** Whether both have the same certificates and keys, and the same warnings. */
function same(before: Certificates, now: Certificates): boolean {
  const text = ({ cert, key, certFile, warnings }: Certificate): string =>
    JSON.stringify([String(cert), String(key), certFile, warnings]);
  return before.length === now.length && before.every((one, index) => text(one) === text(now[index]!));
}

function logCertificate(certificate: Certificate, log: Log): void {
  const { subject, names, notAfter, pin, tlsa, certFile } = certificate;
  log.info(
    { subject, names, expires: notAfter, pin, tlsa, file: certFile },
    `certificate ${certFile}: ${subject}, expires ${notAfter.toISOString().slice(0, 10)}, pin ${pin}, TLSA ${tlsa}`,
  );
  logWarnings(certificate, log);
}

function logWarnings({ certFile, warnings }: Certificate, log: Log): void {
  for (const warning of warnings) log.warn({ file: certFile }, warning);
}
