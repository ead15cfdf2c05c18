import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import type { ZoneKey } from '../../../src/dnssec/keys.js';
import { type SignatureBatch, Verdict } from '../../../src/dnssec/signature-batch.js';
import type { Verifier } from '../../../src/dnssec/verifier.js';
import { VerifyingThreads } from '../../../src/server/zones/verifying-threads.js';
import { PATIENCE } from '../../support/patience.js';
import { threadNames } from '../../support/threads.js';

/** While its program is absent, a thread ends at once. */
const program = vi.hoisted(() => ({ isAbsent: false }));
vi.mock('../../../src/server/thread-programs.js', async (original) => {
  const { VERIFYING_WORKER } = await original<typeof import('../../../src/server/thread-programs.js')>();
  const absent = new URL('./absent.js', VERIFYING_WORKER);
  return {
    get VERIFYING_WORKER() {
      return program.isAbsent ? absent : VERIFYING_WORKER;
    },
  };
});

const MANY = 1_000_000;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key: ZoneKey = {
  row: 0,
  tag: 0,
  algorithm: 15,
  isUsable: true,
  isRevoked: false,
  publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
};
const DATA = randomBytes(40);
const SIGNATURE = sign(null, DATA, privateKey);
const WRONG = Buffer.from(SIGNATURE).fill(1, 0, 8);

/** Has `count` signatures verified, every third of them wrong; returns how often each verdict was not the expected one. */
function verifyMany(verifier: Verifier, count: number): { readonly wrong: number; readonly seen: number } {
  const seen = new Set<number>();
  let wrong = 0;
  const collect = (batch: SignatureBatch): void =>
    batch.results((ticket, verdict) => {
      if (seen.has(ticket) || verdict !== (ticket % 3 === 0 ? Verdict.INVALID : Verdict.VALID)) wrong++;
      seen.add(ticket);
    });
  let batch = verifier.take(collect);
  for (let ticket = 0; ticket < count; ticket++) {
    if (!batch.fits(200)) {
      verifier.give(batch, collect);
      batch = verifier.take(collect);
    }
    batch.octets.set(DATA, batch.end);
    batch.add(ticket, key, DATA.length, ticket % 3 === 0 ? WRONG : SIGNATURE, 0, SIGNATURE.length);
  }
  verifier.give(batch, collect);
  verifier.finish(collect);
  return { wrong, seen: seen.size };
}

describe('threads that verify signatures', () => {
  test('come to the same verdicts as one thread, zone after zone', () => {
    const threads = new VerifyingThreads(2);
    for (const count of [1200, 1, 257])
      expect(verifyMany(threads.choose(MANY), count)).toEqual({ wrong: 0, seen: count });
    threads.close();
    // Closed, they begin anew.
    expect(verifyMany(threads.choose(MANY), 300)).toEqual({ wrong: 0, seen: 300 });
    threads.close();
  });

  test.runIf(process.platform === 'linux')('have a name', async () => {
    const threads = new VerifyingThreads(1);
    verifyMany(threads.choose(MANY), 1);
    await vi.waitFor(() => expect(threadNames()).toContain('adotd-verifier'), PATIENCE);
    threads.close();
  });

  test('that cannot start leave all the work to the caller', () => {
    program.isAbsent = true;
    const threads = new VerifyingThreads(2);
    program.isAbsent = false;
    expect(verifyMany(threads.choose(MANY), 600)).toEqual({ wrong: 0, seen: 600 });
    threads.close();
  });

  test('are not started for a few signatures', () => {
    const threads = new VerifyingThreads(2);
    expect(verifyMany(threads.choose(100), 100)).toEqual({ wrong: 0, seen: 100 });
    expect(verifyMany(new VerifyingThreads(0).choose(MANY), 600)).toEqual({ wrong: 0, seen: 600 });
    threads.close();
  });
});
