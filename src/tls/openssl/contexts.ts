/** Contexts of OpenSSL (SSL_CTX): settings that the connections of a thread have in common. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { type CertificateSet, certificateSets } from '../certificate-sets.js';
import {
  CIPHERSUITES,
  groupsOf,
  SECURE_OPTIONS,
  SECURITY_LEVEL,
  SESSION_ID_CONTEXT,
  TLS12_CIPHERS,
} from '../offered.js';
import { pemBlocks } from '../pem.js';
import type { TlsSettings } from '../tls-context.js';
import type { Callbacks } from './callbacks.js';
import type { OpenSsl } from './functions.js';
import { fromDer, takeFailure, withOctets } from './library.js';
import { SSL_SESS_CACHE_OFF, SslCtrl, SslMode, TLS1_2_VERSION } from './numbers.js';

type ServedCertificate = TlsSettings['certificates'][number];

/**
 * Session tickets that a client of TLS 1.3 gets for a handshake. Resolvers keep one session with a server, and a resumed one brings the
 * next ticket. By default OpenSSL gives two; in a profile, each is 3 % of a full handshake.
 */
const TICKETS = 1;
/** SSL_CTX_add1_chain_cert: the context takes a reference of its own. */
const ADD_1 = 1;

/** The contexts for some settings. */
export interface Contexts {
  /** For clients without a server name, or with one that no certificate has. */
  readonly fallback: number;
  /** The context for a server name; undefined: the fallback. */
  find(serverName: string): number | undefined;
  /** All of them. */
  readonly all: readonly number[];
}

/** Makes a context for each set of certificates. Throws ADOTD_TLS, and leaves nothing, when OpenSSL refuses one. */
export function createContexts(openSsl: OpenSsl, settings: TlsSettings, callbacks: Callbacks): Contexts {
  const [first, ...others] = settings.certificates;
  if (first === undefined) throw new AdotdError(ErrorCode.TLS, 'found no certificate to serve, expected at least one');
  const sets = certificateSets([first, ...others]);
  const contexts = new Map<CertificateSet<ServedCertificate>, number>();
  try {
    for (const set of sets.all) {
      const context = createContext(openSsl, sets.all.length > 1, callbacks, settings.sessionTimeout);
      contexts.set(set, context);
      for (const certificate of set) useCertificate(openSsl, context, certificate);
    }
  } catch (error) {
    for (const context of contexts.values()) openSsl.SSL_CTX_free(context);
    openSsl.ERR_clear_error();
    throw new AdotdError(ErrorCode.TLS, `a certificate cannot be served: ${messageOf(error)}`, { cause: error });
  }
  const fallback = contexts.get(sets.fallback) ?? 0;
  return {
    fallback,
    find(serverName) {
      const set = sets.find(serverName);
      const context = set && contexts.get(set);
      return context === fallback ? undefined : context;
    },
    all: [...contexts.values()],
  };
}

/** A context without certificates. */
function createContext(openSsl: OpenSsl, byName: boolean, callbacks: Callbacks, sessionTimeout: number): number {
  const context = openSsl.SSL_CTX_new(openSsl.TLS_server_method());
  if (context === 0) throw failed(openSsl, 'no context can be made');
  try {
    const must = (done: boolean, what: string): void => {
      if (!done) throw failed(openSsl, what);
    };
    const control = (command: number, value: number, address = 0): number =>
      openSsl.SSL_CTX_ctrl(context, command, value, address);
    must(control(SslCtrl.SET_MIN_PROTO_VERSION, TLS1_2_VERSION) === 1, 'the versions are refused');
    openSsl.SSL_CTX_set_options(context, SECURE_OPTIONS);
    openSsl.SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    must(openSsl.SSL_CTX_set_ciphersuites(context, CIPHERSUITES) === 1, 'the cipher suites are refused');
    must(openSsl.SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) === 1, 'the ciphers are refused');
    const groups = Buffer.from(`${groupsOf(process.versions.openssl)}\0`, 'latin1');
    must(withOctets(groups, (at) => control(SslCtrl.SET_GROUPS_LIST, 0, at)) === 1, 'the groups are refused');
    control(SslCtrl.MODE, SslMode.NO_AUTO_CHAIN | SslMode.RELEASE_BUFFERS);
    // Clients keep their sessions, in tickets.
    control(SslCtrl.SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF);
    must(openSsl.SSL_CTX_set_num_tickets(context, TICKETS) === 1, 'the number of tickets is refused');
    openSsl.SSL_CTX_set_timeout(context, sessionTimeout);
    const named = openSsl.SSL_CTX_set_session_id_context(context, SESSION_ID_CONTEXT, SESSION_ID_CONTEXT.length);
    must(named === 1, 'the name of its sessions is refused');
    // Of the context that the name of the server has chosen: so each has it.
    openSsl.SSL_CTX_set_alpn_select_cb(context, callbacks.chooseProtocol, 0);
    must(openSsl.SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callbacks.sealTicket) === 1, 'tickets are refused');
    if (byName) openSsl.SSL_CTX_callback_ctrl(context, SslCtrl.SET_TLSEXT_SERVERNAME_CB, callbacks.chooseCertificate);
    return context;
  } catch (error) {
    openSsl.SSL_CTX_free(context);
    throw error;
  }
}

/** Puts a certificate with its chain and its key into a context; one of each kind of key has room. */
function useCertificate(openSsl: OpenSsl, context: number, { cert, key }: ServedCertificate): void {
  // In DER: OpenSSL asks for the passphrase of a key in PEM on the terminal.
  const [leaf, ...chain] = pemBlocks(cert).map(({ text }) => new X509Certificate(text).raw);
  if (leaf === undefined) throw new Error('there is no certificate');
  withCertificate(openSsl, leaf, (certificate) => openSsl.SSL_CTX_use_certificate(context, certificate));
  for (const issuer of chain) {
    withCertificate(openSsl, issuer, (at) => openSsl.SSL_CTX_ctrl(context, SslCtrl.CHAIN_CERT, ADD_1, at));
  }
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  try {
    const privateKey = fromDer(openSsl.d2i_AutoPrivateKey, der);
    if (privateKey === 0) throw failed(openSsl, 'its key cannot be read');
    const used = openSsl.SSL_CTX_use_PrivateKey(context, privateKey) === 1;
    openSsl.EVP_PKEY_free(privateKey);
    if (!used || openSsl.SSL_CTX_check_private_key(context) !== 1) throw failed(openSsl, 'its key is refused');
  } finally {
    der.fill(0);
  }
}

function withCertificate(openSsl: OpenSsl, der: Uint8Array, use: (certificate: number) => number): void {
  const certificate = fromDer(openSsl.d2i_X509, der);
  if (certificate === 0) throw failed(openSsl, 'it cannot be read');
  const used = use(certificate);
  openSsl.X509_free(certificate);
  if (used !== 1) throw failed(openSsl, 'it is refused');
}

function failed(openSsl: OpenSsl, what: string): Error {
  return new Error(`${what} (${takeFailure(openSsl)})`);
}
