/** A zone of the reference engine: plain Maps, read from text of one record a line with absolute names and all fields. */
import { rdataFromText, tokensOf, typeNumber } from '../support/rdata.js';
import { keyOf, lower, type Name, nameOf } from './names.js';

export const SOA = 6;
export const NS = 2;
export const CNAME = 5;
export const DNAME = 39;
export const DS = 43;
export const RRSIG = 46;
export const NSEC = 47;
export const NSEC3 = 50;
export const NSEC3PARAM = 51;

export interface Rr {
  readonly owner: Name;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed wire format. */
  readonly rdata: Uint8Array;
}

interface Nsec3Parameters {
  readonly iterations: number;
  readonly salt: Uint8Array;
}

export interface Zone {
  readonly apex: Name;
  /** By key of the owner; NSEC3 records and their signatures are not here: their owners are no names of the zone. */
  readonly records: ReadonlyMap<string, readonly Rr[]>;
  /** Keys of all owners and of the names between them and the apex, empty non-terminals. */
  readonly existing: ReadonlySet<string>;
  /** Of the chain that NSEC3PARAM names: by first label of the owner in lower case. */
  readonly nsec3: ReadonlyMap<string, readonly Rr[]>;
  readonly nsec3Parameters: Nsec3Parameters | undefined;
}

export const typeCovered = (rr: Rr): number => (rr.rdata[0] ?? 0) * 256 + (rr.rdata[1] ?? 0);

/** Reads lines `owner ttl IN type rdata…`. */
export function readRecords(text: string): Rr[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith(';'));
  return lines.map((line) => {
    const [owner = '', ttl, , mnemonic = '', ...rdata] = tokensOf(line);
    const type = typeNumber(mnemonic);
    return { owner: nameOf(owner), type, ttl: Number(ttl), rdata: rdataFromText(type, rdata) };
  });
}

/** Makes a zone of its records. */
export function makeZone(all: readonly Rr[]): Zone {
  const soa = all.find((rr) => rr.type === SOA);
  if (!soa) throw new Error('a zone without SOA');
  const apex = soa.owner;
  const records = new Map<string, Rr[]>();
  const nsec3 = new Map<string, Rr[]>();
  const existing = new Set<string>();
  for (const rr of all) {
    const hashed = rr.type === NSEC3 || (rr.type === RRSIG && typeCovered(rr) === NSEC3);
    const [map, key] = hashed ? [nsec3, lower(rr.owner[0] ?? '')] : [records, keyOf(rr.owner)];
    map.set(key, [...(map.get(key) ?? []), rr]);
    if (hashed) continue;
    for (let i = 0; i <= rr.owner.length - apex.length; i++) existing.add(keyOf(rr.owner.slice(i)));
  }
  const param = all.find((rr) => rr.type === NSEC3PARAM && rr.rdata[1] === 0)?.rdata;
  const nsec3Parameters = param && { iterations: (param[2] ?? 0) * 256 + (param[3] ?? 0), salt: param.subarray(5) };
  return { apex, records, existing, nsec3, nsec3Parameters };
}

/** Records of a type at a name. */
export function rrset(zone: Zone, name: Name, type: number): Rr[] {
  return (zone.records.get(keyOf(name)) ?? []).filter((rr) => rr.type === type);
}

/** Signatures over the records of a type at a name. */
export function signatures(zone: Zone, name: Name, type: number): Rr[] {
  return rrset(zone, name, RRSIG).filter((rr) => typeCovered(rr) === type);
}

/** Types at a name, ascending. */
export function typesAt(zone: Zone, name: Name): number[] {
  const types = (zone.records.get(keyOf(name)) ?? []).map((rr) => rr.type);
  return [...new Set(types)].sort((a, b) => a - b);
}

/** Whether the name is a zone cut: it has NS records and is not the apex. */
export function isCut(zone: Zone, name: Name): boolean {
  return name.length > zone.apex.length && rrset(zone, name, NS).length > 0;
}
