/**
 * RRsets to sign, in one run of memory that threads can share. The filler of a batch writes the signed data (RFC 4034 §3.1.8.1) at
 * `octets[end…]` and then calls `add`; the signature is written behind them. Hot file: integers and octets.
 */
import type { KeyObject } from 'node:crypto';
import { AdotdError, ErrorCode } from '../../errors.js';
import { importPublicKey, isValidSignature, makeSignature } from '../algorithms.js';
import type { SigningKey } from '../keys/signing-key.js';

/** Words of the header. The first is for the code that hands batches to threads. */
const Header = { STATE: 0, COUNT: 1, FAILED: 2, WORDS: 3 } as const;

/** Words of a job: offsets are of `octets`. */
const Job = { TICKET: 0, KEY: 1, DATA_AT: 2, DATA_LENGTH: 3, SIGNATURE_LENGTH: 4, IS_CHECKED: 5, WORDS: 6 } as const;

/** A batch of this size takes some 10 ms with ECDSA. */
const JOBS = 256;
const OCTETS = 192 * 1024;
const WORDS = Header.WORDS + JOBS * Job.WORDS;
/** Octets of the longest signature: RSA with 4,096 bits. */
const MAX_SIGNATURE = 512;
/** One in this number of signatures is verified after it was made; all over keys are. A guess: a fault of memory is rarely alone. */
const SAMPLE = 64;

/** Octets of memory for a batch whose data and signatures have up to `octets` octets. */
export function signingBatchSize(octets = OCTETS): number {
  return WORDS * 4 + octets + MAX_SIGNATURE;
}

export class SigningBatch {
  /** Word 0 is the state, for the code that hands batches to threads. */
  readonly words: Int32Array<ArrayBufferLike>;
  readonly octets: Uint8Array;
  #end = 0;

  /** `memory`: signingBatchSize() octets. */
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
    this.words[Header.FAILED] = 0;
    this.#end = 0;
  }

  /** Whether there is room for a job with `octets` octets of data. */
  fits(octets: number): boolean {
    return this.count < JOBS && this.#end + octets + MAX_SIGNATURE <= this.octets.length;
  }

  /** Adds a job whose data of `length` octets stand at `octets[end]`; `key` is its number. `isChecked`: it is verified in any case. */
  add(ticket: number, key: number, length: number, isChecked: boolean): void {
    const { words, count } = this;
    const job = Header.WORDS + count * Job.WORDS;
    words[job + Job.TICKET] = ticket;
    words[job + Job.KEY] = key;
    words[job + Job.DATA_AT] = this.#end;
    words[job + Job.DATA_LENGTH] = length;
    words[job + Job.IS_CHECKED] = isChecked || ticket % SAMPLE === 0 ? 1 : 0;
    this.#end += length + MAX_SIGNATURE;
    words[Header.COUNT] = count + 1;
  }

  /** Makes all signatures of the batch. */
  sign(keys: readonly SigningKey[]): void {
    const { octets, words, count } = this;
    for (let i = 0; i < count; i++) {
      const job = Header.WORDS + i * Job.WORDS;
      const key = keys[words[job + Job.KEY]!]!;
      const { algorithm, privateKey } = key;
      const at = words[job + Job.DATA_AT]!;
      const data = octets.subarray(at, at + words[job + Job.DATA_LENGTH]!);
      const signature = signatureOf(algorithm, privateKey, data);
      if (signature === undefined) {
        words[Header.FAILED]!++;
        continue;
      }
      octets.set(signature, at + data.length);
      words[job + Job.SIGNATURE_LENGTH] = signature.length;
      if (words[job + Job.IS_CHECKED] === 0) continue;
      const publicKey = publicKeyOf(key);
      if (publicKey === undefined || isValidSignature(algorithm, publicKey, data, signature) !== true)
        words[Header.FAILED]!++;
    }
  }

  /**
   * Calls `take` for each job with its ticket and with places in `octets`: the start of its data, the start of the signature behind
   * them, and the end of that. Throws ADOTD_DNSSEC_KEY when a signature could not be made, or did not verify.
   */
  results(take: (ticket: number, at: number, signatureAt: number, end: number) => void): void {
    if (this.words[Header.FAILED]! > 0)
      throw new AdotdError(
        ErrorCode.DNSSEC_KEY,
        'found a signature that cannot be made, or that does not verify right after it was made: the key or the machine is broken; nothing was changed',
      );
    for (let i = 0; i < this.count; i++) {
      const job = Header.WORDS + i * Job.WORDS;
      const at = this.words[job + Job.DATA_AT]!;
      const signatureAt = at + this.words[job + Job.DATA_LENGTH]!;
      take(this.words[job + Job.TICKET]!, at, signatureAt, signatureAt + this.words[job + Job.SIGNATURE_LENGTH]!);
    }
  }
}

/** undefined: the key cannot sign. An error would end the thread, and its batch would be waited for. */
function signatureOf(algorithm: number, privateKey: KeyObject, data: Uint8Array): Uint8Array | undefined {
  try {
    return makeSignature(algorithm, privateKey, data);
  } catch {
    return undefined;
  }
}

const publicKeys = new WeakMap<SigningKey, KeyObject>();

/** The public key as the DNSKEY record has it: reading one takes longer than verifying with it. */
function publicKeyOf(key: SigningKey): KeyObject | undefined {
  const known = publicKeys.get(key);
  if (known !== undefined) return known;
  const publicKey = importPublicKey(key.algorithm, key.dnskey.subarray(4));
  if (publicKey !== undefined) publicKeys.set(key, publicKey);
  return publicKey;
}
