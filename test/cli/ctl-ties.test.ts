import { expect, it } from 'vitest';
import { zonesText } from '../../src/cli/ctl-text.js';
import { ZONE } from '../server/control/control-support.js';

it('the status of zones has a second table for those that come from elsewhere or are changed here', () => {
  const none = { sourceSerial: 7, history: 0, journal: 0, pending: 0 };
  const now = 1_700_000_000;
  expect(zonesText([{ ...ZONE, ties: { ...none, role: 'file', state: 'served' } }], now).split('\n\n')).toHaveLength(1);
  const secondary = {
    primaries: ['one', 'two'],
    serial: 7,
    origin: 'two',
    checked: now - 60,
    expires: now + 86_400,
    expired: false,
    refresh: now + 120,
    failures: 0,
    error: undefined,
  };
  const text = zonesText(
    [
      {
        ...ZONE,
        ties: { ...none, role: 'file', state: 'served', sourceSerial: 5, history: 2, journal: 2048, pending: 1 },
      },
      { ...ZONE, name: 's.test.', file: '', ties: { ...none, role: 'secondary', state: 'served', secondary } },
    ],
    now,
  );
  const [, ties = ''] = text.split('\n\n');
  expect(ties.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    [
      'zone',
      'comes from',
      'state',
      'its serial',
      'journal',
      'pending',
      'primary',
      'contact',
      'refresh',
      'expires',
      'error',
    ],
    ['a.test.', 'file', 'served', '5', '2 changes, 2.0 kB', '1', '-', '-', '-', '-', '-'],
    ['s.test.', 'secondary', 'served', '-', '0 changes, 0 B', '0', 'one, two', '1 min ago', 'in 2 min', 'in 1 d', '-'],
    [''],
  ]);
});

it('the status of zones has a third table for those that are signed here', () => {
  const ties = { role: 'file', state: 'served', sourceSerial: 7, history: 0, journal: 0, pending: 0 } as const;
  const now = 1_700_000_000;
  const signing = { policy: 'default', state: 'signed', isFrozen: false, keys: 1, next: now + 3600 };
  const zones = [
    { ...ZONE, ties: { ...ties, signing } },
    {
      ...ZONE,
      name: 'b.test.',
      ties: { ...ties, signing: { ...signing, policy: undefined, isFrozen: true, next: now } },
    },
    {
      ...ZONE,
      name: 'c.test.',
      ties: { ...ties, signing: { ...signing, state: 'unsigned', keys: 0, next: undefined } },
    },
  ];
  const [, text = ''] = zonesText(zones, now).split('\n\n');
  expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['zone', 'signing', 'policy', 'keys', 'next step'],
    ['a.test.', 'signed', 'default', '1', 'in 1 h'],
    ['b.test.', 'signed, frozen', '-', '1', 'now'],
    ['c.test.', 'unsigned', 'default', '0', '-'],
    [''],
  ]);
});
