import { createHash, X509Certificate } from 'node:crypto';

/** Base64 of the SHA-256 of a certificate's SubjectPublicKeyInfo. */
export function pinOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
