import { afterAll, describe, expect, it } from 'vitest';
import { generateKey } from '../../../../src/dnssec/keys/signing-key.js';
import { DEFAULT_SIGNING_POLICY } from '../../../../src/dnssec/signing/signing-policy.js';
import { applyDifference } from '../../../../src/image/changes/apply.js';
import { loadRun } from '../../../../src/image/changes/load-run.js';
import { PendingView } from '../../../../src/image/changes/pending-view.js';
import { ContentView } from '../../../../src/image/signed/content-view.js';
import { LoaderLane } from '../../../../src/server/zones/jobs/loader-lane.js';
import { systemClock } from '../../../../src/session/clock.js';
import { imageOf, runOf } from '../../../state/stored.js';
import { nameFromText } from '../../../support/names.js';

const NOW = 1_780_000_000;
const KEY = generateKey(15, true);
const KEYS = { dnskey: [KEY.dnskey], cds: [], cdnskey: [], keySigners: [KEY], zoneSigners: [KEY] };
/** More signatures than one thread makes. */
const RECORDS = 5000;

const lane = new LoaderLane(systemClock, true);
afterAll(() => lane.close());

/** What is wrong with a signed zone. */
function mistakesOf(image: Uint8Array): string[] {
  const { diagnostics } = loadRun(nameFromText('example.test.'), runOf(image), {
    now: NOW,
    dnssecCheck: () => 'strict',
  });
  return diagnostics.list.filter(({ severity }) => severity === 'error').map(({ message }) => message);
}

describe('a large zone', () => {
  it('is signed in threads, which get the keys, and so are its changes', { timeout: 60_000 }, async () => {
    const content = imageOf('example.test.', 1, RECORDS);
    const to = (image: Uint8Array, serial: number) => new PendingView(new ContentView(image)).difference(serial);
    const signing = { keys: KEYS, policy: DEFAULT_SIGNING_POLICY, extent: 'content' } as const;
    const job = { kind: 'apply', now: NOW } as const;
    const whole = await lane.run({ ...job, image: content, difference: to(content, 2), signing });
    expect(whole.made).toBeGreaterThan(RECORDS);
    expect(mistakesOf(whole.image!)).toEqual([]);
    const look = { kind: 'signatures', image: whole.image!, policy: DEFAULT_SIGNING_POLICY, now: NOW } as const;
    const { due, next, expire } = await lane.run(look);
    expect(due).toBe(0);
    expect(expire).toBe(whole.signaturesExpire);
    expect(next).toBe(expire! - DEFAULT_SIGNING_POLICY.refresh);
    const change = { ...job, image: whole.image!, difference: to(whole.image!, 3) };
    const changed = await lane.run({ ...change, signing: { ...signing, extent: 'change' } });
    expect(changed.made).toBe(1);
    const applied = applyDifference(whole.image!, changed.difference, { now: NOW });
    expect(Buffer.compare(runOf(applied.image!), runOf(changed.image!))).toBe(0);
    expect(await lane.run({ kind: 'foreign', hasForeign: false, image: whole.image! })).not.toBe('');
    expect(await lane.run({ kind: 'foreign', hasForeign: false, image: content })).toBe('');
  });
});
