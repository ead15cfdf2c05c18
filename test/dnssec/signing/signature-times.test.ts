import { describe, expect, it } from 'vitest';
import { expirationOf, inceptionOf, isDue } from '../../../src/dnssec/signing/signature-times.js';
import { DEFAULT_SIGNING_POLICY as POLICY } from '../../../src/dnssec/signing/signing-policy.js';
import { nameFromText } from '../../../src/protocol/name.js';

const START = 1_780_000_000;
const DAY = 86_400;
const COUNT = 100_000;
const OWNERS = Array.from({ length: COUNT }, (_, i) => nameFromText(`h${i}.example.test.`));

describe('the end of a signature', () => {
  it('is within the validity, and behind the time of its renewal', () => {
    for (const [i, owner] of OWNERS.slice(0, 1000).entries()) {
      const now = START + i * 977;
      const end = expirationOf(POLICY, now, owner, owner.length, 1);
      expect(end).toBeLessThanOrEqual(now + POLICY.validity);
      expect(end).toBeGreaterThan(now + POLICY.refresh);
    }
  });

  it('is the same for the same owner, type and time', () => {
    const [owner] = OWNERS;
    const end = (type: number): number => expirationOf(POLICY, START, owner!, owner!.length, type);
    expect(end(1)).toBe(end(1));
    expect(new Set([1, 2, 6, 15, 16, 28].map(end)).size).toBeGreaterThan(3);
  });

  it('is spread so that no more than 2 % of 100,000 signatures are renewed at once, in all of a year', () => {
    // Signatures that end together are renewed together: one of them stands for all.
    const groups = new Map<number, { owner: Uint8Array; count: number }>();
    const note = (owner: Uint8Array, now: number, count: number): void => {
      const end = expirationOf(POLICY, now, owner, owner.length, 1);
      groups.set(end, { owner, count: count + (groups.get(end)?.count ?? 0) });
    };
    for (const owner of OWNERS) note(owner, START, 1);
    let renewals = 0;
    for (let now = START; now < START + 365 * DAY; now = Math.min(...groups.keys()) - POLICY.refresh) {
      const due = [...groups].filter(([end]) => isDue(POLICY, now, end, now));
      const count = due.reduce((sum, [, group]) => sum + group.count, 0);
      for (const [end, group] of due) {
        groups.delete(end);
        note(group.owner, now, group.count);
      }
      renewals += count;
      expect(count).toBeLessThanOrEqual(COUNT / 50);
    }
    // Each lives for 5 days or longer before it is renewed.
    expect(renewals / COUNT).toBeLessThan(365 / 5 + 1);
  });
});

describe('a clock', () => {
  const [owner] = OWNERS;
  const end = expirationOf(POLICY, START, owner!, owner!.length, 1);

  const inception = inceptionOf(POLICY, START);

  it('that is set back by no more than signatures begin early leaves them as they are', () => {
    for (const seconds of [1, 60, 3600]) expect(isDue(POLICY, inception, end, START - seconds)).toBe(false);
  });

  it('that is set back further has them made anew: they are not valid yet', () => {
    for (const seconds of [3601, DAY, 1000 * DAY]) expect(isDue(POLICY, inception, end, START - seconds)).toBe(true);
  });

  it('that is set forward beyond their end has them made anew', () => {
    for (const days of [14, 100, 10_000]) expect(isDue(POLICY, inception, end, START + days * DAY)).toBe(true);
  });
});
