/**
 * Verifies and makes the digest of a zone (ZONEMD, RFC 8976): scheme SIMPLE with SHA-384 or SHA-512. One record that matches suffices.
 * Not here: the signature of the ZONEMD RRset, and its absence in NSEC and NSEC3; they are verified with the others.
 */
import { createHash, type Hash } from 'node:crypto';
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { MAX_NAME } from '../protocol/name.js';
import { readU32, writeU32 } from '../protocol/octets.js';
import { MAX_RDATA } from '../protocol/rdata/field.js';
import { Place } from '../zone/check-names.js';
import { canonicalOrder, canonicalRecords } from '../zone/order.js';
import { findRrset, typeCovered } from '../zone/rrsets.js';
import { writeCanonicalOwner, writeRecord } from './canonical-rrset.js';
import type { SignedZone } from './signed-zone.js';

/** The scheme SIMPLE (RFC 8976 §5.2). */
const SIMPLE = 1;
/** Digests by the number of their algorithm (RFC 8976 §5.3). */
const DIGESTS = new Map([
  [1, 'sha384'],
  [2, 'sha512'],
]);
/** Places in ZONEMD RDATA (RFC 8976 §2.2). */
const SCHEME = 4;
const ALGORITHM = 5;
const DIGEST = 6;
/** Serial of SOA RDATA, counted from its end (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;
/** Octets that are gathered before they are hashed. */
const CHUNK = 65_536;

/** A ZONEMD record at the apex. */
interface ZoneDigest {
  /** Its row in the store. */
  readonly row: number;
  readonly serial: number;
  readonly scheme: number;
  readonly algorithm: number;
  readonly digest: Uint8Array;
}

/** Reports a digest that does not match the zone, and warns of records that cannot be used. */
export function verifyDigests(zone: SignedZone): void {
  const { report } = zone;
  const records = digestsOf(zone);
  if (records.length === 0) return;
  const serial = serialOf(zone);
  const failures: (readonly [number, () => string])[] = [];
  const computed = new Map<number, Uint8Array>();
  let isVerified = false;
  for (const { row, serial: own, scheme, algorithm, digest } of records) {
    const name = DIGESTS.get(algorithm);
    const twins = records.filter((other) => other.scheme === scheme && other.algorithm === algorithm);
    if (twins.length > 1) {
      failures.push([
        row,
        () =>
          `found ${counted(twins.length, 'ZONEMD record')} of scheme ${scheme} and hash algorithm ${algorithm}, expected one (RFC 8976 §2.2)`,
      ]);
    } else if (own !== serial) {
      failures.push([
        row,
        () =>
          `found serial ${own} in the ZONEMD record, expected that of the zone, ${serial} (RFC 8976 §4): make the digest again`,
      ]);
    } else if (scheme !== SIMPLE || name === undefined) {
      report.warning(
        row,
        () =>
          `found a ZONEMD record of scheme ${scheme} and hash algorithm ${algorithm}, which cannot be verified here`,
      );
    } else {
      const expected = computed.get(algorithm) ?? zoneDigest(zone, name);
      computed.set(algorithm, expected);
      if (Buffer.compare(expected, digest) === 0) isVerified = true;
      else
        failures.push([
          row,
          () =>
            `found a ZONEMD record (${name.toUpperCase()}) that does not match the zone: its records were changed; make the digest again`,
        ]);
    }
  }
  for (const [row, message] of failures) {
    if (isVerified) report.warning(row, message);
    else report.error(row, message);
  }
}

/** A zone without errors. */
type DigestedZone = Pick<SignedZone, 'rrsets' | 'checked'>;

/** RDATA of a ZONEMD record for writeDigests(), undefined for hash algorithms that are not known here. */
export function emptyDigest(algorithm: number, serial: number): Uint8Array | undefined {
  const name = DIGESTS.get(algorithm);
  if (name === undefined) return undefined;
  const rdata = new Uint8Array(DIGEST + createHash(name).digest().length);
  writeU32(rdata, 0, serial);
  rdata[SCHEME] = SIMPLE;
  rdata[ALGORITHM] = algorithm;
  return rdata;
}

/** Scheme and hash algorithm of ZONEMD RDATA. */
export function digestKind(rdata: Uint8Array): { readonly isSimple: boolean; readonly algorithm: number } {
  return { isSimple: rdata[SCHEME] === SIMPLE, algorithm: rdata[ALGORITHM]! };
}

/** Writes the digests of the zone into the ZONEMD records of its apex, which emptyDigest() made. */
export function writeDigests(zone: DigestedZone): void {
  for (const { algorithm, digest } of digestsOf(zone)) {
    const name = DIGESTS.get(algorithm);
    if (name !== undefined) digest.set(zoneDigest(zone, name));
  }
}

/** The RDATA of the ZONEMD records of a zone's apex, as views. */
export function digestRecords({ rrsets, checked }: DigestedZone): Uint8Array[] {
  const { store, start, records } = rrsets;
  const set = findRrset(rrsets, checked.apex, Type.ZONEMD);
  if (set < 0) return [];
  return Array.from(records.subarray(start[set]!, start[set + 1]!), (row) => {
    const at = store.rdataAt[row]!;
    return store.rdata.subarray(at, at + store.rdataLength[row]!);
  });
}

function digestsOf({ rrsets, checked }: DigestedZone): ZoneDigest[] {
  const { store, start, records } = rrsets;
  const set = findRrset(rrsets, checked.apex, Type.ZONEMD);
  if (set < 0) return [];
  return Array.from(records.subarray(start[set]!, start[set + 1]!), (row) => {
    const at = store.rdataAt[row]!;
    const rdata = store.rdata.subarray(at, at + store.rdataLength[row]!);
    return {
      row,
      serial: readU32(rdata, 0),
      scheme: rdata[SCHEME]!,
      algorithm: rdata[ALGORITHM]!,
      digest: rdata.subarray(DIGEST),
    };
  });
}

function serialOf({ rrsets, checked }: SignedZone): number {
  const { store } = rrsets;
  const row = rrsets.records[rrsets.start[findRrset(rrsets, checked.apex, Type.SOA)]!]!;
  return readU32(store.rdata, store.rdataAt[row]! + store.rdataLength[row]! - SOA_SERIAL);
}

/**
 * The digest of all records of the zone in canonical form and order, occluded ones and glue included, without the ZONEMD
 * records of the apex and their signatures (RFC 8976 §3.3).
 */
function zoneDigest(zone: DigestedZone, algorithm: string): Uint8Array {
  const { rrsets, checked } = zone;
  const { store, nodeRrsets, type, ttl } = rrsets;
  const gathered = new Gathered(createHash(algorithm));
  const owner = new Uint8Array(MAX_NAME);
  for (const node of canonicalOrder(rrsets)) {
    if ((checked.places[node]! & Place.IN_ZONE) === 0) continue;
    const ownerLength = writeCanonicalOwner(store, node, owner);
    for (let set = nodeRrsets[node]!; set < nodeRrsets[node + 1]!; set++) {
      if (node === checked.apex && type[set] === Type.ZONEMD) continue;
      for (const row of canonicalRecords(rrsets, set)) {
        const isSignature = type[set] === Type.RRSIG;
        if (isSignature && node === checked.apex && typeCovered(store, row) === Type.ZONEMD) continue;
        const seconds = isSignature ? store.ttl[row]! : ttl[set]!;
        gathered.used = writeRecord(store, row, owner, ownerLength, seconds, gathered.octets, gathered.used);
        if (gathered.used >= CHUNK) gathered.flush();
      }
    }
  }
  gathered.flush();
  return gathered.hash.digest();
}

/** Octets on their way into a hash. */
class Gathered {
  readonly octets = new Uint8Array(CHUNK + MAX_NAME + MAX_RDATA + 16);
  readonly hash: Hash;
  used = 0;

  constructor(hash: Hash) {
    this.hash = hash;
  }

  flush(): void {
    this.hash.update(this.octets.subarray(0, this.used));
    this.used = 0;
  }
}
