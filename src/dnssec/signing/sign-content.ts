/**
 * Signs a whole zone (RFC 4035 §2): its keys, a chain of NSEC or NSEC3 records, and a signature for each RRset that the zone is
 * the authority for. The records go into the store of the content, from which the image is compiled. Signatures of an older
 * version are kept where they are still good. NOT here: ZONEMD, which is made after the signatures (sign-digests.ts).
 */
import { encodeBase32hex } from '../../protocol/base32hex.js';
import { Type } from '../../protocol/iana.js';
import { LOWER, MAX_NAME } from '../../protocol/name.js';
import { NSEC3_HASH_OCTETS } from '../../protocol/nsec3.js';
import { readU32 } from '../../protocol/octets.js';
import { withoutRecords } from '../../zone/changes/without-records.js';
import { checkNames, Place } from '../../zone/check-names.js';
import { findNeeds, Need } from '../../zone/check-nsec3-chain.js';
import { Diagnostics } from '../../zone/diagnostics.js';
import { canonicalOrder, canonicalRecords } from '../../zone/order.js';
import { Report } from '../../zone/record-report.js';
import { canonicalOf, findRrset, groupRrsets, isEmpty, type Rrsets, Rrsig } from '../../zone/rrsets.js';
import type { RecordStore } from '../../zone/store.js';
import { rrsetLength, writeCanonicalOwner, writeRrset } from '../canonical-rrset.js';
import { isAuthoritative, isOwnNode, labelsOf } from '../signed-zone.js';
import { denialTtl, hashOf, NSEC3PARAM, NSEC3PARAM_TTL, nsec3Rdata, nsecRdata } from './chain-records.js';
import { earlyEnd, keptSignature, SignatureMaker, type SigningContext, signersOf } from './signature-maker.js';
import type { SignedView } from './signed-view.js';
import { isSignersType, sameRdata } from './signers-types.js';

/** A zone's records with those that signing adds. */
interface SignedContent {
  readonly store: RecordStore;
  /** Signatures that were made. */
  readonly made: number;
  /** Signatures of the older version that were kept. */
  readonly kept: number;
}

/** A zone that is being signed, in the form that isOwnNode() and isAuthoritative() read. */
interface Signable {
  readonly rrsets: Rrsets;
  readonly checked: { readonly places: Uint8Array };
  readonly apex: number;
}

/** Characters of a hash in base32hex. */
const HASH_CHARACTERS = 32;

/**
 * Signs the records of `content`, which make a sound zone. Records that signing makes are left out of it first, DNSKEY, CDS and
 * CDNSKEY of the apex among them: `keys` has those that are published. The store may be that of `content`. Throws
 * ADOTD_DNSSEC_KEY when a signature does not verify.
 */
export function signContent(content: RecordStore, context: SigningContext, older?: SignedView): SignedContent {
  const soa = content.type.subarray(0, content.recordCount).indexOf(Type.SOA);
  if (soa < 0) return { store: content, made: 0, kept: 0 };
  const isOwn = (row: number): boolean => isSignersType(content.type[row]!, content.node[row] === content.node[soa]);
  const store = withoutRecords(content, isOwn);
  const apex = store.lookup(content.nameOf(content.node[soa]!));
  addKeys(store, apex, context);
  if (context.keys.zoneSigners.length === 0) return { store, made: 0, kept: 0 };
  const { nsec3 } = context.policy;
  if (nsec3 !== undefined) add(store, apex, Type.NSEC3PARAM, NSEC3PARAM_TTL, NSEC3PARAM);
  const unchained = signable(store, apex);
  if (nsec3 === undefined) addNsec(unchained);
  else addNsec3(unchained, nsec3.optOut);
  return { store, ...addSignatures(signable(store, apex), context, older) };
}

function signable(store: RecordStore, apex: number): Signable {
  const rrsets = groupRrsets(store);
  const places = checkNames(rrsets, apex, new Report(store, new Diagnostics(0)));
  return { rrsets, checked: { places }, apex };
}

function add(store: RecordStore, node: number, type: number, ttl: number, rdata: Uint8Array): void {
  store.reserveRdata();
  store.rdata.set(rdata, store.rdataUsed);
  store.add(node, type, ttl, rdata.length, 0, 0, 0);
}

function addKeys(store: RecordStore, apex: number, { keys, policy }: SigningContext): void {
  for (const rdata of keys.dnskey) add(store, apex, Type.DNSKEY, policy.keyTtl, rdata);
  for (const rdata of keys.cds) add(store, apex, Type.CDS, policy.keyTtl, rdata);
  for (const rdata of keys.cdnskey) add(store, apex, Type.CDNSKEY, policy.keyTtl, rdata);
}

/** Seconds: the TTL of the chain. */
function chainTtl({ rrsets, apex }: Signable): number {
  const set = findRrset(rrsets, apex, Type.SOA);
  return denialTtl(rrsets.ttl[set]!, canonicalOf(rrsets.store, rrsets.records[rrsets.start[set]!]!));
}

function nameOf({ rrsets: { store } }: Signable, node: number): Uint8Array {
  return store.nameOf(node).map((octet) => LOWER[octet]!);
}

/** The types that a name's bitmap names, without those that are made with it: of a delegation, NS and DS. */
function typesAt(zone: Signable, node: number): number[] {
  const { nodeRrsets, type } = zone.rrsets;
  const types: number[] = [];
  for (let set = nodeRrsets[node]!; set < nodeRrsets[node + 1]!; set++)
    if (type[set] === Type.NS || isAuthoritative(zone, node, type[set]!)) types.push(type[set]!);
  return types;
}

/** A record for each name with data of its own or a delegation (RFC 4035 §2.3). */
function addNsec(zone: Signable): void {
  const { rrsets } = zone;
  const ttl = chainTtl(zone);
  const nodes = canonicalOrder(rrsets).filter((node) => isOwnNode(zone, node));
  const names = Array.from(nodes, (node) => nameOf(zone, node));
  nodes.forEach((node, i) => {
    const rdata = nsecRdata(names[(i + 1) % names.length]!, [...typesAt(zone, node), Type.RRSIG, Type.NSEC]);
    add(rrsets.store, node, Type.NSEC, ttl, rdata);
  });
}

/**
 * A record for each name, empty non-terminals among them. With opt-out, unsigned delegations have none, nor have empty
 * non-terminals with nothing else below them (RFC 5155 §7.1).
 */
function addNsec3(zone: Signable, isOptOut: boolean): void {
  const { rrsets, checked, apex } = zone;
  const { store } = rrsets;
  const ttl = chainTtl(zone);
  const needs = findNeeds(rrsets, apex, checked.places);
  const least = isOptOut ? Need.ALWAYS : Need.UNLESS_OPT_OUT;
  const entries: { readonly hash: Uint8Array; readonly types: number[] }[] = [];
  const owner = new Uint8Array(MAX_NAME);
  for (let node = apex; node < needs.length; node++) {
    if (needs[node]! < least) continue;
    const types = typesAt(zone, node);
    // RRSIG is listed if the name has a signed RRset: an unsigned delegation has none.
    if (types.length > 0 && ((checked.places[node]! & Place.CUT) === 0 || types.includes(Type.DS)))
      types.push(Type.RRSIG);
    entries.push({ hash: hashOf(owner, writeCanonicalOwner(store, node, owner)), types });
  }
  entries.sort((a, b) => Buffer.compare(a.hash, b.hash));
  const label = new Uint8Array(1 + HASH_CHARACTERS);
  label[0] = HASH_CHARACTERS;
  entries.forEach(({ hash, types }, i) => {
    encodeBase32hex(hash, 0, NSEC3_HASH_OCTETS, label, 1);
    const { hash: next } = entries[(i + 1) % entries.length]!;
    add(store, store.child(apex, label, 0), Type.NSEC3, ttl, nsec3Rdata(next, types, isOptOut));
  });
}

/** Adds a signature by each key that signs an RRset, of `older` where that is still good. */
function addSignatures(zone: Signable, context: SigningContext, older?: SignedView): { made: number; kept: number } {
  const { rrsets, apex } = zone;
  const { store, nodeRrsets, type, ttl } = rrsets;
  let kept = 0;
  const take = (node: number, rdata: Uint8Array): void => {
    // The TTL of a signature is that of its RRset, which is its original TTL (RFC 4034 §3).
    add(store, node, Type.RRSIG, readU32(rdata, Rrsig.ORIGINAL_TTL), rdata);
  };
  const maker = new SignatureMaker(store.nameOf(apex), context, rrsets.count * context.keys.zoneSigners.length, take);
  const owner = new Uint8Array(MAX_NAME);
  for (let node = apex; node < zone.checked.places.length; node++) {
    if (isEmpty(rrsets, node) || !isOwnNode(zone, node)) continue;
    const ownerLength = writeCanonicalOwner(store, node, owner);
    const labels = labelsOf(rrsets, node);
    for (let set = nodeRrsets[node]!; set < nodeRrsets[node + 1]!; set++) {
      if (!isAuthoritative(zone, node, type[set]!)) continue;
      const before = older?.signatures(owner.slice(0, ownerLength), type[set]!) ?? [];
      const until = earlyEnd(before, context);
      const isSame =
        older !== undefined && before.length > 0 && isSameRrset(rrsets, set, owner.slice(0, ownerLength), older);
      const signatures = isSame ? before : [];
      for (const key of signersOf(context.keys, type[set]!, node === apex)) {
        const same = keptSignature(signatures, key, ttl[set]!, context);
        if (same !== undefined) {
          kept++;
          take(node, same);
          continue;
        }
        const octets = rrsetLength(rrsets, set, ownerLength);
        maker.add(key, {
          ticket: node,
          owner,
          ownerLength,
          labels,
          type: type[set]!,
          ttl: ttl[set]!,
          until,
          octets,
          write: (out, at) => writeRrset(rrsets, set, owner, ownerLength, ttl[set]!, out, at),
        });
      }
    }
  }
  maker.finish();
  return { made: maker.made, kept };
}

/** Whether `older` has the same RRset. */
function isSameRrset(rrsets: Rrsets, set: number, owner: Uint8Array, older: SignedView): boolean {
  const type = rrsets.type[set]!;
  const before = older.rrset(owner, type)?.rdata ?? [];
  const now = canonicalRecords(rrsets, set).map((row) => canonicalOf(rrsets.store, row));
  return sameRdata(type, before, now);
}
