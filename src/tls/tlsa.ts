/**
 * TLSA records (RFC 6698, RFC 7671) of the server's certificates: which to publish, and whether published ones match.
 *
 * NOT here: validation of chains. With usages 0 and 2 a record has to name a certificate of the chain, no more.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { DOT_PORT } from '../protocol/iana.js';
import type { Certificate } from './certificates.js';

/** TTL, in seconds, of the records to paste. Short enough to change keys within a day, long enough to be cached. A guess. */
export const RECORD_TTL = 3600;

/** RFC 6698 §7.2. */
const Usage = { PKIX_TA: 0, PKIX_EE: 1, DANE_TA: 2, DANE_EE: 3 } as const;
/** RFC 6698 §7.3. */
const Selector = { CERT: 0, SPKI: 1 } as const;
/** RFC 6698 §7.4. */
const Matching = { FULL: 0, SHA2_256: 1, SHA2_512: 2 } as const;

/** Octets of RDATA before the certificate association data. */
export const TLSA_FIXED = 3;

/** Owner of the TLSA records of a server for DNS over TLS: `_853._tcp.` and its name (RFC 6698 §3). */
export function tlsaOwner(nameserver: string, port = DOT_PORT): string {
  return nameserver === '.' ? `_${port}._tcp.` : `_${port}._tcp.${nameserver}`;
}

/** The record to paste into a zone file; `nameserver` is absolute. */
export function tlsaRecord(nameserver: string, { tlsa }: Pick<Certificate, 'tlsa'>, port = DOT_PORT): string {
  return `${tlsaOwner(nameserver, port)} ${RECORD_TTL} IN TLSA ${tlsa}`;
}

/** RDATA of the record for a public key: DANE-EE, SPKI, SHA2-256 (RFC 7671 §5.1). `pin`: its SHA-256 in hexadecimal. */
export function tlsaRdata(pin: string): Uint8Array {
  return Uint8Array.of(Usage.DANE_EE, Selector.SPKI, Matching.SHA2_256, ...Buffer.from(pin, 'hex'));
}

/**
 * Whether clients that rely on an RRset accept the certificate. `match`: one record matches; `mismatch`: none does; `unusable`: no
 * record is of a known kind, or one names a root that is not in the chain.
 */
export type TlsaVerdict = 'match' | 'mismatch' | 'unusable';

/** Compares an RRset, each record's RDATA in wire format, with a certificate and its chain. */
export function compareTlsa(rdatas: readonly Uint8Array[], { cert }: Pick<Certificate, 'cert'>): TlsaVerdict {
  const chain = cert
    .split(/(?<=-----END CERTIFICATE-----)\s*/)
    .filter((text) => text !== '')
    .map((text) => new X509Certificate(text));
  const verdicts = rdatas.map((rdata) => compareRecord(rdata, chain));
  // Keys are changed by publishing several records (RFC 7671 §8.1): one match is enough.
  if (verdicts.includes('match')) return 'match';
  return verdicts.includes('mismatch') ? 'mismatch' : 'unusable';
}

function compareRecord(rdata: Uint8Array, chain: readonly X509Certificate[]): TlsaVerdict {
  const [usage, selector, matching] = rdata;
  const [leaf, ...issuers] = chain;
  if (rdata.length <= TLSA_FIXED || leaf === undefined) return 'unusable';
  const candidates = usage === Usage.DANE_EE || usage === Usage.PKIX_EE ? [leaf] : issuers;
  const associations = candidates.map((one) => association(one, selector, matching));
  const known = usage !== undefined && usage <= Usage.DANE_EE && association(leaf, selector, matching) !== undefined;
  if (!known) return 'unusable';
  if (associations.some((data) => data?.equals(rdata.subarray(TLSA_FIXED)))) return 'match';
  return usage === Usage.PKIX_TA ? 'unusable' : 'mismatch';
}

/** Certificate association data (RFC 6698 §2.1.2 to §2.1.4); undefined for a selector or matching type that is unknown. */
function association(
  certificate: X509Certificate,
  selector: number | undefined,
  matching: number | undefined,
): Buffer | undefined {
  let data: Buffer;
  if (selector === Selector.CERT) data = certificate.raw;
  else if (selector === Selector.SPKI) data = certificate.publicKey.export({ type: 'spki', format: 'der' });
  else return undefined;
  if (matching === Matching.FULL) return data;
  if (matching === Matching.SHA2_256) return createHash('sha256').update(data).digest();
  return matching === Matching.SHA2_512 ? createHash('sha512').update(data).digest() : undefined;
}
