/** TLS as the server runs it: certificates, ticket keys and their rotation, and what an operator is told of them. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
import type { Certificate } from '../tls/certificates.js';
import { TlsContexts, type TlsSettings } from '../tls/context.js';
import { type Certificates, servedCertificates } from '../tls/served.js';
import { TicketKeys } from '../tls/ticket-keys.js';
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
  refresh(nameservers: readonly string[]): Promise<void>;
  /** Ends the rotation of ticket keys, and the watch on expiry. */
  close(): void;
}

/** Seconds between two looks at what expires. */
const DAY = 86_400;

/**
 * Reads the certificates of the configuration, or makes one for `nameservers`, this host and the addresses served. `changed` is
 * called with the settings whenever they have changed. Throws ADOTD_FILE or ADOTD_TLS with file and reason.
 */
export async function openTls(
  config: Config,
  nameservers: readonly string[],
  clock: Clock,
  log: Log,
  changed: (settings: TlsSettings) => void = () => {},
): Promise<TlsService> {
  const { tls } = config;
  let names = nameservers;
  const read = async (): Promise<Certificates> => {
    const files = tls.certificates.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
    const certificates = await servedCertificates(files, {
      folder: tls.certs_folder,
      names,
      hostName: hostname(),
      addresses: config.listen,
      now: new Date(clock.seconds() * 1000),
    });
    for (const certificate of certificates) logCertificate(certificate, log);
    return certificates;
  };
  const certificates = await read();
  const keys = new TicketKeys(tls.ticket_key_file);
  const sessionTimeout = tls.ticket_rotation;
  const contexts = new TlsContexts({ certificates, ticketKey: keys.current, sessionTimeout });
  const replace = (changes: Partial<TlsSettings>): void => {
    contexts.replace(changes);
    changed(contexts.settings);
  };
  const rotation = clock.timer(() => {
    try {
      if (keys.rotate()) replace({ ticketKey: keys.current });
    } catch (error) {
      log.error({ err: error }, 'the ticket keys stay as they are');
    }
    rotation.set(tls.ticket_rotation * 1000);
  });
  const refresh = async (): Promise<void> => {
    try {
      replace({ certificates: await read() });
    } catch (error) {
      log.error({ err: error }, 'the certificates stay as they are');
    }
  };
  const watch = clock.timer(() => {
    void refresh();
    watch.set(DAY * 1000);
  });
  rotation.set(tls.ticket_rotation * 1000);
  watch.set(DAY * 1000);
  return {
    offer: { options: () => contexts.socketOptions() },
    get settings() {
      return contexts.settings;
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

function logCertificate(certificate: Certificate, log: Log): void {
  const { subject, names, notAfter, pin, tlsa, certFile } = certificate;
  log.info(
    { subject, names, expires: notAfter, pin, tlsa, file: certFile },
    `certificate ${certFile}: ${subject}, expires ${notAfter.toISOString().slice(0, 10)}, pin ${pin}, TLSA ${tlsa}`,
  );
  for (const warning of certificate.warnings) log.warn({ file: certFile }, warning);
}
