/** TLS as the server runs it: certificates, ticket keys and their rotation, and what an operator is told of them. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
import type { Certificate } from '../tls/certificates.js';
import { TlsContexts } from '../tls/context.js';
import { servedCertificates } from '../tls/served.js';
import { TicketKeys } from '../tls/ticket-keys.js';
import type { TlsOffer } from '../transport/transport.js';

/** Certificates and keys while the server runs. */
export interface TlsService {
  readonly offer: TlsOffer;
  readonly certificates: readonly Certificate[];
  /** Ends the rotation of ticket keys. */
  close(): void;
}

/**
 * Reads the certificates of the configuration, or makes one for `nameservers`, this host and the addresses served. Throws
 * ADOTD_FILE or ADOTD_TLS with file and reason.
 */
export async function openTls(
  config: Config,
  nameservers: readonly string[],
  clock: Clock,
  log: Log,
): Promise<TlsService> {
  const { tls } = config;
  const files = tls.certificates.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
  const certificates = await servedCertificates(files, {
    folder: tls.certs_folder,
    names: [...nameservers],
    hostName: hostname(),
    addresses: config.listen,
    now: new Date(clock.seconds() * 1000),
  });
  for (const certificate of certificates) logCertificate(certificate, log);
  const keys = new TicketKeys(tls.ticket_key_file);
  const sessionTimeout = tls.ticket_rotation;
  const contexts = new TlsContexts({ certificates, ticketKey: keys.current, sessionTimeout });
  const timer = clock.timer(() => {
    try {
      if (keys.rotate()) contexts.replace({ ticketKey: keys.current });
    } catch (error) {
      log.error({ err: error }, 'the ticket keys stay as they are');
    }
    timer.set(tls.ticket_rotation * 1000);
  });
  timer.set(tls.ticket_rotation * 1000);
  return {
    certificates,
    offer: { options: () => contexts.socketOptions() },
    close: () => timer.clear(),
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
