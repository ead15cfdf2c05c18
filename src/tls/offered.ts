/** The offers of the server in TLS handshakes: the same on every path, whatever the defaults of the OpenSSL inside of node are. */
import { constants } from 'node:crypto';

/** The ALPN protocol of DNS over TLS (RFC 7858 §6 with the IANA registry). */
export const ALPN_DOT = 'dot';

/**
 * AEAD with forward secrecy only (RFC 9325 §4.2). TLS 1.2 clients of 2015 and of today share those with AES-128 for ECDSA and RSA.
 * AES-128 comes before ChaCha20, unless the client's list shows that it has no AES in hardware.
 */
export const CIPHERSUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_256_GCM_SHA384'].join(
  ':',
);
export const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/**
 * OpenSSL's level 2: 112 bits, so RSA of 2048 bits and no SHA-1 (RFC 9325 §4.5). It is the default of node 24; that of node 20 and 22 is 1.
 */
export const SECURITY_LEVEL = 2;

/** All of it as node:tls wants it. */
export const NODE_CIPHERS = `${CIPHERSUITES}:${TLS12_CIPHERS}:@SECLEVEL=${SECURITY_LEVEL}`;

/**
 * The groups that clients have. Left out are those by which a client makes a handshake cost many times as much. Measured: the key agreement
 * takes 36 ms with ffdhe8192, 16 with P-521, 0.5 with X25519. The hybrid with ML-KEM is there where this OpenSSL has it, as 3.5 does.
 */
export function groupsOf(openSslVersion: string): string {
  const [major = 0, minor = 0] = openSslVersion.split('.').map(Number);
  const hybrid = major > 3 || (major === 3 && minor >= 5);
  return [...(hybrid ? ['X25519MLKEM768'] : []), 'X25519', 'P-256', 'P-384'].join(':');
}

/** RFC 8310 §9 and RFC 9325 §3.4: no renegotiation, no compression. 0-RTT is off by default. */
export const SECURE_OPTIONS =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA;

/**
 * Sessions resume only in a context with the same name (OpenSSL's sid_ctx). Node derives one from the command line, which differs
 * between machines, and gives none to contexts without a server.
 */
export const SESSION_ID_CONTEXT = ALPN_DOT;
