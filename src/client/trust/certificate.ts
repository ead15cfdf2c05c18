/** The server's certificate: its description, and whether it is acceptable. */

import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isUint8Array } from 'node:util/types';
import { counted } from '../../errors.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { either, isText, listOf, objectOf, octets, oneOf, text, type Validator } from '../validation.js';
import { pinOfCertificate, readable } from './public-key.js';
import { checkTlsa, matchesTlsa } from './tlsa.js';

/** The ways in which a server proves its identity. */
export type Verification =
  /** Not at all: opportunistic (RFC 7858 §4.1). */
  | { readonly kind: 'none' }
  /** By a chain to one of these authorities (PEM; default: those of Node) and its name or address (RFC 8310 §8.1). */
  | { readonly kind: 'ca'; readonly ca?: string | Buffer }
  /** By its public key: base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7858 §4.2). One of them must match. */
  | { readonly kind: 'pin'; readonly pins: readonly string[] }
  /** By TLSA records, as RDATA in presentation format: "3 1 1 8cb0…" (RFC 7671 §5.1). One of them must match. */
  | { readonly kind: 'tlsa'; readonly records: readonly string[] };

type Of<K extends Verification['kind']> = Extract<Verification, { kind: K }>;

const kind = oneOf('none', 'ca', 'pin', 'tlsa');
const pem = either('PEM as text or octets', [isText, text], [isUint8Array, octets]);
const VERIFICATIONS: Readonly<Record<Verification['kind'], Validator>> = {
  none: objectOf<Of<'none'>>({ kind }),
  ca: objectOf<Of<'ca'>>({ kind, ca: pem }),
  pin: objectOf<Of<'pin'>>({ kind, pins: listOf(text) }, ['pins']),
  tlsa: objectOf<Of<'tlsa'>>({ kind, records: listOf(text) }, ['records']),
};

export const validateVerification: Validator = (value, place) => {
  // If the kind is wrong, the message is about the kind and not about the other keys.
  const given = (value ?? {}) as { readonly kind?: unknown };
  if (typeof value === 'object' && value !== null) kind(given.kind, `${place}.kind`);
  VERIFICATIONS[(given.kind ?? 'none') as Verification['kind']](value, place);
};

export interface CertificateInfo {
  readonly subject: string;
  /** Subject alternative names, as "DNS:ns1.example" or "IP Address:192.0.2.1". */
  readonly names: readonly string[];
  /** ISO 8601; undefined if the certificate has no valid date. */
  readonly notAfter: string | undefined;
  /** Base64 of the SHA-256 of the SubjectPublicKeyInfo; undefined if OpenSSL cannot read the key. */
  readonly pin: string | undefined;
}

/** Never throws, however odd the certificate is. */
export function describeCertificate(certificate: X509Certificate): CertificateInfo {
  return {
    subject: (readable(() => certificate.subject) ?? '').replaceAll('\n', ', '),
    names: readable(() => certificate.subjectAltName)?.split(', ') ?? [],
    notAfter: readable(() => new Date(certificate.validTo).toISOString()),
    pin: pinOfCertificate(certificate),
  };
}

/** Throws CLIENT_INPUT when no certificate could ever be accepted. That is no server's fault. */
export function checkVerification(verification: Verification): void {
  const wrong = (message: string): never => {
    throw new ClientError(ClientErrorCode.INPUT, message);
  };
  if (verification.kind === 'tlsa') checkTlsa(verification.records);
  if (verification.kind === 'ca' && verification.ca !== undefined) {
    if (!String(verification.ca).includes('-----BEGIN CERTIFICATE-----')) wrong('ca: expected certificates in PEM');
  }
  if (verification.kind !== 'pin') return;
  if (verification.pins.length === 0) wrong('pins: expected at least one');
  for (const pin of verification.pins) {
    const octets = Buffer.from(pin, 'base64');
    if (octets.length !== 32 || octets.toString('base64') !== pin)
      wrong(`pins: found ${JSON.stringify(pin)}, expected 32 octets in base64`);
  }
}

/**
 * Why the certificate is not acceptable; undefined if it is. `chainError` is the error of TLS about the chain. `identity` is the
 * server's name, or its address if no name is known. Names in the subject do not count (RFC 8310 §8.1).
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
    if (pin === undefined) return NO_KEY;
    return verification.pins.includes(pin)
      ? undefined
      : `its pin is ${pin}, expected ${verification.pins.join(' or ')}`;
  }
  if (verification.kind === 'tlsa') {
    if (matchesTlsa(verification.records, certificate)) return undefined;
    const pin = pinOfCertificate(certificate);
    return pin === undefined
      ? NO_KEY
      : `its pin is ${pin}, which matches none: found ${counted(verification.records.length, 'TLSA record')}`;
  }
  if (chainError !== undefined) return chainError;
  // The zone of an address ("fe80::1%eth0") is our own name for a network (RFC 4007 §11). No certificate can have it.
  const [address = ''] = identity.split('%');
  const named = readable(() =>
    isIP(identity) === 0 ? certificate.checkHost(identity, { subject: 'never' }) : certificate.checkIP(address),
  );
  if (named !== undefined) return undefined;
  return `it is for ${readable(() => certificate.subjectAltName) ?? 'no name'}, not for ${identity}`;
}

const NO_KEY = 'its public key cannot be read';
