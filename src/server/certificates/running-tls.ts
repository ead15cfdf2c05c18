/** Certificates and ticket keys: read again, checked when their time comes, rotated, and given to the threads that answer. */
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { dateNote, nextChange } from '../../tls/certificate-dates.js';
import type { Certificate } from '../../tls/certificates.js';
import { type Certificates, type Loaded, pairOf } from '../../tls/served.js';
import { TicketKeys } from '../../tls/ticket-keys.js';
import { TlsContexts, type TlsSettings } from '../../tls/tls-context.js';
import type { TlsOffer } from '../../transport/transport.js';
import type { CertificateGate } from './pin-rollover.js';
import { logCertificate, type TlsNote, TlsReport, tlsNotes } from './tls-notes.js';
import type { TlsCommit, TlsMistakes, TlsRefresh, TlsService } from './tls-service.js';

/** Loads the certificates of a configuration, or makes one for the nameservers, this host and the addresses served. */
export type LoadCertificates = (
  tls: Config['tls'],
  nameservers: readonly string[],
  before: Loaded | undefined,
) => Promise<Loaded>;

/** Seconds between two checks of the certificates. */
const DAY = 86_400;
/** Seconds between two checks while a certificate waits for its time: the clock may be set meanwhile. A guess. */
const HOUR = 3600;

interface RunningTlsOptions {
  readonly tls: Config['tls'];
  readonly nameservers: readonly string[];
  readonly loaded: Loaded;
  readonly keys: TicketKeys;
  /** Why the keys are not those of their file. */
  readonly ofKeys: AdotdError | undefined;
  readonly load: LoadCertificates;
  readonly clock: Clock;
  readonly log: Log;
  changed(settings: TlsSettings): Promise<void>;
  readonly gate?: CertificateGate | undefined;
}

/** Ticket keys as settings. */
function keysOf({ current, previous }: TicketKeys): Pick<TlsSettings, 'ticketKey' | 'previousTicketKey'> {
  return { ticketKey: current, previousTicketKey: previous };
}

export class RunningTls implements TlsService {
  readonly offer: TlsOffer;
  readonly #options: Pick<RunningTlsOptions, 'load' | 'log' | 'clock' | 'changed' | 'gate'>;
  readonly #contexts: TlsContexts;
  readonly #rotation: Timer;
  readonly #check: Timer;
  #config: Config['tls'];
  #nameservers: readonly string[];
  #loaded: Loaded;
  #keys: TicketKeys;
  #ofKeys: AdotdError | undefined;
  readonly #report: TlsReport;
  #closed = false;

  constructor({ tls, nameservers, loaded, keys, ofKeys, ...options }: RunningTlsOptions) {
    this.#options = options;
    this.#config = tls;
    this.#nameservers = nameservers;
    this.#loaded = loaded;
    this.#keys = keys;
    this.#ofKeys = ofKeys;
    this.#report = new TlsReport(options.log);
    const contexts = new TlsContexts({
      certificates: loaded.certificates,
      ...keysOf(this.#keys),
      sessionTimeout: tls.ticket_rotation,
    });
    this.#contexts = contexts;
    this.offer = contexts;
    options.gate?.served(loaded);
    this.#rotation = options.clock.timer(() => {
      void this.#rotate().then(
        () => this.#say(false),
        (error) => this.#failed(error),
      );
      this.#rotation.set(this.#config.ticket_rotation * 1000);
    });
    this.#check = options.clock.timer(() => void this.#refresh(false));
    this.#rotation.set(tls.ticket_rotation * 1000);
    this.#say(false);
    this.#await();
  }

  get settings(): TlsSettings {
    return this.#contexts.settings;
  }

  get certificates(): Certificates {
    return this.#loaded.certificates;
  }

  get pairs(): TlsService['pairs'] {
    const counts = { served: 0, kept: 0, failed: 0, held: 0 };
    for (const { state } of this.#loaded.pairs) counts[state]++;
    return counts;
  }

  get mistakes(): TlsMistakes {
    const { ticket_key_file: keyFile } = this.#config;
    return {
      certificates: this.#loaded.pairs.flatMap(({ mistake }) => mistake?.message ?? []),
      ticketKeys: keyFile === undefined ? undefined : this.#ofKeys ? [this.#ofKeys.message] : [],
    };
  }

  get problems(): readonly string[] {
    return this.#notes.flatMap(({ severity, message }) => (severity === 'error' ? message : []));
  }

  get files(): readonly string[] {
    const { ticket_key_file: keyFile } = this.#config;
    const files = this.#loaded.pairs.flatMap((pair) => [pair.files.certFile, pair.files.keyFile]);
    return [...new Set([...files, ...(keyFile === undefined ? [] : [keyFile])])];
  }

  refresh(nameservers: readonly string[]): Promise<TlsRefresh> {
    this.#nameservers = nameservers;
    return this.#refresh(true);
  }

  reconsider(): Promise<TlsRefresh> {
    return this.#refresh(false);
  }

  async prepare(next: Config['tls']): Promise<TlsCommit> {
    const sameFiles = certificateFiles(next) === certificateFiles(this.#config);
    const sameKeyFile = next.ticket_key_file === this.#config.ticket_key_file;
    const loaded = sameFiles ? undefined : await this.#options.load(next, this.#nameservers, this.#loaded);
    if (loaded !== undefined) this.#refuseBroken(loaded);
    const keys = sameKeyFile ? undefined : new TicketKeys(next.ticket_key_file);
    const settings = (): TlsSettings => ({
      certificates: loaded?.certificates ?? this.certificates,
      ...keysOf(keys ?? this.#keys),
      sessionTimeout: next.ticket_rotation,
    });
    // OpenSSL refuses bad settings here, before anything has changed.
    new TlsContexts(settings());
    return () => this.#commit(next, loaded, keys, settings());
  }

  close(): void {
    this.#closed = true;
    this.#rotation.clear();
    this.#check.clear();
  }

  /** Throws ADOTD_FILE or ADOTD_TLS when files that the configuration names for the first time cannot be used, or not now. */
  #refuseBroken({ pairs }: Loaded): void {
    // Files that were named before may be broken by now, which is no mistake of this change.
    const fresh = pairs.filter(({ files }) => pairOf(this.#loaded, files) === undefined);
    const lines = fresh.flatMap(({ mistake, certificate }) => {
      const date = certificate && dateNote(certificate, this.#now);
      return mistake?.message ?? (date?.severity === 'error' ? date.message : []);
    });
    const code = fresh.find(({ mistake }) => mistake)?.mistake?.code ?? ErrorCode.TLS;
    if (lines.length > 0) throw new AdotdError(code, lines.join('\n'));
  }

  /** Puts another configuration in force; `loaded` and `keys` are undefined where their files stay the same. */
  async #commit(
    next: Config['tls'],
    loaded: Loaded | undefined,
    keys: TicketKeys | undefined,
    settings: TlsSettings,
  ): Promise<'unchanged' | 'replaced'> {
    const otherCertificates = loaded !== undefined && !same(this.certificates, loaded.certificates);
    const otherRotation = next.ticket_rotation !== this.#config.ticket_rotation;
    const replaced = keys !== undefined || otherCertificates;
    this.#config = next;
    if (keys !== undefined) {
      this.#keys = keys;
      this.#ofKeys = undefined;
    }
    if (otherRotation) this.#rotation.set(next.ticket_rotation * 1000);
    if (replaced || otherRotation) await this.#replace(settings);
    if (loaded !== undefined) this.#serve(loaded);
    this.#say(false);
    this.#await();
    return replaced ? 'replaced' : 'unchanged';
  }

  /** `asked`: mistakes are logged even if they were logged before. */
  async #refresh(asked: boolean): Promise<TlsRefresh> {
    let changed = false;
    try {
      // Random keys are not rotated early: every client would pay with a full handshake.
      if (this.#config.ticket_key_file !== undefined) changed = await this.#rotate();
      changed = (await this.#renew()) || changed;
    } catch (error) {
      const { certificates, ticketKeys } = this.mistakes;
      return { result: 'kept', certificates: [...certificates, this.#failed(error)], ticketKeys };
    } finally {
      this.#say(asked);
      this.#await();
    }
    const { certificates, ticketKeys } = this.mistakes;
    const kept = certificates.length + (ticketKeys?.length ?? 0) > 0;
    return { result: kept ? 'kept' : changed ? 'replaced' : 'unchanged', certificates, ticketKeys };
  }

  /** Takes the next ticket key; returns whether it differs. */
  async #rotate(): Promise<boolean> {
    let changed: boolean;
    try {
      changed = this.#keys.rotate();
      this.#ofKeys = undefined;
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      this.#ofKeys = error;
      return false;
    }
    if (changed) await this.#replace(keysOf(this.#keys));
    return changed;
  }

  /** Loads the certificates again; returns whether others are served. */
  async #renew(): Promise<boolean> {
    const config = this.#config;
    const next = await this.#options.load(config, this.#nameservers, this.#loaded);
    // Another configuration was put in force meanwhile: its certificates were just loaded.
    if (config !== this.#config) return false;
    const changed = !same(this.certificates, next.certificates);
    if (changed) await this.#replace({ certificates: next.certificates });
    this.#serve(next);
    return changed;
  }

  /** Logs an error that no file explains, and returns its message. */
  #failed(error: unknown): string {
    this.#options.log.error({ err: error }, `TLS stays as it is: ${messageOf(error)}`);
    return messageOf(error);
  }

  #serve(loaded: Loaded): void {
    const before = new Set(this.certificates.map(({ cert, certFile }) => certFile + cert));
    this.#loaded = loaded;
    this.#options.gate?.served(loaded);
    for (const certificate of loaded.certificates) {
      if (!before.has(certificate.certFile + certificate.cert)) logCertificate(certificate, this.#options.log);
    }
  }

  /** Sets the timer for the next check: after a day, or when a certificate becomes valid or expires. */
  #await(): void {
    if (this.#closed) return;
    const now = this.#now;
    const waiting = this.#loaded.pairs.flatMap((pair) => pair.waiting ?? []);
    const early = waiting.length > 0 || this.certificates.some(({ notBefore }) => notBefore > now);
    const longest = (early ? HOUR : DAY) * 1000;
    const change = nextChange([...this.certificates, ...waiting], now);
    this.#check.set(Math.min(longest, change === undefined ? longest : change.getTime() - now.getTime()));
  }

  /** Logs all faults; `asked`: mistakes in files even if they were logged before. */
  #say(asked: boolean): void {
    this.#report.say(this.#notes, this.#options.clock.seconds(), asked);
  }

  get #notes(): TlsNote[] {
    // The server's own certificate has all names that can be in one.
    const names = this.#config.certificates.length > 0 ? this.#nameservers : [];
    return tlsNotes(this.#loaded, this.#ofKeys, names, this.#now);
  }

  get #now(): Date {
    return new Date(this.#options.clock.seconds() * 1000);
  }

  #replace(changes: Partial<TlsSettings>): Promise<void> {
    this.#contexts.replace(changes);
    return this.#options.changed(this.#contexts.settings);
  }
}

/** The sources of the certificates of a configuration, as one text to compare. */
function certificateFiles({ certificates, certs_folder: folder }: Config['tls']): string {
  return JSON.stringify(certificates.length > 0 ? certificates : folder);
}

/** Whether both have the same certificates and keys. */
function same(before: Certificates, now: Certificates): boolean {
  const text = ({ cert, key, certFile }: Certificate): string => JSON.stringify([String(cert), String(key), certFile]);
  return before.length === now.length && before.every((one, index) => text(one) === text(now[index]!));
}
