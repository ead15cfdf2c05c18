/** Types that generated zones hold and that queries ask for: their numbers, and the RDATA of the plain ones. */
import { type Name, nameToText } from './names.js';
import type { Random } from './random.js';

/** RR types by mnemonic, numbers of the IANA registry. */
export const T = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  SVCB: 64,
  HTTPS: 65,
  MAILB: 253,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

/** A type of the private range (RFC 6895 §3.1) that generated zones hold, and one that they never do. */
export const PRIVATE = 65_280;
export const PRIVATE_ABSENT = 65_281;

/** Makes the RDATA of one record; `name` gives a target, `unique` differs for every record of an RRset. */
type Maker = (random: Random, name: () => Name, unique: number) => string;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ';

function word(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += ALPHABET[random.below(ALPHABET.length)];
  return text;
}

export function hex(random: Random, octets: number): string {
  let text = '';
  for (let i = 0; i < octets; i++) text += random.below(256).toString(16).padStart(2, '0');
  return text;
}

/** The types of ordinary RRsets, with their weight. */
export const PLAIN: readonly (readonly [number, number, Maker])[] = [
  [8, T.A, (random, _, n) => `192.0.2.${(random.below(8) * 32 + (n % 32)) % 256}`],
  [5, T.AAAA, (random, _, n) => `2001:db8::${random.between(1, 0xffff).toString(16)}:${n.toString(16)}`],
  [5, T.TXT, (random, _, n) => `"${n} ${word(random, random.between(0, 60))}"`],
  [3, T.MX, (random, name, n) => `${random.below(3) * 10 + n} ${nameToText(name())}`],
  [3, T.SRV, (random, name, n) => `${n} ${random.below(3)} ${random.below(65_536)} ${nameToText(name())}`],
  [1, T.PTR, (_, name) => nameToText(name())],
  [1, T.HINFO, (random, _, n) => `"${n}" "${word(random, 5)}"`],
  [1, T.RP, (_, name) => `${nameToText(name())} ${nameToText(name())}`],
  [1, T.NAPTR, (random, name, n) => `${n} ${random.below(9)} "S" "SIP+D2U" "" ${nameToText(name())}`],
  [1, T.SSHFP, (random, _, n) => `${(n % 4) + 1} 2 ${hex(random, 32)}`],
  [1, T.TLSA, (random) => `3 1 1 ${hex(random, 32)}`],
  [1, T.CAA, (random, _, n) => `0 issue "ca${n}${random.below(9)}.example"`],
  [1, T.URI, (random, _, n) => `${n} ${random.below(9)} "https://${word(random, 8).trim()}.example/"`],
  [1, T.LOC, (random, _, n) => `${random.below(89)} ${n % 60} 0.000 N 4 53 ${random.below(59)}.000 E 10m 1m 100m 10m`],
  [1, T.SVCB, (_, name, n) => `${n + 1} ${nameToText(name())} alpn="dot"`],
  [1, T.HTTPS, (_, name, n) => `${n + 1} ${nameToText(name())} alpn="h2,h3"`],
  [2, PRIVATE, (random) => `\\# 7 ${hex(random, 7)}`],
];

export function makerOf(type: number): Maker {
  const row = PLAIN.find(([, t]) => t === type);
  if (row === undefined) throw new Error(`no maker of type ${type}`);
  return row[2];
}
