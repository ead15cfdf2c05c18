/** Options for node:tls: certificates, protocol versions, ciphers, ticket keys. The same for port 853 and STARTTLS. */
import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocketOptions,
  type TlsOptions,
} from 'node:tls';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import type { Certificate } from './certificates.js';
import { ServerNames } from './sni.js';

/** The ALPN protocol of DNS over TLS (RFC 7858 §6 with the IANA registry). */
const ALPN_DOT = 'dot';

/** All that may change while the server runs. */
export interface TlsSettings {
  /** At least one; the first is for clients without SNI, or with a name that no certificate has. */
  readonly certificates: readonly Pick<Certificate, 'cert' | 'key' | 'names'>[];
  /** 48 octets, the same in every worker (TicketKeys.current). */
  readonly ticketKey: Uint8Array;
  /** Seconds that a ticket is valid; no longer than a ticket key lives. */
  readonly sessionTimeout: number;
}

/**
 * AEAD with forward secrecy only (RFC 9325 §4.2). TLS 1.2 clients of 2015 and of today share those with AES-128 for ECDSA and RSA.
 * AES-128 comes before ChaCha20, unless the client's list shows that it has no AES in hardware.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** RFC 8310 §9 and RFC 9325 §3.4: no renegotiation, no compression. Node has no server side of 0-RTT to turn off. */
const SECURE_OPTIONS =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA;

/**
 * Sessions resume only in a context with the same name (OpenSSL's sid_ctx). Node derives one from the command line, which differs
 * between machines, and gives none to contexts without a server.
 */
const SESSION_ID_CONTEXT = ALPN_DOT;

/** The TLS contexts of one worker. */
export class TlsContexts {
  #settings: TlsSettings;
  #options: SecureContextOptions;
  #default: SecureContext;
  #byName: ServerNames<SecureContext>;
  readonly #servers = new Set<Server>();

  /** Throws ADOTD_TLS when there is no certificate, or when OpenSSL refuses one. */
  constructor(settings: TlsSettings) {
    this.#settings = settings;
    [this.#options, this.#default, this.#byName] = build(settings);
  }

  /** The settings of the contexts, as plain data for other workers. */
  get settings(): TlsSettings {
    const certificates = this.#settings.certificates.map(({ cert, key, names }) => ({ cert, key, names }));
    return { ...this.#settings, certificates };
  }

  /** For `new TLSSocket(socket, …)`; to be read again for each connection. */
  socketOptions(): TLSSocketOptions {
    return {
      isServer: true,
      secureContext: this.#default,
      // Node calls it only for clients with SNI; a name that no certificate has gets the default one. With one certificate there is
      // nothing to choose. Measured: without it a full handshake takes 1 to 8 % less CPU, a resumed one 13 %.
      ...(this.#settings.certificates.length > 1 && { SNICallback: this.#select }),
      // A client that offers ALPN without `dot` gets no_application_protocol (RFC 7301 §3.2); none at all is accepted.
      ALPNProtocols: [ALPN_DOT],
    };
  }

  /** For `tls.createServer`. `attach` that server, so that it gets later changes. */
  serverOptions(): TlsOptions {
    return { ...this.#options, SNICallback: this.#select, ALPNProtocols: [ALPN_DOT] };
  }

  /** Gives `server` every change of certificates and keys until it closes. */
  attach(server: Server): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  /** Changes the settings of new connections; open ones go on. When it throws ADOTD_TLS, nothing has changed. */
  replace(changes: Partial<TlsSettings>): void {
    const settings = { ...this.#settings, ...changes };
    [this.#options, this.#default, this.#byName] = build(settings);
    this.#settings = settings;
    // Everything together: the next setSecureContext discards a ticket key that was set alone.
    for (const server of this.#servers) server.setSecureContext(this.#options);
  }

  readonly #select = (name: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    done(null, this.#byName.find(name));
  };
}

function build(settings: TlsSettings): [SecureContextOptions, SecureContext, ServerNames<SecureContext>] {
  const [first] = settings.certificates;
  if (first === undefined) throw new AdotdError(ErrorCode.TLS, 'found no certificate to serve, expected at least one');
  const byName = new ServerNames<SecureContext>();
  let fallback: SecureContext | undefined;
  for (const certificate of settings.certificates) {
    const context = contextOf(optionsFor(certificate, settings));
    fallback ??= context;
    byName.add(certificate.names, context);
  }
  const options = optionsFor(first, settings);
  return [options, fallback ?? contextOf(options), byName];
}

function optionsFor({ cert, key }: Pick<Certificate, 'cert' | 'key'>, settings: TlsSettings): SecureContextOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    secureOptions: SECURE_OPTIONS,
    sessionIdContext: SESSION_ID_CONTEXT,
    sessionTimeout: settings.sessionTimeout,
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
