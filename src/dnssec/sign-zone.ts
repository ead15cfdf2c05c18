/**
 * Signs a zone with one key, ECDSAP256SHA256 (RFC 6605): NSEC records, and a signature for each RRset that the zone is the authority
 * for (RFC 4035 §2). NOT here: NSEC3, further keys, rollovers, signatures that are kept from the version before.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Type } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { readU32, writeU16, writeU32 } from '../protocol/octets.js';
import { MAX_TYPE_BITMAP, writeTypeBitmap } from '../protocol/rdata/bitmap.js';
import { canonicalOrder } from '../zone/order.js';
import { findRrset, isEmpty, Rrsig } from '../zone/rrsets.js';
import { rrsetLength, writeCanonicalOwner, writeRrset } from './canonical-rrset.js';
import { keyTag } from './keys.js';
import { isAuthoritative, isOwnNode, labelsOf, type SignedZone } from './signed-zone.js';

/** A key of a zone (KSK and ZSK in one). */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** RDATA of its DNSKEY record. */
  readonly dnskey: Uint8Array;
}

/** When signatures are valid, seconds since 1970. */
interface Validity {
  readonly inception: number;
  readonly expiration: number;
}

/** A record to add to the zone. */
interface AddedRecord {
  /** In presentation format. */
  readonly owner: string;
  /** Seconds. */
  readonly ttl: number;
  readonly type: number;
  readonly rdata: Uint8Array;
}

const ALGORITHM = 13;
/** Digest type SHA-256 of DS records (RFC 4509). */
const SHA256 = 2;
/** Flags ZONE and SEP, protocol 3 (RFC 4034 §2.1). */
const DNSKEY_FIXED = [1, 1, 3, ALGORITHM];
const MAX_NAME = 255;

export function createSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const dnskey = Buffer.concat([Buffer.from(DNSKEY_FIXED), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { privateKey, dnskey: new Uint8Array(dnskey) };
}

/** RDATA of the DS record of a zone (RFC 4034 §5.1). `zone`: its name in wire format, in lower case. */
export function dsRdata({ dnskey }: SigningKey, zone: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(zone).update(dnskey).digest();
  const rdata = new Uint8Array(4 + digest.length);
  writeU16(rdata, 0, keyTag(dnskey));
  rdata.set([ALGORITHM, SHA256], 2);
  rdata.set(digest, 4);
  return rdata;
}

/** The NSEC records of a zone that has none: one for each name with data of its own or a delegation (RFC 4034 §4). */
export function nsecRecords(zone: Pick<SignedZone, 'rrsets' | 'checked'>): AddedRecord[] {
  const { rrsets, checked } = zone;
  const { store } = rrsets;
  const nodes = [...canonicalOrder(rrsets)].filter((node) => isOwnNode(zone, node));
  const ttl = negativeTtl(zone);
  const types = new Uint16Array(65_536);
  const bitmap = new Uint8Array(MAX_TYPE_BITMAP);
  return nodes.map((node, index) => {
    let count = 0;
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const type = rrsets.type[set]!;
      if (type === Type.NS || isAuthoritative(zone, node, type)) types[count++] = type;
    }
    types[count++] = Type.RRSIG;
    types[count++] = Type.NSEC;
    const next = store.nameOf(nodes[index + 1] ?? checked.apex);
    const length = writeTypeBitmap(types, count, bitmap);
    const rdata = new Uint8Array(next.length + length);
    rdata.set(next);
    rdata.set(bitmap.subarray(0, length), next.length);
    return { owner: nameToText(store.nameOf(node)), ttl, type: Type.NSEC, rdata };
  });
}

/** A signature for each RRset of the zone that needs one; the zone has its NSEC records. */
export function signatureRecords(
  zone: Pick<SignedZone, 'rrsets' | 'checked' | 'apexName'>,
  key: SigningKey,
  validity: Validity,
): AddedRecord[] {
  const { rrsets } = zone;
  const { store } = rrsets;
  const signatures: AddedRecord[] = [];
  for (let node = 0; node < store.nodeCount; node++) {
    if (isEmpty(rrsets, node) || !isOwnNode(zone, node)) continue;
    const owner = nameToText(store.nameOf(node));
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      if (!isAuthoritative(zone, node, rrsets.type[set]!)) continue;
      const rdata = signature(zone, node, set, key, validity);
      signatures.push({ owner, ttl: rrsets.ttl[set]!, type: Type.RRSIG, rdata });
    }
  }
  return signatures;
}

/** RDATA of the RRSIG of an RRset (RFC 4034 §3.1). */
function signature(
  { rrsets, apexName }: Pick<SignedZone, 'rrsets' | 'apexName'>,
  node: number,
  set: number,
  { privateKey, dnskey }: SigningKey,
  { inception, expiration }: Validity,
): Uint8Array {
  const { store } = rrsets;
  const owner = new Uint8Array(MAX_NAME);
  const ownerLength = writeCanonicalOwner(store, node, owner);
  const fixed = Rrsig.SIGNER + apexName.length;
  const signed = new Uint8Array(fixed + rrsetLength(rrsets, set, ownerLength));
  writeU16(signed, 0, rrsets.type[set]!);
  signed[Rrsig.ALGORITHM] = ALGORITHM;
  signed[Rrsig.LABELS] = labelsOf(rrsets, node);
  writeU32(signed, Rrsig.ORIGINAL_TTL, rrsets.ttl[set]!);
  writeU32(signed, Rrsig.EXPIRATION, expiration);
  writeU32(signed, Rrsig.INCEPTION, inception);
  writeU16(signed, Rrsig.KEY_TAG, keyTag(dnskey));
  signed.set(apexName, Rrsig.SIGNER);
  writeRrset(rrsets, set, owner, ownerLength, rrsets.ttl[set]!, signed, fixed);
  const octets = sign('sha256', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const rdata = new Uint8Array(fixed + octets.length);
  rdata.set(signed.subarray(0, fixed));
  rdata.set(octets, fixed);
  return rdata;
}

/** Seconds: the TTL of NSEC records is that of negative answers (RFC 9077 §3.1). */
function negativeTtl({ rrsets, checked }: Pick<SignedZone, 'rrsets' | 'checked'>): number {
  const { store } = rrsets;
  const set = findRrset(rrsets, checked.apex, Type.SOA);
  const row = rrsets.records[rrsets.start[set]!]!;
  // The last field of SOA RDATA.
  return Math.min(rrsets.ttl[set]!, readU32(store.rdata, store.rdataAt[row]! + store.rdataLength[row]! - 4));
}
