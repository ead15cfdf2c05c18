/** Opens TLS: reads certificates and ticket keys for the first time. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import { loadCertificates } from '../../tls/served.js';
import { TICKET_KEY_OCTETS, TicketKeys } from '../../tls/ticket-keys.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { CertificateGate } from './pin-rollover.js';
import { type LoadCertificates, RunningTls } from './running-tls.js';
import { logCertificate } from './tls-notes.js';
import type { TlsService } from './tls-service.js';

/**
 * Loads the certificates of the configuration, or makes one for `nameservers`, this host and the addresses served. `changed` is
 * called with the settings whenever they have changed, and waited for. With `config.strict` it throws ADOTD_FILE or ADOTD_TLS for a file
 * that cannot be used. Otherwise another certificate or key is used in its place, with an error in the log. `gate` holds certificates back.
 */
export async function openTls(
  config: Config,
  nameservers: readonly string[],
  clock: Clock,
  log: Log,
  changed: (settings: TlsSettings) => Promise<void> = async () => {},
  gate?: CertificateGate,
): Promise<TlsService> {
  const load: LoadCertificates = async ({ certificates, certs_folder: folder }, names, before) => {
    const files = certificates.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
    const now = new Date(clock.seconds() * 1000);
    const found = { folder, names, hostName: hostname(), addresses: config.listen, now };
    const next = await loadCertificates(files, before, found);
    return gate?.admit(next, before) ?? next;
  };
  const loaded = await load(config.tls, nameservers, undefined);
  const { keys, mistake: ofKeys } = openKeys(config.tls.ticket_key_file);
  const [mistake] = [...loaded.pairs.flatMap((pair) => pair.mistake ?? []), ...(ofKeys ? [ofKeys] : [])];
  if (config.strict && mistake !== undefined) throw mistake;
  for (const certificate of loaded.certificates) logCertificate(certificate, log);
  return new RunningTls({ tls: config.tls, nameservers, loaded, keys, ofKeys, load, clock, log, changed, gate });
}

/** The keys of the file, or random ones with the reason why the file cannot be used. */
function openKeys(file: string | undefined): { readonly keys: TicketKeys; readonly mistake?: AdotdError } {
  try {
    return { keys: new TicketKeys(file) };
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return { keys: new TicketKeys(file, randomBytes(TICKET_KEY_OCTETS)), mistake: error };
  }
}
