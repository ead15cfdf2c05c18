/**
 * Changes of signed zones as people make them, as data: a zone's lines in, other lines out, and the verdict. The lines are in
 * canonical form (`owner TTL IN type RDATA`).
 */
import type { Judge } from './signed-zones.js';

export interface Change {
  readonly name: string;
  /** Returns undefined where the zone has nothing to change. */
  apply(lines: readonly string[]): readonly string[] | undefined;
  /** Whether the zone is still as good as before. */
  readonly isHarmless?: boolean;
  /** Those that judge otherwise than we do, each with the reason. */
  readonly dissenters?: Readonly<Partial<Record<Judge, string>>>;
}

interface Fields {
  readonly owner: string;
  readonly ttl: string;
  readonly type: string;
  readonly rdata: string;
}

function fieldsOf(line: string): Fields {
  const [owner = '', ttl = '', , type = '', ...rdata] = line.split(' ');
  return { owner, ttl, type, rdata: rdata.join(' ') };
}

/** Whether a line is a record of this type, or covers it: `A`, `RRSIG A`. */
function is(line: string, what: string, owner?: string): boolean {
  const fields = fieldsOf(line);
  if (owner !== undefined && fields.owner !== owner) return false;
  return `${fields.type} ${fields.rdata} `.startsWith(`${what} `);
}

const without = (what: string, owner?: string) => (lines: readonly string[]) => {
  const kept = lines.filter((line) => !is(line, what, owner));
  return kept.length === lines.length ? undefined : kept;
};

/** Replaces text in the records of a type, the first one only unless `all`. */
const edited =
  (what: string, owner: string | undefined, from: string | RegExp, to: string) => (lines: readonly string[]) => {
    const index = lines.findIndex((line) => is(line, what, owner) && line.search(from) >= 0);
    return index < 0 ? undefined : lines.map((line, i) => (i === index ? line.replace(from, to) : line));
  };

/** The first line of a kind goes, and its signature with it. */
const withoutFirst = (what: string) => (lines: readonly string[]) => {
  const first = lines.find((line) => is(line, what) && fieldsOf(line).owner !== 'example.test.');
  if (first === undefined) return undefined;
  const { owner, type } = fieldsOf(first);
  return lines.filter((line) => line !== first && !is(line, `RRSIG ${type}`, owner));
};

const withTtl = (what: readonly string[], owner: string, ttl: number) => (lines: readonly string[]) =>
  lines.map((line) => (what.some((one) => is(line, one, owner)) ? line.replace(/ \d+ IN /, ` ${ttl} IN `) : line));

export const CHANGES: readonly Change[] = [
  { name: 'an address edited', apply: edited('A', 'ns1.example.test.', /192\.0\.2\.1$/, '192.0.2.11') },
  { name: 'a text edited', apply: edited('TXT', 'example.test.', '"b;c"', '"b;d"') },
  { name: 'the serial raised', apply: edited('SOA', undefined, ' 7 7200', ' 8 7200') },
  { name: 'a record added to an RRset', apply: (lines) => [...lines, 'mail2.example.test. 3600 IN A 192.0.2.99'] },
  { name: 'a record of an RRset removed', apply: without('A 192.0.2.4') },
  { name: 'an RRset added to a name', apply: (lines) => [...lines, 'mail2.example.test. 3600 IN TXT "new"'] },
  { name: 'a name added', apply: (lines) => [...lines, 'new.example.test. 3600 IN A 192.0.2.99'] },
  { name: 'a name below a wildcard added', apply: (lines) => [...lines, 'x.wild.example.test. 3600 IN A 192.0.2.99'] },
  {
    name: 'a secure delegation added',
    apply: (lines) => [
      ...lines,
      'new.example.test. 3600 IN NS ns1.example.test.',
      `new.example.test. 3600 IN DS 1 13 2 ${'AB'.repeat(32)}`,
    ],
  },
  {
    name: 'a name removed with its signatures and NSEC',
    dissenters: { kzonecheck: 'does not mind NSEC3 records of no name' },
    apply: (lines) => lines.filter((line) => fieldsOf(line).owner !== 'mail2.example.test.'),
  },
  {
    name: 'an RRset removed with its signature',
    dissenters: { 'ldns-verify-zone': 'does not compare bitmaps with the types that are there' },
    apply: (lines) =>
      lines.filter(
        (line) => !is(line, 'TXT', '*.wild.example.test.') && !is(line, 'RRSIG TXT', '*.wild.example.test.'),
      ),
  },
  {
    name: 'the DS of a delegation removed with its signature',
    dissenters: { 'ldns-verify-zone': 'does not compare bitmaps with the types that are there' },
    apply: (lines) =>
      lines.filter((line) => !is(line, 'DS', 'secure.example.test.') && !is(line, 'RRSIG DS', 'secure.example.test.')),
  },
  { name: 'the DS of a delegation edited', apply: edited('DS', 'secure.example.test.', / 13 2 /, ' 14 2 ') },
  { name: 'a signature removed', apply: without('RRSIG A', 'ns1.example.test.') },
  { name: 'the signature of the DNSKEY RRset removed', apply: without('RRSIG DNSKEY') },
  {
    name: 'the signature of the SOA removed',
    dissenters: { kzonecheck: 'takes the zone for an unsigned one' },
    apply: without('RRSIG SOA'),
  },
  { name: 'the signatures of one name removed', apply: without('RRSIG', 'mail2.example.test.') },
  {
    name: 'all signatures removed',
    dissenters: { kzonecheck: 'takes the zone for an unsigned one' },
    apply: without('RRSIG'),
  },
  { name: 'the signature of an NSEC record removed', apply: without('RRSIG NSEC', 'mail2.example.test.') },
  { name: 'an NSEC record removed', apply: withoutFirst('NSEC') },
  { name: 'an NSEC3 record removed', apply: withoutFirst('NSEC3') },
  {
    name: 'NSEC3PARAM removed',
    dissenters: { kzonecheck: 'does not end', 'ldns-verify-zone': 'takes the parameters from the records' },
    apply: (lines) => without('NSEC3PARAM')(without('RRSIG NSEC3PARAM')(lines) ?? []),
  },
  { name: 'a type more in an NSEC bitmap', apply: edited('NSEC', 'mail2.example.test.', ' A ', ' A MX ') },
  { name: 'a type less in an NSEC bitmap', apply: edited('NSEC', '*.wild.example.test.', ' TXT ', ' ') },
  { name: 'a type more in an NSEC3 bitmap', apply: edited('NSEC3', undefined, / A RRSIG$/, ' A MX RRSIG') },
  {
    name: 'another next name in NSEC',
    apply: edited('NSEC', 'mail2.example.test.', /NSEC \S+/, 'NSEC ns1.example.test.'),
  },
  {
    name: 'the TTL of an RRset raised',
    dissenters: { 'ldns-verify-zone': 'takes the original TTL for the TTL' },
    apply: withTtl(['A', 'RRSIG A'], 'mail2.example.test.', 7200),
  },
  {
    name: 'the TTL of an RRset lowered',
    dissenters: { 'ldns-verify-zone': 'takes the original TTL for the TTL' },
    apply: withTtl(['A', 'RRSIG A'], 'mail2.example.test.', 60),
  },
  { name: 'the TTL of a signature changed', isHarmless: true, apply: withTtl(['RRSIG A'], 'mail2.example.test.', 60) },
  {
    name: 'another public key',
    apply: (lines) => lines.map((line) => (is(line, 'DNSKEY 256') ? line.replace(/.{8}(.{8})$/, 'AAAAAAAA$1') : line)),
  },
  { name: 'a key removed', apply: without('DNSKEY 256') },
  {
    name: 'all keys removed',
    apply: (lines) => lines.filter((line) => !is(line, 'DNSKEY') && !is(line, 'RRSIG DNSKEY')),
  },
  { name: 'another signer', apply: edited('RRSIG A', 'ns1.example.test.', / example\.test\. (\S+)$/, ' test. $1') },
  { name: 'another number of labels', apply: edited('RRSIG A', 'ns1.example.test.', /( A \d+) 3 /, '$1 2 ') },
  {
    name: 'another key tag',
    apply: edited('RRSIG A', 'ns1.example.test.', / \d+ example\.test\. /, ' 1 example.test. '),
  },
  { name: 'another original TTL', apply: edited('RRSIG A', 'ns1.example.test.', / 3 3600 /, ' 3 3601 ') },
  {
    name: 'an address below a cut signed',
    dissenters: { 'dnssec-verify': 'does not look below cuts' },
    apply: (lines) => [
      ...lines,
      ...lines
        .filter((line) => is(line, 'RRSIG A', 'ns1.example.test.'))
        .map((line) => line.replace(/^\S+/, 'ns.sub.example.test.').replace(/ 3 3600/, ' 4 3600')),
    ],
  },
  { name: 'glue edited', apply: edited('A', 'ns.sub.example.test.', /192\.0\.2\.20$/, '192.0.2.22'), isHarmless: true },
  {
    name: 'a nameserver of a delegation added',
    apply: (lines) => [...lines, 'sub.example.test. 3600 IN NS ns2.example.test.'],
    isHarmless: true,
  },
  {
    name: 'letter case of owners and targets changed',
    apply: (lines) =>
      lines.map((line) => (is(line, 'MX') || is(line, 'NS', 'example.test.') ? line.toUpperCase() : line)),
    isHarmless: true,
  },
  { name: 'the lines in another order', apply: (lines) => [lines[0]!, ...lines.slice(1).reverse()], isHarmless: true },
];

/** A change after which RRsets are signed again: only what the records say is wrong. */
export interface SignedChange extends Change {
  /** The type of the RRsets, and their owners. */
  readonly type: string;
  owners(lines: readonly string[]): readonly string[];
  /** The expiration of the new signatures, as RRSIG has it. */
  readonly expiration?: string;
}

const same = (lines: readonly string[]): readonly string[] => lines;
const MAIL = 'mail2.example.test.';
const LDNS = { 'ldns-verify-zone': 'does not compare bitmaps with the types that are there' };
const ofNsec3 = (lines: readonly string[]) =>
  lines.filter((line) => is(line, 'NSEC3')).map((line) => fieldsOf(line).owner);

/** For a zone with NSEC. */
export const NSEC_CHANGES: readonly SignedChange[] = [
  { name: 'nothing', owners: () => [MAIL], type: 'NSEC', apply: same, isHarmless: true },
  {
    name: 'a type more in a bitmap',
    owners: () => [MAIL],
    type: 'NSEC',
    apply: edited('NSEC', MAIL, ' A ', ' A MX '),
    dissenters: LDNS,
  },
  {
    name: 'a type less in a bitmap',
    owners: () => ['*.wild.example.test.'],
    type: 'NSEC',
    apply: edited('NSEC', '*.wild.example.test.', ' TXT ', ' '),
    dissenters: LDNS,
  },
  {
    name: 'another next name',
    owners: () => [MAIL],
    type: 'NSEC',
    apply: edited('NSEC', MAIL, /NSEC \S+/, 'NSEC ns1.example.test.'),
  },
  { name: 'an expired signature', owners: () => [MAIL], type: 'A', apply: same, expiration: '20260102000000' },
];

/** For a zone with NSEC3 and opt-out. */
export const NSEC3_CHANGES: readonly SignedChange[] = [
  { name: 'nothing', owners: ofNsec3, type: 'NSEC3', apply: same, isHarmless: true },
  {
    name: 'no opt-out, without records of insecure delegations',
    owners: ofNsec3,
    type: 'NSEC3',
    apply: (lines) => lines.map((line) => line.replace(' IN NSEC3 1 1 ', ' IN NSEC3 1 0 ')),
  },
  {
    name: 'a type more in bitmaps',
    owners: ofNsec3,
    type: 'NSEC3',
    apply: (lines) => lines.map((line) => (is(line, 'NSEC3') ? line.replace(/ A RRSIG$/, ' A MX RRSIG') : line)),
    dissenters: LDNS,
  },
];
