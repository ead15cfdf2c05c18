/** Cases of UPDATE as data, and their messages. A case names records of the zone `example.` by lines of text. */
import { nameFromText } from '../../support/names.js';
import { rdataFromText, tokensOf, typeNumber } from '../../support/rdata.js';

/** Lines are `owner TTL class type [RDATA]`; owners are relative to `example.`, names in RDATA absolute. */
export interface UpdateCase {
  readonly title: string;
  /** Of RFC 2136, unless it says otherwise. */
  readonly clause: string;
  /** Records of the zone besides those of ZONE. */
  readonly zone?: readonly string[];
  readonly prerequisites?: readonly string[];
  readonly changes?: readonly string[];
  /** Default NOERROR. */
  readonly rcode?: string;
  /** Records that are gone afterwards, and records that are new; `owner TTL type RDATA`. */
  readonly removed?: readonly string[];
  readonly added?: readonly string[];
}

/** The zone of all cases. */
export const ZONE: readonly string[] = [
  '@ 3600 SOA ns1.example. hostmaster.example. 10 7200 900 1209600 300',
  '@ 3600 NS ns1.example.',
  '@ 300 MX 10 www.example.',
  'ns1 3600 A 192.0.2.1',
  'www 300 A 192.0.2.10',
  'www 300 A 192.0.2.11',
  'www 300 TXT "one"',
  'alias 300 CNAME www.example.',
  '*.wild 300 A 192.0.2.20',
  'deep.ent 300 A 192.0.2.30',
  'child 3600 NS ns.child.example.',
  'ns.child 3600 A 192.0.2.40',
  'redirect 300 DNAME www.example.',
];

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };

export interface WireUpdate {
  readonly zone?: string;
  readonly zoneClass?: number;
  readonly zoneType?: number;
  readonly prerequisites?: readonly string[];
  readonly changes?: readonly string[];
  readonly id?: number;
}

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];

/** A line for the zone `zone` in place of `example.`. */
export function inZone(line: string, zone: string): string {
  return line.replace(/(?<![a-z])example\.(?!net)/gi, zone);
}

/** The octets of an UPDATE message; all lines are about `example.`, whatever the zone. */
export function updateMessage(update: WireUpdate): Uint8Array {
  const { zone = 'example.', zoneClass = 1, zoneType = 6, prerequisites = [], changes = [], id = 0x4242 } = update;
  return Uint8Array.from([
    ...u16(id),
    ...u16(5 << 11),
    ...[1, prerequisites.length, changes.length, 0].flatMap(u16),
    ...nameFromText(zone),
    ...u16(zoneType),
    ...u16(zoneClass),
    ...[...prerequisites, ...changes].flatMap((line) => [...recordOf(line, zone)]),
  ]);
}

function recordOf(line: string, zone: string): Uint8Array {
  const [owner = '', ttl = '', classText = '', typeText = '', ...data] = tokensOf(inZone(line, zone));
  const type = typeNumber(typeText);
  const rdata = data.length === 0 ? [] : rdataFromText(type, data);
  const name = owner === '@' ? zone : owner.endsWith('.') ? owner : `${owner}.${zone}`;
  const classNumber = CLASSES[classText] ?? Number(/^CLASS([0-9]+)$/.exec(classText)?.[1]);
  return Uint8Array.from([
    ...nameFromText(name),
    ...u16(type),
    ...u16(classNumber),
    ...u32(Number(ttl)),
    ...u16(rdata.length),
    ...rdata,
  ]);
}
