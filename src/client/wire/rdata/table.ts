/** The fields of each type's RDATA. A type without a row is printed in the form of RFC 3597. */
import { NameReader } from '../names.js';
import { address, certificateAssociation, delegationSigner } from './by-dns-packet.js';
import * as field from './fields.js';
import { type FieldText, u8, u16, u32 } from './fields.js';
import { RdataReader } from './reader.js';
import { serviceParameters } from './service-parameters.js';
import * as special from './special.js';

const { compressedName, name, string, strings, hex, base64 } = field;

const key = (publicKey: FieldText): FieldText[] => [u16, u8, u8, publicKey];
const signature = (signer: FieldText): FieldText[] => [
  field.rrtype,
  u8,
  u8,
  u32,
  field.time,
  field.time,
  u16,
  signer,
  base64,
];

/** Certificate types by number (RFC 4398 §2.1). */
const CERTIFICATE_TYPES: Readonly<Record<number, string>> = {
  1: 'PKIX',
  2: 'SPKI',
  3: 'PGP',
  4: 'IPKIX',
  5: 'ISPKI',
  6: 'IPGP',
  7: 'ACPKIX',
  8: 'IACPKIX',
  253: 'URI',
  254: 'OID',
};
export const certificateType: FieldText = (r) => {
  const type = r.u16();
  return CERTIFICATE_TYPES[type] ?? String(type);
};
/** RFC 9859 §2.1. */
export const scheme: FieldText = (r) => {
  const value = r.u8();
  return value === 1 ? 'NOTIFY' : String(value);
};

/** By type number. `compressedName` stands for the types of RFC 1035 and those that RFC 3597 §4 adds. */
const ROWS: ReadonlyMap<number, readonly FieldText[]> = new Map([
  [1, [address]], // A
  [2, [compressedName]], // NS
  [3, [compressedName]], // MD
  [4, [compressedName]], // MF
  [5, [compressedName]], // CNAME
  [6, [compressedName, compressedName, u32, u32, u32, u32, u32]], // SOA
  [7, [compressedName]], // MB
  [8, [compressedName]], // MG
  [9, [compressedName]], // MR
  [11, [special.wellKnownServices]], // WKS
  [12, [compressedName]], // PTR
  [13, [string, string]], // HINFO
  [14, [compressedName, compressedName]], // MINFO
  [15, [u16, compressedName]], // MX
  [16, [strings]], // TXT
  [17, [compressedName, compressedName]], // RP
  [18, [u16, compressedName]], // AFSDB
  [19, [string]], // X25
  [20, [string, field.optionalString]], // ISDN
  [21, [u16, compressedName]], // RT
  [22, [special.nsap]], // NSAP
  [23, [name]], // NSAP-PTR
  [24, signature(compressedName)], // SIG
  [25, key(field.optionalBase64)], // KEY
  [26, [u16, compressedName, compressedName]], // PX
  [27, [string, string, string]], // GPOS
  [28, [field.ipv6]], // AAAA
  [29, [special.location]], // LOC
  [30, [compressedName, field.nxtBitmap]], // NXT
  [31, [hex]], // EID
  [32, [hex]], // NIMLOC
  [33, [u16, u16, u16, compressedName]], // SRV
  [34, [special.atmAddress]], // ATMA
  [35, [u16, u16, string, string, string, compressedName]], // NAPTR
  [36, [u16, name]], // KX
  [37, [certificateType, u16, u8, base64]], // CERT
  [38, [special.addressChain]], // A6
  [39, [name]], // DNAME
  [40, [u8, u8, u8, field.optionalBase64]], // SINK
  [42, [special.addressPrefixes]], // APL
  [43, [delegationSigner]], // DS
  [44, [u8, u8, hex]], // SSHFP
  [45, [special.ipsecKey]], // IPSECKEY
  [46, signature(name)], // RRSIG
  [47, [name, field.bitmap]], // NSEC
  [48, key(base64)], // DNSKEY
  [49, [base64]], // DHCID
  [50, [u8, u8, u16, field.salt, field.hash, field.bitmap]], // NSEC3
  [51, [u8, u8, u16, field.salt]], // NSEC3PARAM
  [52, [certificateAssociation]], // TLSA
  [53, [certificateAssociation]], // SMIMEA
  [55, [special.hostIdentity]], // HIP
  [56, [strings]], // NINFO
  [57, key(base64)], // RKEY
  [58, [name, name]], // TALINK
  [59, [delegationSigner]], // CDS
  [60, key(base64)], // CDNSKEY
  [61, [base64]], // OPENPGPKEY
  [62, [u32, u16, field.bitmap]], // CSYNC
  [63, [u32, u8, u8, hex]], // ZONEMD
  [64, [u16, name, serviceParameters]], // SVCB
  [65, [u16, name, serviceParameters]], // HTTPS
  [66, [field.rrtype, scheme, u16, name]], // DSYNC
  [67, [base64]], // HHIT
  [68, [base64]], // BRID
  [99, [strings]], // SPF
  [104, [u16, field.locator64]], // NID
  [105, [u16, field.ipv4]], // L32
  [106, [u16, field.locator64]], // L64
  [107, [u16, name]], // LP
  [108, [field.eui48]], // EUI48
  [109, [field.eui64]], // EUI64
  [250, [special.transactionSignature]], // TSIG
  [256, [u16, u16, field.text]], // URI
  [257, [special.certificationAuthority]], // CAA
  [258, [strings]], // AVC
  [259, [u32, u32, u8, string, field.dashedBase64]], // DOA
  [260, [special.amtRelay]], // AMTRELAY
  [261, [strings]], // RESINFO
  [262, [strings]], // WALLET
  [263, [strings]], // CLA
  [264, [field.u64]], // IPN
  [32768, [delegationSigner]], // TA
  [32769, [delegationSigner]], // DLV
]);

/** The fields of a type; undefined: it has no presentation format of its own here. */
export function fieldsOf(type: number): readonly FieldText[] | undefined {
  return ROWS.get(type);
}

/**
 * The RDATA at message[start … end) as uncompressed octets and in presentation format. `names` reads the names of the message.
 * Throws CLIENT_MALFORMED when a length, a pointer or the structure is wrong.
 */
export function readRdata(
  type: number,
  message: Uint8Array,
  start: number,
  end: number,
  names = new NameReader(message),
): { rdata: Uint8Array; text: string } {
  const reader = new RdataReader(message, start, end, names);
  const row = ROWS.get(type);
  if (row === undefined) return { rdata: reader.rest(), text: special.generic(message.subarray(start, end)) };
  const words = row.map((read) => read(reader)).filter((word) => word !== '');
  return { rdata: reader.finish(), text: words.join(' ') };
}
