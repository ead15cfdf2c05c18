/** The hash by which clients recognise a key: SHA-256 of its SubjectPublicKeyInfo (RFC 7858 §4.2, RFC 7671 §5.1). */
import { createHash, type KeyObject } from 'node:crypto';

/** SHA-256 of the SubjectPublicKeyInfo in DER: 32 octets. Takes the public key. */
export function spkiHash(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** The hash in base64, the form of pins in resolvers' configurations (RFC 7858 §4.2 after RFC 7469 §2.4). */
export function pinOf(publicKey: KeyObject): string {
  return spkiHash(publicKey).toString('base64');
}

/** The RDATA of the TLSA record in presentation format: DANE-EE, SPKI, SHA2-256 (RFC 6698 §2.1, RFC 7671 §5.1). */
export function tlsaOf(publicKey: KeyObject): string {
  return `3 1 1 ${spkiHash(publicKey).toString('hex').toUpperCase()}`;
}
