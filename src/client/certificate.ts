/** The server's certificate: what there is to see of it, and whether it is one that the caller accepts. */
import { createHash, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** How a server proves who it is. */
export type Verification =
  /** Not at all: opportunistic (RFC 7858 §4.1). */
  | { readonly kind: 'none' }
  /** By a chain to one of these authorities (PEM; default: those of Node) and its name or address (RFC 8310 §8.1). */
  | { readonly kind: 'ca'; readonly ca?: string | Buffer }
  /** By its public key: base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7858 §4.2). One of them must match. */
  | { readonly kind: 'pin'; readonly pins: readonly string[] };

export interface CertificateInfo {
  readonly subject: string;
  /** Subject alternative names, as "DNS:ns1.example" or "IP Address:192.0.2.1". */
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notAfter: string;
  /** Base64 of the SHA-256 of the SubjectPublicKeyInfo. */
  readonly pin: string;
}

export function pinOfCertificate(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

export function describeCertificate(certificate: X509Certificate): CertificateInfo {
  return {
    subject: (certificate.subject ?? '').replaceAll('\n', ', '),
    names: certificate.subjectAltName?.split(', ') ?? [],
    notAfter: new Date(certificate.validTo).toISOString(),
    pin: pinOfCertificate(certificate),
  };
}

/**
 * Why the certificate is not acceptable, or undefined when it is. `chainError` is what TLS found wrong with the chain;
 * `identity` is the server's name, or its address when no name is known. Names in the subject do not count (RFC 8310 §8.1).
 */
export function objection(
  verification: Verification,
  certificate: X509Certificate | undefined,
  chainError: string | undefined,
  identity: string,
): string | undefined {
  if (verification.kind === 'none') return undefined;
  if (certificate === undefined) return 'the server has shown none';
  if (verification.kind === 'pin') {
    const pin = pinOfCertificate(certificate);
    return verification.pins.includes(pin)
      ? undefined
      : `its pin is ${pin}, expected ${verification.pins.join(' or ')}`;
  }
  if (chainError !== undefined) return chainError;
  const named =
    isIP(identity) === 0 ? certificate.checkHost(identity, { subject: 'never' }) : certificate.checkIP(identity);
  return named === undefined ? `it is for ${certificate.subjectAltName ?? 'no name'}, not for ${identity}` : undefined;
}
