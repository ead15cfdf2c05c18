/**
 * Verifies that every RRset of a signed zone has a valid signature (RFC 4035 §2.2, §5.3). One suffices: others beside it are
 * left from a rollover, or for clients that know other algorithms. Hot file: columns of integers and octets.
 */
import { Type } from '../protocol/iana.js';
import { MAX_NAME, sameName } from '../protocol/name.js';
import { readU16, readU32 } from '../protocol/octets.js';
import { secondsLeft, secondsToWait } from '../zone/check-signatures.js';
import { Rrsig, typeCovered } from '../zone/rrsets.js';
import { isKnownAlgorithm } from './algorithms.js';
import { rrsetLength, writeCanonicalOwner, writeRrset } from './canonical-rrset.js';
import type { ZoneKey } from './keys.js';
import { batchSize, SignatureBatch, Verdict } from './signature-batch.js';
import { Fault, reportRrset, SignatureSums } from './signature-faults.js';
import { isAuthoritative, isOwnNode, labelsOf, type SignedZone } from './signed-zone.js';
import type { Collect, Verifier } from './verifier.js';

/** The most keys that are tried for one signature, of those with its tag and algorithm: a zone cannot make that work grow. */
const MAX_TRIES = 4;

/** Verifies all signatures, and reports RRsets without a valid one. */
export function verifySignatures(zone: SignedZone, verifier: Verifier): void {
  const { store } = zone.rrsets;
  // By row of the store: the fault of each signature.
  const faults = new Uint8Array(store.recordCount);
  const collect: Collect = (batch) => batch.results((row, verdict) => note(faults, row, verdict));
  const filler = new Filler(zone, verifier, collect, faults);
  walk(zone, (node, set, from, to) => filler.add(node, set, from, to));
  filler.finish();
  const sums = new SignatureSums(zone);
  walk(
    zone,
    (_node, set, from, to) => reportRrset(zone, set, from, to, faults, sums),
    (from, to) => sums.addForbidden(from, to),
  );
  sums.report();
}

/** Called with a node, its RRset, and the range of `rrsets.records` with the RRset's signatures. */
type Visit = (node: number, set: number, from: number, to: number) => void;

/** Visits all RRsets that have to be signed. `forbidden` is called with ranges of signatures over others. */
function walk(zone: SignedZone, visit: Visit, forbidden?: (from: number, to: number) => void): void {
  const { rrsets, checked } = zone;
  const { store, nodeRrsets, type, start, records } = rrsets;
  for (let node = checked.apex; node < store.nodeCount; node++) {
    const first = nodeRrsets[node]!;
    const last = nodeRrsets[node + 1]!;
    if (first === last) continue;
    let signatures = first;
    while (signatures < last && type[signatures] !== Type.RRSIG) signatures++;
    // Both RRsets and signatures are in rising order of type.
    let from = signatures < last ? start[signatures]! : 0;
    const end = signatures < last ? start[signatures + 1]! : 0;
    if (!isOwnNode(zone, node)) {
      if (from < end) forbidden?.(from, end);
      continue;
    }
    for (let set = first; set < last; set++) {
      if (set === signatures) continue;
      while (from < end && typeCovered(store, records[from]!) < type[set]!) from++;
      let to = from;
      while (to < end && typeCovered(store, records[to]!) === type[set]) to++;
      if (isAuthoritative(zone, node, type[set]!)) visit(node, set, from, to);
      else if (from < to) forbidden?.(from, to);
      from = to;
    }
  }
}

/** Notes a verdict. With several keys of one tag, a signature is valid when one of them verifies it. */
function note(faults: Uint8Array, row: number, verdict: number): void {
  if (faults[row] === Fault.NONE) return;
  if (verdict === Verdict.VALID) faults[row] = Fault.NONE;
  else if (verdict === Verdict.INVALID) faults[row] = Fault.INVALID;
  else if (verdict === Verdict.FORBIDDEN) faults[row] = Fault.UNKNOWN_ALGORITHM;
  else faults[row] = Fault.BAD_KEY;
}

/** Puts signatures into batches. */
class Filler {
  readonly #zone: SignedZone;
  readonly #verifier: Verifier;
  readonly #collect: Collect;
  readonly #faults: Uint8Array;
  readonly #owner = new Uint8Array(MAX_NAME);
  #batch: SignatureBatch;

  constructor(zone: SignedZone, verifier: Verifier, collect: Collect, faults: Uint8Array) {
    this.#zone = zone;
    this.#verifier = verifier;
    this.#collect = collect;
    this.#faults = faults;
    this.#batch = verifier.take(collect);
  }

  finish(): void {
    this.#verifier.give(this.#batch, this.#collect);
    this.#verifier.finish(this.#collect);
  }

  /** Notes the faults that can be seen at once, and has the other signatures verified. */
  add(node: number, set: number, from: number, to: number): void {
    const { store, records } = this.#zone.rrsets;
    let ownerLength = 0;
    for (let i = from; i < to; i++) {
      const row = records[i]!;
      const fault = visibleFault(this.#zone, node, row);
      this.#faults[row] = fault;
      if (fault !== Fault.NOT_VERIFIED) continue;
      if (ownerLength === 0) ownerLength = writeCanonicalOwner(store, node, this.#owner);
      let tries = 0;
      for (const key of keysOf(this.#zone, row))
        if (key.isUsable && tries++ < MAX_TRIES) this.#addJob(set, row, key, ownerLength);
    }
  }

  #addJob(set: number, row: number, key: ZoneKey, ownerLength: number): void {
    const { store } = this.#zone.rrsets;
    const length = store.rdataLength[row]! + rrsetLength(this.#zone.rrsets, set, ownerLength);
    const octets = length + key.publicKey.length;
    if (this.#batch.fits(octets)) {
      this.#write(this.#batch, set, row, key, ownerLength);
      return;
    }
    if (this.#batch.octets.length < octets) {
      const large = new SignatureBatch(new ArrayBuffer(batchSize(octets)));
      this.#write(large, set, row, key, ownerLength);
      large.verify();
      this.#collect(large);
      return;
    }
    this.#verifier.give(this.#batch, this.#collect);
    this.#batch = this.#verifier.take(this.#collect);
    this.#write(this.#batch, set, row, key, ownerLength);
  }

  /** RFC 4034 §3.1.8.1: RRSIG RDATA without the signature, the signer in lower case; the RRset with the original TTL. */
  #write(batch: SignatureBatch, set: number, row: number, key: ZoneKey, ownerLength: number): void {
    const { rrsets, apexName } = this.#zone;
    const { rdata, rdataAt, rdataLength } = rrsets.store;
    const at = rdataAt[row]!;
    const out = batch.octets;
    const to = batch.end;
    for (let i = 0; i < Rrsig.SIGNER; i++) out[to + i] = rdata[at + i]!;
    for (let i = 0; i < apexName.length; i++) out[to + Rrsig.SIGNER + i] = apexName[i]!;
    const behindSigner = Rrsig.SIGNER + apexName.length;
    const ttl = readU32(rdata, at + Rrsig.ORIGINAL_TTL);
    const end = writeRrset(rrsets, set, this.#owner, ownerLength, ttl, out, to + behindSigner);
    batch.add(row, key, end - to, rdata, at + behindSigner, at + rdataLength[row]!);
  }
}

/** The fault of a signature besides its octets (RFC 4035 §5.3.1); NOT_VERIFIED when these have to be verified. */
function visibleFault(zone: SignedZone, node: number, row: number): number {
  const { rrsets, apexName, now } = zone;
  const { store } = rrsets;
  const { rdata } = store;
  const at = store.rdataAt[row]!;
  if (!sameName(rdata, at + Rrsig.SIGNER, apexName, 0)) return Fault.FOREIGN_SIGNER;
  let fault: number = Fault.NO_KEY;
  for (const key of keysOf(zone, row)) {
    if (key.isUsable) fault = Fault.NOT_VERIFIED;
    else if (fault === Fault.NO_KEY) fault = key.isRevoked ? Fault.REVOKED_KEY : Fault.NO_ZONE_KEY;
  }
  if (fault !== Fault.NOT_VERIFIED) return fault;
  if (rdata[at + Rrsig.LABELS] !== labelsOf(rrsets, node)) return Fault.LABELS;
  if (secondsLeft(store, row, now) < 0 || secondsToWait(store, row, now) > 0) return Fault.DATES;
  if (!isKnownAlgorithm(rdata[at + Rrsig.ALGORITHM]!)) return Fault.UNKNOWN_ALGORITHM;
  return Fault.NOT_VERIFIED;
}

/** The keys that may have made a signature. */
function keysOf({ rrsets: { store }, keyIndex }: SignedZone, row: number): readonly ZoneKey[] {
  const at = store.rdataAt[row]!;
  return keyIndex.find(readU16(store.rdata, at + Rrsig.KEY_TAG), store.rdata[at + Rrsig.ALGORITHM]!);
}
