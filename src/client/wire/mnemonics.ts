/** Mnemonics of IANA's registries. Unknown numbers are TYPE123, CLASS123 and so on. */
import { Class, Ede, EdnsOption, Opcode, Rcode } from '../../protocol/iana.js';

/** Types by number (IANA "Resource Record (RR) TYPEs"), as runs of successive numbers. */
const RUNS: readonly (readonly [first: number, mnemonics: string])[] = [
  [1, 'A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX'],
  [27, 'GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC'],
  [48, 'DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA'],
  [55, 'HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS DSYNC HHIT BRID'],
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
  YXRRSET: 7, // RFC 2136
  NXRRSET: 8, // RFC 2136
  NOTZONE: 10, // RFC 2136
  DSOTYPENI: 11, // RFC 8490
  BADKEY: 17, // RFC 8945
  BADTIME: 18, // RFC 8945
  BADMODE: 19, // RFC 2930
  BADNAME: 20, // RFC 2930
  BADALG: 21, // RFC 2930
  BADTRUNC: 22, // RFC 8945
});
const optionNames = reversed(EdnsOption);
const edeNames = reversed(Ede);

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
