/** Makes signatures (RFC 4034 §3.1): gathers the data to sign in batches, and hands back RDATA of RRSIG records. */
import { Type } from '../../protocol/iana.js';
import { LOWER } from '../../protocol/name.js';
import { readU16, readU32, writeU16, writeU32 } from '../../protocol/octets.js';
import { Rrsig } from '../../zone/rrsets.js';
import type { SigningKey } from '../keys/signing-key.js';
import { expirationOf, inceptionOf, isDue, isEarly, secondsUntil } from './signature-times.js';
import type { ChooseSigner, CollectSigned, Signer } from './signer.js';
import { SigningBatch, signingBatchSize } from './signing-batch.js';
import type { KeySet, SigningPolicy } from './signing-policy.js';

/** The keys, the policy, the time and the signer for a zone. */
export interface SigningContext {
  readonly keys: KeySet;
  readonly policy: SigningPolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly chooseSigner: ChooseSigner;
  /** Whether no signature of an older version is kept, and the clock is known to be right. */
  readonly isAnew?: boolean | undefined;
}

/** An RRset to sign. Its owner is in canonical form. */
export interface ToSign {
  /** A number of the caller's, which `take` gets back with the signature. */
  readonly ticket: number;
  readonly owner: Uint8Array;
  readonly ownerLength: number;
  /** Labels of the owner without the root and without `*` as the first one (RFC 4034 §3.1.3). */
  readonly labels: number;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** The signature ends no earlier than this (32 bits, RFC 4034 §3.1.5), as earlyEnd() has it; undefined: it does not matter. */
  readonly until: number | undefined;
  /** Octets of the RRset in canonical form. */
  readonly octets: number;
  /** Writes the RRset in canonical form at out[at…]. */
  write(out: Uint8Array, at: number): void;
}

/** The keys that sign RRsets of this type, at the apex or not: keys are signed by those that the parent knows (RFC 7344 §4.1). */
export function signersOf({ keySigners, zoneSigners }: KeySet, type: number, isApex: boolean): readonly SigningKey[] {
  const isOfKeys = type === Type.DNSKEY || type === Type.CDS || type === Type.CDNSKEY;
  return isApex && isOfKeys ? keySigners : zoneSigners;
}

/**
 * The signature by `key` among those of an older version that can stay; undefined when there is none. The RRset itself has not
 * changed.
 */
export function keptSignature(
  signatures: readonly Uint8Array[],
  { tag, algorithm }: SigningKey,
  ttl: number,
  { policy, now, isAnew = false }: SigningContext,
): Uint8Array | undefined {
  if (isAnew) return undefined;
  return signatures.find(
    (rdata) =>
      readU16(rdata, Rrsig.KEY_TAG) === tag &&
      rdata[Rrsig.ALGORITHM] === algorithm &&
      readU32(rdata, Rrsig.ORIGINAL_TTL) === ttl &&
      !isDue(policy, readU32(rdata, Rrsig.INCEPTION), readU32(rdata, Rrsig.EXPIRATION), now),
  );
}

/**
 * The end of the last signature that is not valid yet; undefined: there is none. If the clock was ahead when such signatures were made,
 * they are of no use now. If it is behind now, one that ends before them may be of no use. Their replacement is valid in both cases.
 */
export function earlyEnd(
  signatures: readonly Uint8Array[],
  { now, isAnew = false }: SigningContext,
): number | undefined {
  const early = isAnew ? [] : signatures.filter((rdata) => isEarly(readU32(rdata, Rrsig.INCEPTION), now));
  const ends = early.map((rdata) => readU32(rdata, Rrsig.EXPIRATION));
  return ends.reduce<number | undefined>((last, end) => later(last, end, now), undefined);
}

function later(a: number | undefined, b: number, now: number): number {
  return a !== undefined && secondsUntil(a, now) > secondsUntil(b, now) ? a : b;
}

export class SignatureMaker {
  /** Signatures that were made. */
  made = 0;
  readonly #context: SigningContext;
  /** The zone's name in lower case. */
  readonly #apex: Uint8Array;
  readonly #keys: readonly SigningKey[];
  readonly #signer: Signer;
  readonly #collect: CollectSigned;
  #batch: SigningBatch;

  /** `expected`: the rough number of signatures. `take` gets a ticket and RDATA, some time before finish() returns. */
  constructor(
    apex: Uint8Array,
    context: SigningContext,
    expected: number,
    take: (ticket: number, rdata: Uint8Array) => void,
  ) {
    this.#context = context;
    this.#apex = apex.map((octet) => LOWER[octet]!);
    this.#keys = [...new Set([...context.keys.keySigners, ...context.keys.zoneSigners])];
    const fixed = Rrsig.SIGNER + apex.length;
    this.#collect = (batch) => {
      const { octets } = batch;
      batch.results((ticket, at, signatureAt, end) => {
        const rdata = new Uint8Array(fixed + end - signatureAt);
        rdata.set(octets.subarray(at, at + fixed));
        rdata.set(octets.subarray(signatureAt, end), fixed);
        take(ticket, rdata);
      });
    };
    this.#signer = context.chooseSigner(expected, this.#keys);
    this.#batch = this.#signer.take(this.#collect);
  }

  add(key: SigningKey, rrset: ToSign): void {
    this.made++;
    const octets = Rrsig.SIGNER + this.#apex.length + rrset.octets;
    if (!this.#batch.fits(octets)) {
      this.#signer.give(this.#batch, this.#collect);
      this.#batch = this.#signer.take(this.#collect);
    }
    if (this.#batch.fits(octets)) {
      this.#write(this.#batch, key, rrset, octets);
      return;
    }
    const large = new SigningBatch(new ArrayBuffer(signingBatchSize(octets)));
    this.#write(large, key, rrset, octets);
    large.sign(this.#keys);
    this.#collect(large);
  }

  finish(): void {
    this.#signer.give(this.#batch, this.#collect);
    this.#signer.finish(this.#collect);
  }

  #write(batch: SigningBatch, key: SigningKey, rrset: ToSign, octets: number): void {
    const { policy, now } = this.#context;
    const { type, owner, ownerLength } = rrset;
    const [out, at] = [batch.octets, batch.end];
    writeU16(out, at, type);
    out[at + Rrsig.ALGORITHM] = key.algorithm;
    out[at + Rrsig.LABELS] = rrset.labels;
    writeU32(out, at + Rrsig.ORIGINAL_TTL, rrset.ttl);
    writeU32(out, at + Rrsig.EXPIRATION, later(rrset.until, expirationOf(policy, now, owner, ownerLength, type), now));
    writeU32(out, at + Rrsig.INCEPTION, inceptionOf(policy, now));
    writeU16(out, at + Rrsig.KEY_TAG, key.tag);
    out.set(this.#apex, at + Rrsig.SIGNER);
    rrset.write(out, at + Rrsig.SIGNER + this.#apex.length);
    batch.add(rrset.ticket, this.#keys.indexOf(key), octets, type === Type.DNSKEY);
  }
}
