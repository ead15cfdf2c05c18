import { describe, expect, it } from 'vitest';
import { clockBehind, clockSetForward, clockTrusted } from '../../../src/dnssec/rollover/clock-events.js';
import { NO_KEYS_YET, type ZoneKeys } from '../../../src/dnssec/rollover/key-state.js';
import { published } from '../../../src/dnssec/rollover/step.js';

/** A key that was made at 1000, its record published at 2000, and the parent asked at 3000. */
const STATE: ZoneKeys = {
  ...NO_KEYS_YET,
  time: 4000,
  keys: [
    {
      id: 'a',
      role: 'csk',
      algorithm: 13,
      tag: 1,
      goal: 'omnipresent',
      created: 1000,
      active: undefined,
      records: {
        dnskey: { state: 'omnipresent', since: 2000 },
        krrsig: { state: 'omnipresent', since: 2000 },
        zrrsig: { state: 'rumoured', since: undefined },
        ds: { state: 'rumoured', since: 3000 },
      },
      parent: { seen: 3500, gone: undefined, sure: undefined, last: 3600 },
      signers: {
        hasKey: { since: 3700, sure: undefined },
        lacksKey: { since: undefined, sure: undefined },
        hasCds: { since: undefined, sure: undefined },
        lacksCds: { since: undefined, sure: undefined },
        last: 3700,
      },
    },
  ],
  ttls: { dnskey: [{ ttl: 60, last: 3900 }], zone: [], ds: [] },
};

/** All times of the first key and of the TTLs. */
function timesOf({ keys: [key], ttls, time }: ZoneKeys): (number | undefined)[] {
  const { created, records, parent, signers } = key!;
  const since = [records.dnskey, records.zrrsig, records.ds].map((one) => one.since);
  return [created, ...since, parent.seen, parent.last, signers?.hasKey.since, ttls.dnskey[0]?.last, time];
}

describe('a clock that is set forward', () => {
  it('leaves everything as long ago as it was', () => {
    const after = clockSetForward(STATE, 10_000, 14_100);
    expect(timesOf(after)).toEqual([11_000, 12_000, undefined, 13_000, 13_500, 13_600, 13_700, 13_900, 14_000]);
  });

  it('moves no time beyond it, where it was behind what the keys have seen', () => {
    // The machine began in the past, and has the true time now.
    expect(clockSetForward(STATE, 10_000, 4500).time).toBe(4500);
    expect(clockSetForward(STATE, 10_000, 3000)).toBe(STATE);
  });
});

describe('a clock that is said to be right', () => {
  it('lets what was noted for later count as now, in its order', () => {
    const after = clockTrusted(STATE, 2500);
    expect(timesOf(after)).toEqual([1000, 2000, undefined, 2500, 2501, 2502, undefined, 2504, 2500]);
    expect(clockBehind(STATE, 2500)).toBe(1500);
    expect(clockBehind(after, 2500)).toBe(0);
  });
});

it('what is published by a clock that is behind counts from the latest time that was seen', () => {
  expect(published(STATE, 100).keys[0]?.records.zrrsig.since).toBe(4000);
  expect(published(STATE, 5000).keys[0]?.records.zrrsig.since).toBe(5000);
});
