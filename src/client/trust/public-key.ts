/** The public key of a certificate that a stranger has made. */
import { createHash, type X509Certificate } from 'node:crypto';

/** What `read` brings; undefined where it throws, as X509Certificate does for much of what can be put into one. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * The SubjectPublicKeyInfo in DER; undefined when OpenSSL cannot read the key. It is OpenSSL that reads it, not we: what is
 * compared with a pin has to be the key that the handshake was made with.
 */
export function publicKeyOf(certificate: X509Certificate): Buffer | undefined {
  return readable(() => certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

/** Base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7858 §4.2); undefined when OpenSSL cannot read the key. */
export function pinOfCertificate(certificate: X509Certificate): string | undefined {
  const key = publicKeyOf(certificate);
  return key && createHash('sha256').update(key).digest('base64');
}
