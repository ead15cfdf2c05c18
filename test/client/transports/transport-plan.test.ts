import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCapabilityCache, type EncryptedTransport } from '../../../src/client/capabilities/capabilities.js';
import { settingsOf, type TransportChoice } from '../../../src/client/client-settings.js';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { allowance, type TriedTransport, transportPlan } from '../../../src/client/transports/transport-plan.js';
import { SEED } from '../../support/seed.js';

const PORTS = { tls: 853, starttls: 53, udp: 53 };
const address = '192.0.2.1';
const { timeouts: TIMEOUTS } = settingsOf({});
const ALL: readonly TransportChoice[] = ['tls', 'starttls', 'cleartext'];
const CHOICE = 'cleartext';
const CLEARTEXT = 'cleartext: udp tcp';
const PRIVATE: readonly TransportChoice[] = ['tls', 'starttls'];

/** The stages for a server with these capabilities. */
function planned(
  order: readonly TransportChoice[],
  known: Partial<Record<EncryptedTransport | 'udp', 'works' | 'fails'>> = {},
  open?: EncryptedTransport,
): string[] {
  const cache = createCapabilityCache({ now: () => 1_800_000_000_000 });
  for (const transport of ['tls', 'starttls', 'udp'] as const) {
    const key = { transport, address, port: PORTS[transport] };
    if (known[transport] === 'works') cache.worked(key);
    if (known[transport] === 'fails') cache.failed(key, ClientErrorCode.RESET);
  }
  const stages = transportPlan({ order, cache, address, ports: PORTS, live: (transport) => transport === open });
  return stages.map(({ kind, transports }) => `${kind}: ${transports.join(' ')}`);
}

describe('the plan of transports', () => {
  it('begins TLS and STARTTLS staggered, then UDP and TCP, for a server that nothing is known of', () => {
    expect(planned(ALL)).toEqual(['staggered: tls starttls', CLEARTEXT]);
    expect(planned(PRIVATE)).toEqual(['staggered: tls starttls']);
  });

  it('can be in another order', () => {
    expect(planned(['starttls', 'tls', 'cleartext'])).toEqual(['staggered: starttls tls', CLEARTEXT]);
    expect(planned(['cleartext', 'tls'])).toEqual([CLEARTEXT, 'staggered: tls']);
    expect(planned(['starttls', 'cleartext', 'tls'])).toEqual(['staggered: starttls', CLEARTEXT, 'staggered: tls']);
    expect(planned(['cleartext'])).toEqual([CLEARTEXT]);
  });

  it('leaves out transports that are known to fail', () => {
    expect(planned(ALL, { tls: 'fails' })).toEqual(['staggered: starttls', CLEARTEXT]);
    expect(planned(ALL, { starttls: 'fails' })).toEqual(['staggered: tls', CLEARTEXT]);
    expect(planned(ALL, { tls: 'fails', starttls: 'fails' })).toEqual([CLEARTEXT]);
  });

  it('asks over TCP before UDP that is known to fail', () => {
    expect(planned(ALL, { udp: 'fails', starttls: 'fails' })).toEqual(['staggered: tls', 'cleartext: tcp udp']);
    expect(planned([CHOICE], { udp: 'fails' })).toEqual(['cleartext: tcp udp']);
    expect(planned([CHOICE], { udp: 'works' })).toEqual([CLEARTEXT]);
  });

  it('tries transports that are known to fail last, if there is no cleartext', () => {
    expect(planned(PRIVATE, { tls: 'fails' })).toEqual(['staggered: starttls tls']);
    expect(planned(PRIVATE, { tls: 'fails', starttls: 'works' })).toEqual(['known: starttls', 'staggered: tls']);
    expect(planned(PRIVATE, { tls: 'fails', starttls: 'fails' })).toEqual(['staggered: tls starttls']);
  });

  it('begins with a transport alone that is known to work or has an open session', () => {
    expect(planned(ALL, { starttls: 'works' })).toEqual(['known: starttls', 'staggered: tls', CLEARTEXT]);
    expect(planned(ALL, { starttls: 'works', tls: 'works' })).toEqual(['known: tls', 'known: starttls', CLEARTEXT]);
    expect(planned(ALL, {}, 'starttls')).toEqual(['known: starttls', 'staggered: tls', CLEARTEXT]);
    expect(planned(ALL, { tls: 'fails' }, 'tls')).toEqual(['known: tls', 'staggered: starttls', CLEARTEXT]);
  });
});

describe('the time for a transport', () => {
  it('is all that it may need, if there is enough', () => {
    expect(allowance(['tls', 'starttls'], ['udp', 'tcp'], 30_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(16_000);
    expect(allowance(['starttls'], ['udp', 'tcp'], 22_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(8000);
    expect(allowance(['udp'], ['tcp'], 14_000, TIMEOUTS, 3)).toBeGreaterThanOrEqual(4500);
    expect(allowance(['tcp'], [], 8000, TIMEOUTS, 3)).toBe(8000);
  });

  it('leaves those behind it the time that they may need or their share, however short the time is', () => {
    const some = fc.subarray<TriedTransport>(['tls', 'starttls', 'udp', 'tcp'], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 60_000 }), (transports, total) => {
        let remaining = total;
        for (const [at, transport] of transports.entries()) {
          const allowed = allowance([transport], transports.slice(at + 1), remaining, TIMEOUTS, 3);
          expect(allowed).toBeLessThanOrEqual(remaining + 1e-6);
          const need = transport === 'udp' ? 4500 : 8000;
          expect(allowed + 1e-6).toBeGreaterThanOrEqual(Math.min(need, remaining / (transports.length - at)));
          // The time that one does not need is shared by the others.
          expect(allowed + 1e-6).toBeGreaterThanOrEqual(0.75 * Math.min(need, total / transports.length));
          remaining -= Math.min(allowed, need);
        }
      }),
      { seed: SEED },
    );
  });
});
