/** The public key of a certificate that a stranger has made. */
import { createHash, type X509Certificate } from 'node:crypto';

/** The value of `read`; undefined when it throws, as X509Certificate does for many strange certificates. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * The SubjectPublicKeyInfo in DER; undefined if OpenSSL cannot read the key. OpenSSL reads it, because the pin must be compared with
 * the key of the handshake.
 */
export function publicKeyOf(certificate: X509Certificate): Buffer | undefined {
  return readable(() => certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

/** Base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7858 §4.2); undefined if OpenSSL cannot read the key. */
export function pinOfCertificate(certificate: X509Certificate): string | undefined {
  const key = publicKeyOf(certificate);
  return key && createHash('sha256').update(key).digest('base64');
}
