import { describe, expect, it } from 'vitest';
import { isBootstrapping } from '../../../src/dnssec/rollover/bootstrap.js';
import {
  HIDDEN,
  type KeyProgress,
  NO_KEYS_YET,
  type RecordState,
  type ZoneKeys,
} from '../../../src/dnssec/rollover/key-state.js';

function key(ds: RecordState, seen?: number): KeyProgress {
  const record = { state: 'omnipresent' as const, since: 1 };
  const records = { dnskey: record, krrsig: record, zrrsig: record, ds: { ...HIDDEN, state: ds } };
  const parent = { seen, gone: undefined, sure: undefined, last: undefined };
  return { id: ds, role: 'csk', algorithm: 13, tag: 1, goal: 'omnipresent', created: 0, active: 1, records, parent };
}

const zone = (...keys: KeyProgress[]): ZoneKeys => ({ ...NO_KEYS_YET, keys });

describe('a zone asks for its first DS record', () => {
  it('when DS is asked for and was never seen', () => {
    expect(isBootstrapping(zone(key('rumoured')))).toBe(true);
    expect(isBootstrapping(zone(key('hidden'), key('rumoured')))).toBe(true);
  });

  it('but not before that, and not any more when a DS record was seen', () => {
    for (const state of [zone(), zone(key('hidden')), zone(key('rumoured', 5)), zone(key('omnipresent', 5))])
      expect(isBootstrapping(state)).toBe(false);
    expect(isBootstrapping(zone(key('rumoured'), key('omnipresent')))).toBe(false);
    expect(isBootstrapping(zone(key('rumoured'), key('unretentive')))).toBe(false);
    expect(isBootstrapping({ ...zone(key('rumoured')), isLeaving: true })).toBe(false);
  });
});
