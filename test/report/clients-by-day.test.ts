import { describe, expect, it } from 'vitest';
import { sketchOf } from '../../src/report/client-day.js';
import { clientsByDay } from '../../src/report/clients-by-day.js';
import { TRANSPORT_NAMES } from '../../src/report/measures.js';

const DAY = 20_787;

/** A day of a server, with the registers that its clients have set, by transport. */
function dayOf(registers: Readonly<Record<string, readonly number[]>>, mark = '0123456789abcdef') {
  const day = { day: DAY, order: 1, mark, sketches: new Uint8Array(65_536) };
  for (const [name, own] of Object.entries(registers)) {
    const sketch = sketchOf(day, (TRANSPORT_NAMES as readonly string[]).indexOf(name));
    for (const register of own) sketch[register] = 1;
  }
  return day;
}

describe('the clients of a day', () => {
  it('count once inside TLS and once in all, whatever transports they used', () => {
    const [found] = clientsByDay([dayOf({ udp: [1, 2], tcp: [2], starttls: [1, 7], tls: [1, 9] })]);
    expect(found).toEqual({
      day: '2026-11-30',
      clients: { udp: 2, tcp: 1, starttls: 2, tls: 2 },
      inside: 3,
      all: 4,
      keys: 1,
    });
  });

  it('of two servers with one key are put together, with two keys they are added', () => {
    const first = dayOf({ udp: [1], tls: [3] });
    expect(clientsByDay([first, dayOf({ udp: [1], starttls: [3] })])).toMatchObject([{ all: 2, inside: 1, keys: 1 }]);
    const other = dayOf({ udp: [1], starttls: [3] }, 'fedcba9876543210');
    expect(clientsByDay([first, other])).toMatchObject([{ all: 4, inside: 2, keys: 2 }]);
  });
});
