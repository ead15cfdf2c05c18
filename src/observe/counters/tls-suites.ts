/** Protocol versions and ciphers of TLS sessions that have a counter of their own: those that we offer (tls/tls-context.ts). */

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

/** The index of a version and cipher in SUITES; all that are not listed share the last. */
export function suiteIndex(version: string, cipher: string): number {
  const index = SUITES.findIndex(([knownVersion, known]) => known === cipher && knownVersion === version);
  return index < 0 ? SUITES.length - 1 : index;
}
