/** Protocol versions, ciphers and groups of TLS sessions that have a counter of their own: those that we offer (tls/tls-context.ts). */

/** By their names in OpenSSL. */
export const SUITES = [
  ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
  ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLSv1.2', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLSv1.2', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['other', 'other'],
] as const;

/**
 * By their names in IANA's registry. `unknown`: node:tls does not tell a server, and TLS 1.2 with a cipher that needs none has none.
 */
export const GROUPS = [
  'x25519',
  'secp256r1',
  'secp384r1',
  'secp521r1',
  'x448',
  'X25519MLKEM768',
  'other',
  'unknown',
] as const;

/** The index of a group in GROUPS; all that are not listed share one. */
export function groupIndex(group: string): number {
  const names: readonly string[] = GROUPS;
  const index = names.indexOf(group);
  return index < 0 ? GROUPS.indexOf('other') : index;
}

/** The index of a version and cipher in SUITES; all that are not listed share the last. */
export function suiteIndex(version: string, cipher: string): number {
  const index = SUITES.findIndex(([knownVersion, known]) => known === cipher && knownVersion === version);
  return index < 0 ? SUITES.length - 1 : index;
}
