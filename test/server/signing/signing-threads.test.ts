import { describe, expect, it, vi } from 'vitest';
import { generateKey } from '../../../src/dnssec/keys/signing-key.js';
import type { ChooseSigner } from '../../../src/dnssec/signing/signer.js';
import { signInPlace } from '../../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../../src/dnssec/signing/signing-policy.js';
import { load } from '../../../src/image/load.js';
import { signRecords } from '../../../src/image/signed/sign-image.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { signWithThreads } from '../../../src/server/signing/signing-threads.js';
import { PATIENCE } from '../../support/patience.js';
import { threadNames } from '../../support/threads.js';

/** While its program is absent, a thread ends at once. */
const program = vi.hoisted(() => ({ isAbsent: false }));
vi.mock('../../../src/server/thread-programs.js', async (original) => {
  const { SIGNING_WORKER } = await original<typeof import('../../../src/server/thread-programs.js')>();
  const absent = new URL('./absent.js', SIGNING_WORKER);
  return {
    get SIGNING_WORKER() {
      return program.isAbsent ? absent : SIGNING_WORKER;
    },
  };
});

const NOW = 1_780_000_000;
/** Its signatures are the same whenever they are made (RFC 8032). */
const KEY = generateKey(15, true);
const KEYS = { dnskey: [KEY.dnskey], cds: [], cdnskey: [], keySigners: [KEY], zoneSigners: [KEY] };
const HEAD = '@ 300 SOA ns h 1 7200 900 1209600 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';
const LARGE = `${HEAD}${Array.from({ length: 2100 }, (_, i) => `h${i} 300 A 192.0.2.1\n`).join('')}`;

function sign(text: string, chooseSigner: ChooseSigner): string {
  const origin = nameFromText('example.');
  const { rrsets } = load({ file: 'test', bytes: Buffer.from(text), origin }, { now: NOW });
  const context = { keys: KEYS, policy: DEFAULT_SIGNING_POLICY, now: NOW, chooseSigner };
  const { loaded } = signRecords(rrsets.store, context, { now: NOW, dnssecCheck: () => 'strict' });
  expect(loaded.diagnostics.list.filter(({ severity }) => severity === 'error')).toEqual([]);
  return [...imageText(loaded.image!)].join('');
}

describe('threads that sign', { timeout: 60_000 }, () => {
  it('make the signatures that one thread makes', () =>
    expect(sign(LARGE, signWithThreads(2))).toBe(sign(LARGE, signInPlace)));

  it.runIf(process.platform === 'linux')('have a name', async () => {
    const signer = signWithThreads(1)(1_000_000, [KEY]);
    await vi.waitFor(() => expect(threadNames()).toContain('adotd-signer'), PATIENCE);
    signer.finish(() => {});
  });

  it('that cannot start leave all the work to the caller', () => {
    program.isAbsent = true;
    const signed = sign(LARGE, signWithThreads(2));
    program.isAbsent = false;
    expect(signed).toBe(sign(LARGE, signInPlace));
  });

  it('are not started for a few signatures', () =>
    expect(sign(HEAD, signWithThreads(2))).toBe(sign(HEAD, signInPlace)));
});
