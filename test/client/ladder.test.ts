import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCapabilityCache, type EncryptedTransport } from '../../src/client/capabilities.js';
import { ClientErrorCode } from '../../src/client/errors.js';
import { allowance, plan, type TriedTransport } from '../../src/client/ladder.js';
import type { Rung } from '../../src/client/settings.js';

const PORTS = { tls: 853, starttls: 53 };
const address = '192.0.2.1';
const TIMEOUTS = { total: 30_000, establish: 4000, answer: 4000, udp: 1500 };
const ALL: readonly Rung[] = ['tls', 'starttls', 'cleartext'];
const PRIVATE: readonly Rung[] = ['tls', 'starttls'];

/** The plan for a server of which something is known. */
function planned(
  order: readonly Rung[],
  known: Partial<Record<EncryptedTransport, 'works' | 'fails'>> = {},
  open?: EncryptedTransport,
): TriedTransport[] {
  const cache = createCapabilityCache({ now: () => 1_800_000_000_000 });
  for (const transport of ['tls', 'starttls'] as const) {
    const key = { transport, address, port: PORTS[transport] };
    if (known[transport] === 'works') cache.worked(key);
    if (known[transport] === 'fails') cache.failed(key, ClientErrorCode.RESET);
  }
  return plan({ order, cache, address, ports: PORTS, live: (transport) => transport === open });
}

describe('the ladder', () => {
  it('is TLS, STARTTLS, UDP, TCP for a server that nothing is known of', () => {
    expect(planned(ALL)).toEqual(['tls', 'starttls', 'udp', 'tcp']);
    expect(planned(PRIVATE)).toEqual(['tls', 'starttls']);
  });

  it('can be in another order', () => {
    expect(planned(['starttls', 'tls', 'cleartext'])).toEqual(['starttls', 'tls', 'udp', 'tcp']);
    expect(planned(['cleartext', 'tls'])).toEqual(['udp', 'tcp', 'tls']);
    expect(planned(['starttls', 'cleartext', 'tls'])).toEqual(['starttls', 'udp', 'tcp', 'tls']);
    expect(planned(['cleartext'])).toEqual(['udp', 'tcp']);
  });

  it('leaves out what is known to fail', () => {
    expect(planned(ALL, { tls: 'fails' })).toEqual(['starttls', 'udp', 'tcp']);
    expect(planned(ALL, { starttls: 'fails' })).toEqual(['tls', 'udp', 'tcp']);
    expect(planned(ALL, { tls: 'fails', starttls: 'fails' })).toEqual(['udp', 'tcp']);
  });

  it('tries what is known to fail after all others where there is no cleartext', () => {
    expect(planned(PRIVATE, { tls: 'fails' })).toEqual(['starttls', 'tls']);
    expect(planned(PRIVATE, { tls: 'fails', starttls: 'fails' })).toEqual(['tls', 'starttls']);
  });

  it('begins with what is known to work, or is open', () => {
    expect(planned(ALL, { starttls: 'works' })).toEqual(['starttls', 'tls', 'udp', 'tcp']);
    expect(planned(ALL, { starttls: 'works', tls: 'works' })).toEqual(['tls', 'starttls', 'udp', 'tcp']);
    expect(planned(ALL, {}, 'starttls')).toEqual(['starttls', 'tls', 'udp', 'tcp']);
    expect(planned(ALL, { tls: 'fails' }, 'tls')).toEqual(['tls', 'starttls', 'udp', 'tcp']);
  });
});

describe('the time for a transport', () => {
  it('is all that it could need, when there is enough', () => {
    const all: TriedTransport[] = ['tls', 'starttls', 'udp', 'tcp'];
    expect(allowance(all, 30_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(8000);
    expect(allowance(all.slice(1), 22_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(8000);
    expect(allowance(all.slice(2), 14_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(4500);
    expect(allowance(['tcp'], 8000, TIMEOUTS, 3)).toBe(8000);
  });

  it('leaves each behind it what it could need or its share, however short the time is', () => {
    const some = fc.subarray<TriedTransport>(['tls', 'starttls', 'udp', 'tcp'], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 60_000 }), (transports, total) => {
        let remaining = total;
        for (const [at, transport] of transports.entries()) {
          const allowed = allowance(transports.slice(at), remaining, TIMEOUTS, 3);
          expect(allowed).toBeLessThanOrEqual(remaining + 1e-6);
          const need = transport === 'udp' ? 4500 : 8000;
          expect(allowed + 1e-6).toBeGreaterThanOrEqual(Math.min(need, remaining / (transports.length - at)));
          // What one does not need is shared by all, the first of them first.
          expect(allowed + 1e-6).toBeGreaterThanOrEqual(0.75 * Math.min(need, total / transports.length));
          remaining -= Math.min(allowed, need);
        }
      }),
    );
  });
});
