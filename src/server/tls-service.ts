/** TLS as the server runs it: certificates, ticket keys and their rotation, and what an operator is told of them. */

import { hostname } from 'node:os';
import type { Config } from '../config/schema.js';
import { messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
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
   * Reads certificates and keys again, and renews the one made here where that is due; `nameservers` are those of the zones
   * now. What cannot be used is logged, and what was there goes on. Never throws.
   */
  refresh(nameservers: readonly string[]): Promise<TlsRefresh>;
  /** The certificates that are served, the default one first. */
  readonly certificates: Certificates;
  /** The files that all of this is read from, those of the certificate made here included. */
  readonly files: readonly string[];
  /**
   * Reads and checks what another configuration names, and changes nothing yet but a certificate that has to be made here. Fulfilled
   * with what puts it in force. Throws ADOTD_FILE or ADOTD_TLS with file and reason: the configuration before stays the current one.
   */
  prepare(tls: Config['tls']): Promise<TlsCommit>;
  /** Ends the rotation of ticket keys, and the watch on expiry. */
  close(): void;
}

/** What came of reading certificates and keys again. */
export interface TlsRefresh {
  /** `kept`: what is there now cannot be used. */
  readonly result: 'unchanged' | 'replaced' | 'kept';
  /** What is wrong, one line each. */
  readonly errors: readonly string[];
}

/** Puts in force what was prepared. Throws nothing; fulfilled when all new connections get it. */
export type TlsCommit = () => Promise<'unchanged' | 'replaced'>;

/** Seconds between two looks at what expires. */
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
  let { tls } = config;
  let names = nameservers;
  const read = async ({ certificates: configured, certs_folder: own }: Config['tls']): Promise<Certificates> => {
    const files = configured.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
    const certificates = await servedCertificates(files, {
      folder: own,
      names,
      hostName: hostname(),
      addresses: config.listen,
      now: new Date(clock.seconds() * 1000),
    });
    return certificates;
  };
  let certificates = await read(tls);
  for (const certificate of certificates) logCertificate(certificate, log);
  let keys = new TicketKeys(tls.ticket_key_file);
  const first = { certificates, ticketKey: keys.current, sessionTimeout: tls.ticket_rotation };
  const contexts = new TlsContexts(first);
  const replace = (changes: Partial<TlsSettings>): Promise<void> => {
    contexts.replace(changes);
    return changed(contexts.settings);
  };
  const rotate = async (): Promise<TlsRefresh> => {
    try {
      const before = keys.current;
      keys.rotate();
      if (keys.current.equals(before)) return UNCHANGED;
      await replace({ ticketKey: keys.current });
      return { result: 'replaced', errors: [] };
    } catch (error) {
      log.error({ err: error }, `the ticket keys stay as they are: ${messageOf(error)}`);
      return { result: 'kept', errors: [messageOf(error)] };
    }
  };
  const rotation = clock.timer(() => {
    void rotate();
    rotation.set(tls.ticket_rotation * 1000);
  });
  const renew = async (): Promise<TlsRefresh> => {
    try {
      const next = await read(tls);
      if (same(certificates, next)) return UNCHANGED;
      await replace({ certificates: next });
      certificates = next;
      for (const certificate of next) logCertificate(certificate, log);
      return { result: 'replaced', errors: [] };
    } catch (error) {
      log.error({ err: error }, `the certificates stay as they are: ${messageOf(error)}`);
      return { result: 'kept', errors: [messageOf(error)] };
    }
  };
  const refresh = async (): Promise<TlsRefresh> => {
    // Random keys are not rotated early: every client would pay with a full handshake.
    const ofKeys = tls.ticket_key_file === undefined ? UNCHANGED : await rotate();
    const ofCertificates = await renew();
    const results = [ofKeys.result, ofCertificates.result];
    const result = (['kept', 'replaced'] as const).find((one) => results.includes(one)) ?? 'unchanged';
    return { result, errors: [...ofKeys.errors, ...ofCertificates.errors] };
  };
  const watch = clock.timer(() => {
    // What the log said of them, it says every day.
    void refresh().then(({ result }) => {
      if (result === 'unchanged') for (const certificate of certificates) logWarnings(certificate, log);
    });
    watch.set(DAY * 1000);
  });
  rotation.set(tls.ticket_rotation * 1000);
  watch.set(DAY * 1000);
  return {
    offer: { options: () => contexts.socketOptions() },
    get settings() {
      return contexts.settings;
    },
    get certificates() {
      return certificates;
    },
    get files() {
      const own = certificates.flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
      const configured = tls.certificates.flatMap(({ cert, key }) => [cert, key]);
      const keyFile = tls.ticket_key_file === undefined ? [] : [tls.ticket_key_file];
      return [...new Set([...(configured.length > 0 ? configured : own), ...keyFile])];
    },
    async prepare(next) {
      // Files that the change does not name are not its fault: refresh reads them, and keeps what was there.
      const others = certificateFiles(next) === certificateFiles(tls) ? undefined : await read(next);
      const otherKeys = next.ticket_key_file === tls.ticket_key_file ? undefined : new TicketKeys(next.ticket_key_file);
      const changesOf = (): TlsSettings => ({
        certificates: others ?? certificates,
        ticketKey: (otherKeys ?? keys).current,
        sessionTimeout: next.ticket_rotation,
      });
      // What OpenSSL refuses it refuses here.
      new TlsContexts(changesOf());
      return async () => {
        const turn = next.ticket_rotation !== tls.ticket_rotation;
        const replaced = otherKeys !== undefined || (others !== undefined && !same(certificates, others));
        tls = next;
        if (!replaced && !turn) return 'unchanged';
        const changes = changesOf();
        keys = otherKeys ?? keys;
        if (others !== undefined && !same(certificates, others)) {
          certificates = others;
          for (const certificate of others) logCertificate(certificate, log);
        }
        if (turn) rotation.set(tls.ticket_rotation * 1000);
        await replace(changes);
        return replaced ? 'replaced' : 'unchanged';
      };
    },
    refresh(now) {
      names = now;
      return refresh();
    },
    close() {
      rotation.clear();
      watch.clear();
    },
  };
}

/** What the certificates of a configuration are read from, to be compared. */
function certificateFiles({ certificates, certs_folder: own }: Config['tls']): string {
  return JSON.stringify(certificates.length > 0 ? certificates : own);
}

const UNCHANGED: TlsRefresh = { result: 'unchanged', errors: [] };

/** Whether the same is served from both, and nothing else is to be warned of. */
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
