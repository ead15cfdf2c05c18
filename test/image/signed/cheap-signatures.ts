/** Signatures for property tests that sign and verify a zone again and again: most of it is the same as before. */
import type { ZoneKey } from '../../../src/dnssec/keys.js';
import { batchSize, SignatureBatch, Verdict } from '../../../src/dnssec/signature-batch.js';
import type { ChooseSigner } from '../../../src/dnssec/signing/signer.js';
import { SigningBatch, signingBatchSize } from '../../../src/dnssec/signing/signing-batch.js';
import type { ChooseVerifier } from '../../../src/dnssec/verifier.js';

/** Chooses verifiers that verify a signature over the same data with the same key once. */
export function rememberingVerifier(): ChooseVerifier {
  const batch = new RememberingBatch(new ArrayBuffer(batchSize()));
  return () => ({
    take() {
      batch.clear();
      return batch;
    },
    give(filled, collect) {
      filled.verify();
      collect(filled);
    },
    finish() {},
  });
}

class RememberingBatch extends SignatureBatch {
  /** Keys, data and signatures that were valid. */
  readonly #valid = new Set<string>();
  /** Those of the jobs. */
  #jobs: string[] = [];
  /** Tickets of signatures that need no job. */
  #known: number[] = [];

  override clear(): void {
    super.clear();
    this.#jobs = [];
    this.#known = [];
  }

  override add(ticket: number, key: ZoneKey, length: number, rdata: Uint8Array, at: number, stop: number): void {
    const data = this.octets.subarray(this.end, this.end + length);
    const parts = [key.publicKey, data, rdata.subarray(at, stop)];
    const job = `${key.algorithm} ${parts.map((part) => Buffer.from(part).toString('latin1')).join(' ')}`;
    if (this.#valid.has(job)) this.#known.push(ticket);
    else {
      this.#jobs.push(job);
      super.add(ticket, key, length, rdata, at, stop);
    }
  }

  override results(take: (ticket: number, verdict: number) => void): void {
    for (const ticket of this.#known) take(ticket, Verdict.VALID);
    let job = 0;
    super.results((ticket, verdict) => {
      if (verdict === Verdict.VALID) this.#valid.add(this.#jobs[job]!);
      job++;
      take(ticket, verdict);
    });
  }
}

/** Signs with octets that are no signature, where nobody looks at them. */
export const signWithNothing: ChooseSigner = () => {
  const batch = new UnsignedBatch(new ArrayBuffer(signingBatchSize()));
  return {
    take() {
      batch.clear();
      return batch;
    },
    give(filled, collect) {
      collect(filled);
    },
    finish() {},
  };
};

/** Octets of what stands for a signature. */
const NOTHING = 1;

class UnsignedBatch extends SigningBatch {
  /** Ticket, begin and end of the data of each job. */
  #jobs: (readonly [number, number, number])[] = [];

  override clear(): void {
    super.clear();
    this.#jobs = [];
  }

  override add(ticket: number, key: number, length: number): void {
    this.#jobs.push([ticket, this.end, this.end + length]);
    super.add(ticket, key, length, false);
  }

  override results(take: (ticket: number, at: number, signatureAt: number, end: number) => void): void {
    for (const [ticket, at, end] of this.#jobs) take(ticket, at, end, end + NOTHING);
  }
}
