/** The kinds of keys that TLS clients can verify; a server with another key looks well, and no handshake succeeds. */
import type { KeyObject } from 'node:crypto';

/**
 * Curves of TLS (RFC 8422 §5.1.1, RFC 8446 §4.2.3), by OpenSSL's names. Left out: P-224 and secp256k1, which TLS 1.3 has no signature
 * scheme for, and the curves of Brainpool (RFC 8734), which clients turn on by hand if they have them.
 */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Bits of RSA keys: RFC 9325 §4.5 forbids shorter ones, OpenSSL cannot use longer ones. */
const RSA_BITS = { min: 2048, max: 16_384 };

/** DER: OBJECT IDENTIFIER of id-ecPublicKey (RFC 5480 §2.1.1), and the tag of a SEQUENCE. */
const EC_PUBLIC_KEY = Buffer.from('06072a8648ce3d0201', 'hex');
const SEQUENCE = 0x30;

/** The reason why hardly any TLS client can use a public key, to follow "a key"; undefined for a key that they can use. */
export function keyMistake(publicKey: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  switch (type) {
    case 'rsa':
    case 'rsa-pss': {
      const bits = details?.modulusLength ?? 0;
      if (bits < RSA_BITS.min) return `of ${bits} bits (RSA), which clients refuse; expected at least ${RSA_BITS.min}`;
      return bits > RSA_BITS.max
        ? `of ${bits} bits (RSA), which OpenSSL cannot use; expected at most ${RSA_BITS.max}`
        : undefined;
    }
    case 'ec': {
      const curves = Object.values(CURVES).join(', ');
      if (hasExplicitCurve(publicKey)) return `with explicit EC parameters; expected a named curve: ${curves}`;
      const { namedCurve = 'an unknown curve' } = details ?? {};
      return namedCurve in CURVES
        ? undefined
        : `on the curve ${namedCurve}, which TLS clients do not take; expected ${curves}`;
    }
    case 'ed25519':
    case 'ed448':
      return undefined;
    default:
      return `of the kind ${type ?? 'unknown'}, which TLS clients do not take; expected EC on P-256, or RSA`;
  }
}

/** Whether a key has the parameters of its curve in place of the curve's name (RFC 5480 §2.1.1 forbids that). */
function hasExplicitCurve(publicKey: KeyObject): boolean {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const at = spki.indexOf(EC_PUBLIC_KEY);
  return at >= 0 && spki[at + EC_PUBLIC_KEY.length] === SEQUENCE;
}
