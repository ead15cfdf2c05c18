/** Options for node:tls: certificates, protocol versions, ciphers, ticket keys. The same for port 853 and STARTTLS. */
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocketOptions } from 'node:tls';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import { type CertificateSet, certificateSets } from './certificate-sets.js';
import type { Certificate } from './certificates.js';
import { ALPN_DOT, groupsOf, NODE_CIPHERS, SECURE_OPTIONS, SESSION_ID_CONTEXT } from './offered.js';

/** A certificate, as far as a context needs it. */
type ServedCertificate = Pick<Certificate, 'cert' | 'key' | 'keyType' | 'names'>;

/** All that may change while the server runs. */
export interface TlsSettings {
  /** At least one; the first is for clients without SNI, or with a name that no certificate has. */
  readonly certificates: readonly ServedCertificate[];
  /** 48 octets, the same in every worker (TicketKeys.current). */
  readonly ticketKey: Uint8Array;
  /** The key before it, where there was one. Node does not use it: it accepts tickets of one key only. */
  readonly previousTicketKey?: Uint8Array | undefined;
  /** Authorities of clients' certificates, PEM: clients have to show one (mutual TLS). On node:tls only. */
  readonly clientCa?: string | undefined;
  /** Seconds that a ticket is valid; no longer than a ticket key lives. */
  readonly sessionTimeout: number;
}

/** The TLS contexts of one worker. */
export class TlsContexts {
  #settings: TlsSettings;
  #contexts: Contexts;

  /** Throws ADOTD_TLS when there is no certificate, or when OpenSSL refuses one. */
  constructor(settings: TlsSettings) {
    this.#settings = settings;
    this.#contexts = build(settings);
  }

  /** The settings of the contexts, as plain data for other workers. */
  get settings(): TlsSettings {
    const certificates = this.#settings.certificates.map(({ cert, key, keyType, names }) => {
      return { cert, key, keyType, names };
    });
    return { ...this.#settings, certificates };
  }

  /** Whether a client gets other certificates by the name that it has for the server. */
  get byName(): boolean {
    return this.#contexts.choice;
  }

  /** For `new TLSSocket(socket, …)`, for a client with this server name; to be read again for each connection. */
  options(serverName = ''): TLSSocketOptions {
    return {
      isServer: true,
      secureContext: this.#contexts.find(serverName) ?? this.#contexts.fallback,
      // A client that offers ALPN without `dot` gets no_application_protocol (RFC 7301 §3.2); none at all is accepted.
      ALPNProtocols: [ALPN_DOT],
      ...(this.#settings.clientCa !== undefined && { requestCert: true, rejectUnauthorized: true }),
    };
  }

  /** The options of the default context. */
  get contextOptions(): SecureContextOptions {
    return this.#contexts.options;
  }

  /** Changes the settings of new connections; open ones go on. When it throws ADOTD_TLS, nothing has changed. */
  replace(changes: Partial<TlsSettings>): void {
    const settings = { ...this.#settings, ...changes };
    this.#contexts = build(settings);
    this.#settings = settings;
  }
}

/** The contexts for some settings. */
interface Contexts {
  /** Of the default context. */
  readonly options: SecureContextOptions;
  readonly fallback: SecureContext;
  /** Whether the server name decides anything. */
  readonly choice: boolean;
  find(serverName: string): SecureContext | undefined;
}

function build(settings: TlsSettings): Contexts {
  const [first, ...others] = settings.certificates;
  if (first === undefined) throw new AdotdError(ErrorCode.TLS, 'found no certificate to serve, expected at least one');
  const sets = certificateSets([first, ...others]);
  const options = optionsFor(sets.fallback, settings);
  const fallback = contextOf(options);
  const contexts = new Map(
    sets.all.map((set) => [set, set === sets.fallback ? fallback : contextOf(optionsFor(set, settings))]),
  );
  return {
    options,
    fallback,
    choice: contexts.size > 1,
    find(serverName) {
      const set = sets.find(serverName);
      return set && contexts.get(set);
    },
  };
}

/** The options of a context with one certificate of each kind of key. */
function optionsFor(set: CertificateSet<ServedCertificate>, settings: TlsSettings): SecureContextOptions {
  return {
    cert: set.map(({ cert }) => cert),
    key: set.map(({ key }) => key),
    minVersion: 'TLSv1.2',
    ciphers: NODE_CIPHERS,
    ecdhCurve: groupsOf(process.versions.openssl),
    secureOptions: SECURE_OPTIONS,
    sessionIdContext: SESSION_ID_CONTEXT,
    sessionTimeout: settings.sessionTimeout,
    ...(settings.clientCa !== undefined && { ca: settings.clientCa }),
    // Every context needs it: Node reads the key from the context that SNI selected.
    ticketKeys: Buffer.from(settings.ticketKey),
  };
}

function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    const why = messageOf(error);
    throw new AdotdError(ErrorCode.TLS, `a certificate cannot be served: ${why}`, { cause: error });
  }
}
