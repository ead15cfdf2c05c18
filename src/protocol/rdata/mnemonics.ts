/**
 * Mnemonics of numbers in RDATA, as IANA's registries had them on 2026-10-04. The registries are open: other numbers are printed
 * as numbers.
 */
export type Mnemonics = ReadonlyMap<string, number>;

/** DNSSEC algorithms (IANA "DNS Security Algorithm Numbers"), with BIND's older spellings. */
export const ALGORITHMS: Mnemonics = new Map([
  ['ECDSAP256SHA256', 13], // RFC 6605
  ['DELETE', 0], // RFC 8078
  ['RSAMD5', 1], // RFC 3110
  ['DH', 2], // RFC 2539
  ['DSA', 3], // RFC 2536
  ['ECC', 4], // RFC 4034
  ['RSASHA1', 5], // RFC 3110
  ['DSA-NSEC3-SHA1', 6], // RFC 5155
  ['NSEC3DSA', 6],
  ['RSASHA1-NSEC3-SHA1', 7], // RFC 5155
  ['NSEC3RSASHA1', 7],
  ['RSASHA256', 8], // RFC 5702
  ['RSASHA512', 10], // RFC 5702
  ['ECC-GOST', 12], // RFC 5933
  ['ECCGOST', 12],
  ['ECDSAP384SHA384', 14], // RFC 6605
  ['ED25519', 15], // RFC 8080
  ['ED448', 16], // RFC 8080
  ['SM2SM3', 17], // RFC 9563
  ['MLDSA44', 18], // draft-westerbaan-dnssec-mldsa
  ['ECC-GOST12', 23], // RFC 9558
  ['INDIRECT', 252], // RFC 4034
  ['PRIVATEDNS', 253], // RFC 4034
  ['PRIVATEOID', 254], // RFC 4034
]);

/** Digest types of DS (IANA "DNSSEC Delegation Signer (DS) Digest Algorithms"). */
export const DIGEST_TYPES: Mnemonics = new Map([
  ['SHA-256', 2], // RFC 4509
  ['SHA256', 2],
  ['SHA-1', 1], // RFC 3658
  ['SHA1', 1],
  ['GOST', 3], // RFC 5933
  ['SHA-384', 4], // RFC 6605
  ['SHA384', 4],
  ['GOST12', 5], // RFC 9558
  ['SM3', 6], // RFC 9563
]);

/** Types of certificates in CERT (RFC 4398 §2.1). */
export const CERTIFICATE_TYPES: Mnemonics = new Map([
  ['PKIX', 1],
  ['SPKI', 2],
  ['PGP', 3],
  ['IPKIX', 4],
  ['ISPKI', 5],
  ['IPGP', 6],
  ['ACPKIX', 7],
  ['IACPKIX', 8],
  ['URI', 253],
  ['OID', 254],
]);

/** Schemes of DSYNC (RFC 9859 §2.1). */
export const DSYNC_SCHEMES: Mnemonics = new Map([['NOTIFY', 1]]);
