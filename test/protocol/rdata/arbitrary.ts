/** fast-check generators of well-formed RDATA, one for every kind of field. */
import fc from 'fast-check';
import { FieldKind } from '../../../src/protocol/rdata/field.js';
import type { TypeRow } from '../../../src/protocol/rdata/rows.js';

type Octets = number[];
/** What a field looks like behind the octets of the fields before it; yields those with the field behind them. */
type Generator = (before: Octets) => fc.Arbitrary<Octets>;

const octet = fc.integer({ min: 0, max: 255 });
const octets = (minLength: number, maxLength: number): fc.Arbitrary<Octets> =>
  fc.array(octet, { minLength, maxLength });
const counted = (minLength: number, maxLength: number): fc.Arbitrary<Octets> =>
  octets(minLength, maxLength).map((text) => [text.length, ...text]);

/** Octets that mean something in a zone file come up more often than chance has it. */
const labelOctet = fc.oneof(octet, fc.constantFrom(...Buffer.from('.\\"@$();* \t\n09aZ')));
const label = fc.array(labelOctet, { minLength: 1, maxLength: 20 }).map((text) => [text.length, ...text]);
const longLabel = fc.array(labelOctet, { minLength: 60, maxLength: 63 }).map((text) => [text.length, ...text]);
const name: fc.Arbitrary<Octets> = fc
  .oneof(
    { weight: 9, arbitrary: fc.array(label, { maxLength: 6 }) },
    { weight: 1, arbitrary: fc.array(longLabel, { minLength: 3, maxLength: 3 }) },
  )
  .map((labels) => [...labels.flat(), 0]);

const text = fc.array(labelOctet, { maxLength: 40 });
const string = text.map((value) => [value.length, ...value]);

/** Types in windows (RFC 4034 §4.1.2). */
function windows(types: readonly number[]): Octets {
  const all: Octets = [];
  for (const window of new Set(types.map((type) => type >> 8).sort((a, b) => a - b)))
    all.push(window, ...bits(types.filter((type) => type >> 8 === window).map((type) => type & 0xff)));
  return all;
}

function bits(numbers: readonly number[]): Octets {
  return [bitmap(numbers).length, ...bitmap(numbers)];
}

function bitmap(numbers: readonly number[]): Octets {
  const all: Octets = Array.from({ length: numbers.length === 0 ? 0 : (Math.max(...numbers) >> 3) + 1 }, () => 0);
  for (const number of numbers) all[number >> 3]! |= 0x80 >> (number & 7);
  return all;
}

const type = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 65_535 }));
const types = fc.array(type, { maxLength: 12 }).map((list) => Array.from(new Set(list)));

const trimmed = (size: number): fc.Arbitrary<Octets> =>
  octets(0, size).map((address) => address.slice(0, address.findLastIndex((value) => value !== 0) + 1));
const prefix = fc.oneof(
  fc.tuple(fc.constant([0, 1]), fc.integer({ min: 0, max: 32 }), fc.boolean(), trimmed(4)),
  fc.tuple(fc.constant([0, 2]), fc.integer({ min: 0, max: 128 }), fc.boolean(), trimmed(16)),
  fc.tuple(fc.constant([0, 3]), octet, fc.boolean(), trimmed(9)),
);

const precision = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }));
const angle = (degrees: number): fc.Arbitrary<Octets> =>
  fc.integer({ min: -degrees * 3_600_000, max: degrees * 3_600_000 }).map((value) => u32(0x80000000 + value));
const u32 = (value: number): Octets => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** A gateway of each of the types that there are, from 0 on. */
const gateways: readonly fc.Arbitrary<Octets>[] = [fc.constant([]), octets(4, 4), octets(16, 16), name];

/** The value of `oots` for transports of different lengths. */
function transports(lengths: readonly number[]): Octets {
  return lengths.flatMap((length) => [length, ...Buffer.from('x'.repeat(length)), length * 11]);
}

const parameterValues: ReadonlyMap<number, fc.Arbitrary<Octets>> = new Map([
  [1, fc.array(counted(1, 9), { minLength: 1, maxLength: 3 }).map((list) => list.flat())],
  [3, octets(2, 2)],
  [4, fc.array(octets(4, 4), { minLength: 1, maxLength: 3 }).map((list) => list.flat())],
  [5, octets(1, 30)],
  [6, fc.array(octets(16, 16), { minLength: 1, maxLength: 3 }).map((list) => list.flat())],
  [7, fc.constantFrom('/q{?dns}', '/"\\ü{?a,dns}').map((path) => Array.from(Buffer.from(path)))],
  [8, fc.constant<Octets>([])],
  [9, fc.uniqueArray(octet, { minLength: 1, maxLength: 4 }).map((list) => list.flatMap((value) => [1, value]))],
  [10, fc.array(counted(1, 9), { maxLength: 3 }).map((list) => list.flat())],
  [11, fc.constant<Octets>([])],
  [12, fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }).map(transports)],
]);
const parameters = fc
  .uniqueArray(fc.oneof(fc.constantFrom(...parameterValues.keys()), fc.integer({ min: 13, max: 65_535 })), {
    maxLength: 6,
  })
  .chain((keys) => {
    const sorted = [...keys].sort((a, b) => a - b);
    const values = sorted.map((key) => (parameterValues.get(key) ?? text).map((value) => ({ key, value })));
    return fc.tuple(fc.tuple(...values), fc.subarray(sorted));
  })
  .map(([list, mandatory]) => {
    const u16 = (value: number): Octets => [value >> 8, value & 0xff];
    const all = mandatory.length === 0 ? list : [{ key: 0, value: mandatory.flatMap(u16) }, ...list];
    return all.flatMap(({ key, value }) => [...u16(key), ...u16(value.length), ...value]);
  });

const behind =
  (field: fc.Arbitrary<Octets>): Generator =>
  (before) =>
    field.map((value) => [...before, ...value]);
const digest =
  (at: number, lengths: Readonly<Record<number, number>>, minimum: number): Generator =>
  (before) => {
    const length = lengths[before[at]!];
    return behind(octets(length ?? minimum, length ?? 80))(before);
  };

const GENERATORS: Readonly<Record<FieldKind, Generator>> = {
  [FieldKind.U8]: behind(octets(1, 1)),
  [FieldKind.U16]: behind(octets(2, 2)),
  [FieldKind.U32]: behind(octets(4, 4)),
  [FieldKind.U64]: behind(octets(8, 8)),
  [FieldKind.PERIOD]: behind(octets(4, 4)),
  [FieldKind.TIME]: behind(octets(4, 4)),
  [FieldKind.TYPE]: behind(type.map((value) => [value >> 8, value & 0xff])),
  [FieldKind.ALGORITHM]: behind(octets(1, 1)),
  [FieldKind.DIGEST_TYPE]: behind(octets(1, 1)),
  [FieldKind.CERTIFICATE_TYPE]: behind(octets(2, 2)),
  [FieldKind.SCHEME]: behind(octets(1, 1)),
  [FieldKind.IPV4]: behind(octets(4, 4)),
  [FieldKind.IPV6]: behind(
    fc.oneof(octets(16, 16), fc.array(fc.constantFrom(0, 0, 1), { minLength: 16, maxLength: 16 })),
  ),
  [FieldKind.EUI48]: behind(octets(6, 6)),
  [FieldKind.EUI64]: behind(octets(8, 8)),
  [FieldKind.LOCATOR64]: behind(octets(8, 8)),
  [FieldKind.COMPRESSED_NAME]: behind(name),
  [FieldKind.DECOMPRESSED_NAME]: behind(name),
  [FieldKind.LOWERED_NAME]: behind(name),
  [FieldKind.NAME]: behind(name),
  [FieldKind.STRING]: behind(string),
  [FieldKind.OPTIONAL_STRING]: behind(fc.oneof(fc.constant<Octets>([]), string)),
  [FieldKind.STRINGS]: behind(fc.array(string, { minLength: 1, maxLength: 4 }).map((list) => list.flat())),
  [FieldKind.TAG]: behind(fc.stringMatching(/^[a-zA-Z0-9]{1,9}$/).map((tag) => [tag.length, ...Buffer.from(tag)])),
  [FieldKind.TEXT]: behind(text),
  [FieldKind.HEX]: behind(octets(1, 80)),
  [FieldKind.BASE64]: behind(octets(1, 80)),
  [FieldKind.OPTIONAL_BASE64]: behind(octets(0, 80)),
  [FieldKind.DASHED_BASE64]: behind(octets(0, 80)),
  [FieldKind.SALT]: behind(counted(0, 20)),
  [FieldKind.BASE32HEX]: behind(counted(1, 30)),
  [FieldKind.DS_DIGEST]: digest(3, { 1: 20, 2: 32, 3: 32, 4: 48, 5: 32, 6: 32 }, 1),
  [FieldKind.ZONEMD_DIGEST]: digest(5, { 1: 48, 2: 64 }, 12),
  [FieldKind.TYPE_BITMAP]: behind(types.map(windows)),
  [FieldKind.NXT_BITMAP]: behind(types.map((list) => bitmap(list.filter((value) => value < 128)))),
  [FieldKind.SVC_PARAMS]: behind(parameters),
  [FieldKind.LOCATION]: behind(
    fc
      .tuple(precision, precision, precision, angle(90), angle(180), octets(4, 4))
      .map(([size, horizontal, vertical, latitude, longitude, altitude]) => [
        0,
        ...[size, horizontal, vertical].map(([mantissa, exponent]) => (mantissa << 4) | exponent),
        ...latitude,
        ...longitude,
        ...altitude,
      ]),
  ),
  [FieldKind.ADDRESS_PREFIXES]: behind(
    fc
      .array(prefix, { maxLength: 4 })
      .map((list) =>
        list.flatMap(([family, length, negated, address]) => [
          ...family,
          length,
          (negated ? 0x80 : 0) | address.length,
          ...address,
        ]),
      ),
  ),
  [FieldKind.IPSEC_GATEWAY]: (before) => {
    const type = before[1]! & 3;
    return behind(gateways[type]!)([before[0]!, type, ...before.slice(2)]);
  },
  [FieldKind.AMT_RELAY]: (before) =>
    fc
      .tuple(fc.boolean(), fc.integer({ min: 0, max: 3 }))
      .chain(([discovery, type]) =>
        gateways[type]!.map((gateway) => [...before, (discovery ? 0x80 : 0) | type, ...gateway]),
      ),
  [FieldKind.SERVICES]: behind(fc.tuple(octets(5, 5), octets(0, 40)).map(([header, ports]) => [...header, ...ports])),
  [FieldKind.HOST_IDENTITY]: behind(
    fc
      .tuple(octet, octets(1, 20), octets(1, 300), fc.array(name, { maxLength: 3 }))
      .map(([algorithm, tag, key, servers]) => [
        tag.length,
        algorithm,
        key.length >> 8,
        key.length & 0xff,
        ...tag,
        ...key,
        ...servers.flat(),
      ]),
  ),
  [FieldKind.NSAP]: behind(octets(1, 30)),
  [FieldKind.ATM_ADDRESS]: behind(
    fc.oneof(
      octets(1, 20).map((address) => [0, ...address]),
      fc.stringMatching(/^[0-9]{1,15}$/).map((digits) => [1, ...Buffer.from(digits)]),
      octets(1, 20).map((address) => [2, ...address]),
    ),
  ),
  [FieldKind.ADDRESS_SUFFIX]: behind(
    fc.integer({ min: 0, max: 128 }).chain((length) =>
      octets(16 - (length >> 3), 16 - (length >> 3)).map((suffix) => {
        if (length % 8 !== 0) suffix[0]! &= 0xff >> (length % 8);
        return [length, ...suffix];
      }),
    ),
  ),
  [FieldKind.PREFIX_NAME]: (before) => (before[0] === 0 ? fc.constant(before) : behind(name)(before)),
};

const counted16 = (value: string): Octets => [value.length, ...Buffer.from(value)];
const EXPRESSIONS = [
  '',
  '!^.*$!sip:info@example.com!',
  '/a(b)\\/c/\\1/i',
  '|^(\\+44)[0-9]{2,}([[:digit:]]+)$|tel:\\2\\1|i',
];

/** Types of whose RDATA little has the right content by chance (src/protocol/rdata/content.ts). */
const CONTENT: Readonly<Record<string, fc.Arbitrary<Octets>>> = {
  X25: fc.stringMatching(/^[0-9]{4,15}$/).map(counted16),
  NAPTR: fc
    .tuple(octets(4, 4), string, string, fc.constantFrom(...EXPRESSIONS), name)
    .map(([head, flags, services, expression, to]) => [
      ...head,
      ...flags,
      ...services,
      ...counted16(expression),
      ...to,
    ]),
  RKEY: octets(3, 80).map((rest) => [0, 0, ...rest]),
  SSHFP: fc.tuple(octet, fc.integer({ min: 0, max: 4 })).chain(([algorithm, type]) => {
    const length = { 1: 20, 2: 32 }[type];
    return octets(length ?? 1, length ?? 60).map((fingerprint) => [algorithm, type, ...fingerprint]);
  }),
  NSEC3: fc
    .tuple(octets(3, 3), counted(0, 20), fc.oneof(counted(20, 20), counted(1, 30)), types.map(windows))
    .map(([head, salt, hash, bitmap]) => [hash[0] === 20 ? 1 : 2, ...head, ...salt, ...hash, ...bitmap]),
};

/** RDATA of a type whose row has fields, well formed and with right content; any octets for the others. */
export function arbitraryRdata(row: TypeRow): fc.Arbitrary<Uint8Array> {
  let all: fc.Arbitrary<Octets> = fc.constant([]);
  for (const field of row.fields ?? []) all = all.chain(GENERATORS[field.kind]);
  return (row.fields === undefined ? octets(0, 40) : (CONTENT[row.mnemonic] ?? all))
    .map((value) => Uint8Array.from(value))
    .filter((rdata) => row.judge?.(rdata, 0, rdata.length) === undefined);
}
