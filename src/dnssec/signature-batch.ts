/**
 * Signatures to verify, with their keys and signed data, in one run of memory that threads can share. The filler of a batch
 * writes the signed data at `octets[end…]` and then calls `add`. Hot file: integers and octets.
 */
import type { KeyObject } from 'node:crypto';
import { importPublicKey, isValidSignature } from './algorithms.js';
import type { ZoneKey } from './keys.js';

/** The result for one signature. */
export const Verdict = {
  /** Not verified yet. */
  NONE: 0,
  VALID: 1,
  INVALID: 2,
  /** The DNSKEY record holds no key of its algorithm. */
  BAD_KEY: 3,
  /** The system's crypto policy forbids the algorithm. */
  FORBIDDEN: 4,
} as const;

/** Words of the header. The first is for the code that hands batches to threads. */
const Header = { STATE: 0, COUNT: 1, WORDS: 2 } as const;

/** Words of a job: offsets are of `octets`. */
const Job = {
  TICKET: 0,
  ALGORITHM: 1,
  KEY_AT: 2,
  KEY_LENGTH: 3,
  DATA_AT: 4,
  DATA_LENGTH: 5,
  SIGNATURE_AT: 6,
  SIGNATURE_LENGTH: 7,
  VERDICT: 8,
  WORDS: 9,
} as const;

/** A batch of this size takes some 20 ms: short enough that threads end together, long enough that handing over costs nothing. */
const JOBS = 256;
/** Octets for keys, data and signatures: 256 signatures of RSA with 2,048 bits and their data. */
const OCTETS = 128 * 1024;
const WORDS = Header.WORDS + JOBS * Job.WORDS;
const MAX_KEYS = 1000;

/** Octets of memory for a batch whose data have up to `octets` octets. */
export function batchSize(octets = OCTETS): number {
  return WORDS * 4 + octets;
}

export class SignatureBatch {
  /** Word 0 is the state, for the code that hands batches to threads. */
  readonly words: Int32Array<ArrayBufferLike>;
  readonly octets: Uint8Array;
  #end = 0;
  /** Where the keys of this batch are in `octets`. */
  readonly #keys = new Map<ZoneKey, number>();

  /** `memory`: batchSize() octets. */
  constructor(memory: ArrayBufferLike) {
    this.words = new Int32Array(memory, 0, WORDS);
    this.octets = new Uint8Array(memory, WORDS * 4);
  }

  get count(): number {
    return this.words[Header.COUNT]!;
  }

  /** Where the signed data of the next job are written. */
  get end(): number {
    return this.#end;
  }

  clear(): void {
    this.words[Header.COUNT] = 0;
    this.#end = 0;
    this.#keys.clear();
  }

  /** Whether there is room for a job whose key, data and signature have `octets` octets in all. */
  fits(octets: number): boolean {
    return this.count < JOBS && this.#end + octets <= this.octets.length;
  }

  /** Adds a job whose data of `length` octets stand at `octets[end]`; the signature is rdata[at … stop). */
  add(ticket: number, key: ZoneKey, length: number, rdata: Uint8Array, at: number, stop: number): void {
    const { octets, words } = this;
    const dataAt = this.#end;
    const signatureAt = dataAt + length;
    for (let i = at; i < stop; i++) octets[signatureAt + i - at] = rdata[i]!;
    this.#end = signatureAt + stop - at;
    let keyAt = this.#keys.get(key);
    if (keyAt === undefined) {
      keyAt = this.#end;
      octets.set(key.publicKey, keyAt);
      this.#end += key.publicKey.length;
      this.#keys.set(key, keyAt);
    }
    const job = Header.WORDS + words[Header.COUNT]! * Job.WORDS;
    words[job + Job.TICKET] = ticket;
    words[job + Job.ALGORITHM] = key.algorithm;
    words[job + Job.KEY_AT] = keyAt;
    words[job + Job.KEY_LENGTH] = key.publicKey.length;
    words[job + Job.DATA_AT] = dataAt;
    words[job + Job.DATA_LENGTH] = length;
    words[job + Job.SIGNATURE_AT] = signatureAt;
    words[job + Job.SIGNATURE_LENGTH] = stop - at;
    words[job + Job.VERDICT] = Verdict.NONE;
    words[Header.COUNT]!++;
  }

  /** Verifies all signatures of the batch. */
  verify(): void {
    const { octets, words, count } = this;
    let keyAt = -1;
    let key: KeyObject | undefined;
    for (let i = 0; i < count; i++) {
      const job = Header.WORDS + i * Job.WORDS;
      const algorithm = words[job + Job.ALGORITHM]!;
      if (words[job + Job.KEY_AT] !== keyAt) {
        keyAt = words[job + Job.KEY_AT]!;
        key = imported(algorithm, octets.subarray(keyAt, keyAt + words[job + Job.KEY_LENGTH]!));
      }
      let verdict: number = Verdict.BAD_KEY;
      if (key !== undefined) {
        const dataAt = words[job + Job.DATA_AT]!;
        const signatureAt = words[job + Job.SIGNATURE_AT]!;
        const data = octets.subarray(dataAt, dataAt + words[job + Job.DATA_LENGTH]!);
        const signature = octets.subarray(signatureAt, signatureAt + words[job + Job.SIGNATURE_LENGTH]!);
        const isValid = isValidSignature(algorithm, key, data, signature);
        verdict = isValid === undefined ? Verdict.FORBIDDEN : isValid ? Verdict.VALID : Verdict.INVALID;
      }
      words[job + Job.VERDICT] = verdict;
    }
  }

  /** Hands each job's ticket and verdict to `take`. */
  results(take: (ticket: number, verdict: number) => void): void {
    for (let i = 0; i < this.count; i++) {
      const job = Header.WORDS + i * Job.WORDS;
      take(this.words[job + Job.TICKET]!, this.words[job + Job.VERDICT]!);
    }
  }
}

/** Keys by algorithm and octets. Importing one takes as long as verifying a signature. */
const keys = new Map<string, KeyObject | undefined>();

function imported(algorithm: number, publicKey: Uint8Array): KeyObject | undefined {
  const name = `${algorithm} ${Buffer.from(publicKey).toString('latin1')}`;
  const known = keys.get(name);
  if (known !== undefined || keys.has(name)) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const key = importPublicKey(algorithm, Uint8Array.from(publicKey));
  keys.set(name, key);
  return key;
}
