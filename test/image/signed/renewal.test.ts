import { describe, expect, it } from 'vitest';
import { generateKey } from '../../../src/dnssec/keys/signing-key.js';
import { signInPlace } from '../../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../../src/dnssec/signing/signing-policy.js';
import { diff } from '../../../src/image/changes/diff.js';
import { load } from '../../../src/image/load.js';
import { dueSignatures, signChange, signRecords } from '../../../src/image/signed/sign-image.js';
import { nameFromText } from '../../../src/protocol/name.js';

const START = 1_780_000_000;
const DAY = 86_400;
const NAMES = 40;
const KEY = generateKey(15, true);
const KEYS = { dnskey: [KEY.dnskey], cds: [], cdnskey: [], keySigners: [KEY], zoneSigners: [KEY] };

/** The content of the zone with this serial. */
function content(serial: number) {
  const names = Array.from({ length: NAMES }, (_, i) => `h${i} 300 A 192.0.2.1\n`).join('');
  const text = `@ 300 SOA ns h ${serial} 7200 900 1209600 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n${names}`;
  return load({ file: 'test', bytes: Buffer.from(text), origin: nameFromText('example.') }, { now: START });
}

const contextAt = (now: number, nsec3?: { optOut: boolean }) => ({
  keys: KEYS,
  policy: { ...DEFAULT_SIGNING_POLICY, nsec3 },
  now,
  chooseSigner: signInPlace,
});

describe('renewing signatures', () => {
  it.each([undefined, { optOut: false }])('in time keeps the zone valid, a few at a time: %j', (nsec3) => {
    let image = signRecords(content(1).rrsets.store, contextAt(START, nsec3), { now: START }).loaded.image!;
    const { policy } = contextAt(START, nsec3);
    let serial = 1;
    let most = 0;
    let made = 0;
    for (let now = START; now < START + 14 * DAY; ) {
      const { due, next } = dueSignatures(image, policy, now);
      if (due.length === 0) {
        expect(next).toBeGreaterThan(now);
        now = next!;
        continue;
      }
      const difference = diff(content(serial).image!, content(++serial).image!);
      const context = contextAt(now, nsec3);
      const signed = signChange(image, difference, context, { now, dnssecCheck: () => 'strict' }, due);
      expect(signed.loaded.diagnostics.errors).toBe(0);
      image = signed.loaded.image!;
      // The SOA record changes with the serial.
      const isSoaDue = due.some(({ type }) => type === 6);
      expect(signed.made).toBe(due.length + (isSoaDue ? 0 : 1));
      expect(dueSignatures(image, policy, now).due).toEqual([]);
      most = Math.max(most, due.length);
      made += due.length;
    }
    // Each is renewed every five to seven days.
    expect(made).toBeGreaterThan(2 * NAMES);
    expect(made).toBeLessThan(2 * NAMES * 4);
    expect(most).toBeLessThan(2 * NAMES * 0.15);
  });

  it('is not needed after a restart', () => {
    const image = signRecords(content(1).rrsets.store, contextAt(START), { now: START }).loaded.image!;
    const again = signRecords(content(1).rrsets.store, contextAt(START + DAY), { now: START }, image);
    expect(again.made).toBe(0);
    expect(dueSignatures(image, DEFAULT_SIGNING_POLICY, START + DAY).due).toEqual([]);
  });

  it('is due for all when the clock goes beyond their end', () => {
    const image = signRecords(content(1).rrsets.store, contextAt(START), { now: START }).loaded.image!;
    expect(dueSignatures(image, DEFAULT_SIGNING_POLICY, START + 30 * DAY)).toMatchObject({
      due: { length: 2 * NAMES + 6 },
      early: 0,
    });
  });

  it.each([1, 30, 10_000])(
    'of those that a clock %i days ahead has made gives what is valid by both clocks',
    (days) => {
      const now = START - days * DAY;
      const image = signRecords(content(1).rrsets.store, contextAt(START), { now: START }).loaded.image!;
      const { due, early, expire } = dueSignatures(image, DEFAULT_SIGNING_POLICY, now);
      expect([due.length, early]).toEqual([2 * NAMES + 6, 2 * NAMES + 6]);
      const difference = diff(content(1).image!, content(2).image!);
      const strict = { now, dnssecCheck: () => 'strict' as const };
      const renewed = signChange(image, difference, contextAt(now), strict, due);
      const whole = signRecords(content(2).rrsets.store, contextAt(now), strict, image);
      for (const { loaded } of [renewed, whole]) {
        expect(loaded.diagnostics.errors).toBe(0);
        const after = dueSignatures(loaded.image!, DEFAULT_SIGNING_POLICY, now);
        expect([after.due, after.early]).toEqual([[], 0]);
        // Not one ends sooner than before.
        expect(after.expire).toBeGreaterThanOrEqual(expire!);
      }
      const anew = signChange(
        renewed.loaded.image!,
        diff(content(2).image!, content(3).image!),
        { ...contextAt(now), isAnew: true },
        strict,
      );
      expect(anew.made).toBe(2 * NAMES + 6);
      const last = dueSignatures(anew.loaded.image!, DEFAULT_SIGNING_POLICY, now);
      expect(last.expire).toBeLessThanOrEqual(now + 14 * DAY);
      expect(last.due).toEqual([]);
    },
  );
});
