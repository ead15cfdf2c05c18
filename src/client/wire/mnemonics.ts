/** Mnemonics of IANA's registries, as of 2026-10-04. Unknown numbers are TYPE123, CLASS123 and so on. */
import { Class, Ede, EdnsOption, Opcode, Rcode } from '../../protocol/iana.js';

/** Types by number (IANA "Resource Record (RR) TYPEs"), as runs of successive numbers. */
const RUNS: readonly (readonly [first: number, mnemonics: string])[] = [
  [1, 'A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX'],
  [27, 'GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC'],
  [48, 'DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA'],
  [55, 'HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS DSYNC HHIT BRID UNECE ISO'],
  [99, 'SPF UINFO UID GID UNSPEC NID L32 L64 LP EUI48 EUI64'],
  [128, 'NXNAME'],
  [249, 'TKEY TSIG IXFR AXFR MAILB MAILA ANY URI CAA AVC DOA AMTRELAY RESINFO WALLET CLA IPN'],
  [32768, 'TA DLV'],
];

const typeNames = new Map(
  RUNS.flatMap(([first, mnemonics]) => mnemonics.split(' ').map((mnemonic, i) => [first + i, mnemonic] as const)),
);
const typeNumbers = new Map([...typeNames].map(([type, mnemonic]) => [mnemonic, type]));

const reversed = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, number]) => [number, name]));

const classNames = reversed(Class);
const opcodeNames = reversed(Opcode);
/** The RCODEs of iana.ts, and those that our server never sends. */
const rcodeNames = reversed({
  ...Rcode,
  DSOTYPENI: 11, // RFC 8490
  BADKEY: 17, // RFC 8945
  BADTIME: 18, // RFC 8945
  BADMODE: 19, // RFC 2930
  BADNAME: 20, // RFC 2930
  BADALG: 21, // RFC 2930
  BADTRUNC: 22, // RFC 8945
});
/** The options of iana.ts, and those that our server does not know. */
const optionNames = reversed({
  ...EdnsOption,
  LLQ: 1, // RFC 8764
  UPDATE_LEASE: 2, // RFC 9664
  DAU: 5, // RFC 6975
  DHU: 6, // RFC 6975
  N3U: 7, // RFC 6975
  CLIENT_SUBNET: 8, // RFC 7871
  CHAIN: 13, // RFC 7901
  KEY_TAG: 14, // RFC 8145
  CLIENT_TAG: 16, // draft-bellis-dnsop-edns-tags
  SERVER_TAG: 17, // draft-bellis-dnsop-edns-tags
  MQTYPE_QUERY: 20, // RFC 10029
  MQTYPE_RESPONSE: 21, // RFC 10029
  EDE_EXTRA_TEXT_LANGUAGE: 22, // draft-muks-dns-filtering
  FILTERING_CONTACT: 23, // draft-muks-dns-filtering
  FILTERING_ORGANIZATION: 24, // draft-muks-dns-filtering
  FILTERING_DB: 25, // draft-muks-dns-filtering
  STRUCTURED_DNS_ERROR: 26, // draft-ietf-dnsop-structured-dns-error
});
/** The extended errors of iana.ts, and those that our server never sends. */
const edeNames = reversed({
  ...Ede,
  UNSUPPORTED_DNSKEY_ALGORITHM: 1, // RFC 8914
  UNSUPPORTED_DS_DIGEST_TYPE: 2, // RFC 8914
  STALE_ANSWER: 3, // RFC 8914
  FORGED_ANSWER: 4, // RFC 8914
  DNSSEC_INDETERMINATE: 5, // RFC 8914
  DNSSEC_BOGUS: 6, // RFC 8914
  SIGNATURE_EXPIRED: 7, // RFC 8914
  SIGNATURE_NOT_YET_VALID: 8, // RFC 8914
  DNSKEY_MISSING: 9, // RFC 8914
  RRSIGS_MISSING: 10, // RFC 8914
  NO_ZONE_KEY_BIT_SET: 11, // RFC 8914
  NSEC_MISSING: 12, // RFC 8914
  CACHED_ERROR: 13, // RFC 8914
  BLOCKED: 15, // RFC 8914
  CENSORED: 16, // RFC 8914
  FILTERED: 17, // RFC 8914
  STALE_NXDOMAIN_ANSWER: 19, // RFC 8914
  NO_REACHABLE_AUTHORITY: 22, // RFC 8914
  NETWORK_ERROR: 23, // RFC 8914
  SIGNATURE_EXPIRED_BEFORE_VALID: 25, // IANA
  TOO_EARLY: 26, // RFC 9250
  UNSUPPORTED_NSEC3_ITERATIONS: 27, // RFC 9276
  UNABLE_TO_CONFORM_TO_POLICY: 28, // draft-homburg-dnsop-codcp
  SYNTHESIZED: 29, // IANA
  RATE_LIMITED: 31, // draft-muks-dns-ede-rate-limited
  OVER_QUOTA: 32, // draft-muks-dns-ede-rate-limited
  NEGATIVE_TRUST_ANCHOR: 33, // draft-farrokhi-dnsop-ede-nta
  NEW_DELEGATION_ONLY: 34, // draft-ietf-deleg
  BLOCKED_BY_UPSTREAM: 35, // draft-ietf-dnsop-structured-dns-error
});

export const typeToText = (type: number): string => typeNames.get(type) ?? `TYPE${type}`;
export const classToText = (value: number): string => classNames.get(value) ?? `CLASS${value}`;
export const opcodeToText = (value: number): string => opcodeNames.get(value) ?? `OPCODE${value}`;
export const rcodeToText = (value: number): string => rcodeNames.get(value) ?? `RCODE${value}`;
export const optionToText = (value: number): string => optionNames.get(value) ?? `OPT=${value}`;
export const edeToText = (value: number): string => edeNames.get(value) ?? `EDE${value}`;

/** The number of `TYPE123` or `CLASS123` (RFC 3597 §5). */
function generic(prefix: string, text: string): number | undefined {
  const digits = text.startsWith(prefix) ? text.slice(prefix.length) : '';
  return /^[0-9]{1,5}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : undefined;
}

/** The number of a type in any letter case, or undefined. */
export function textToType(text: string): number | undefined {
  const upper = text.toUpperCase();
  return typeNumbers.get(upper) ?? generic('TYPE', upper);
}

/** The number of a class in any letter case, or undefined. */
export function textToClass(text: string): number | undefined {
  const upper = text.toUpperCase();
  return Object.entries(Class).find(([name]) => name === upper)?.[1] ?? generic('CLASS', upper);
}
