import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CAPABILITY_TIMES,
  type CapabilityKey,
  createCapabilityCache,
} from '../../../src/client/capabilities/capabilities.js';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { SEED } from '../../support/seed.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TLS: CapabilityKey = { transport: 'tls', address: '192.0.2.1', port: 853 };
const STARTTLS: CapabilityKey = { transport: 'starttls', address: '192.0.2.1', port: 53 };

function known(max?: number) {
  let now = 1_800_000_000_000;
  const cache = createCapabilityCache({ now: () => now, max });
  return { cache, now: () => now, pass: (milliseconds: number) => void (now += milliseconds) };
}

describe('the capabilities of a server', () => {
  it('have the times of the draft and of RFC 9539', () => {
    expect(CAPABILITY_TIMES).toEqual({ failure: HOUR, damping: DAY, persistence: 3 * DAY });
  });

  it('are unknown at first', () => {
    const { cache } = known();
    expect(cache.get(TLS)).toBeUndefined();
    expect(cache.retryAt(TLS)).toBeUndefined();
    expect(cache.entries()).toEqual([]);
  });

  it('say that a transport works for three days after the last answer', () => {
    const { cache, now, pass } = known();
    cache.worked(TLS);
    const since = now();
    expect(cache.get(TLS)).toEqual({ status: 'works', since, last: since, failures: 0 });
    pass(2 * DAY);
    cache.worked(TLS);
    expect(cache.get(TLS)).toMatchObject({ since, last: now() });
    pass(3 * DAY - 1);
    expect(cache.get(TLS)).toMatchObject({ status: 'works', since });
    pass(1);
    expect(cache.get(TLS)).toBeUndefined();
  });

  it('say that a transport fails for an hour, and for a day when it fails again', () => {
    const { cache, now, pass } = known();
    cache.failed(TLS, ClientErrorCode.HANDSHAKE);
    const since = now();
    expect(cache.get(TLS)).toMatchObject({ status: 'fails', since, failures: 1, reason: 'CLIENT_HANDSHAKE' });
    expect(cache.retryAt(TLS)).toBe(since + HOUR);
    pass(HOUR - 1);
    expect(cache.retryAt(TLS)).toBe(since + HOUR);
    pass(1);
    expect(cache.retryAt(TLS)).toBeUndefined();
    expect(cache.get(TLS)).toBeUndefined();
    cache.failed(TLS, ClientErrorCode.TIMED_OUT);
    expect(cache.get(TLS)).toMatchObject({ since, failures: 2, reason: 'CLIENT_TIMED_OUT' });
    expect(cache.retryAt(TLS)).toBe(now() + DAY);
    pass(DAY);
    expect(cache.retryAt(TLS)).toBeUndefined();
  });

  it('say for three days that a transport has worked, whatever fails meanwhile', () => {
    const { cache, now, pass } = known();
    expect(cache.hasWorked(TLS)).toBe(false);
    cache.worked(TLS);
    const worked = now();
    // Each time the failure before is forgotten, and the success is not; that is kept with the other entries.
    for (let i = 0; i < 3; i++) {
      pass(10 * HOUR);
      expect(cache.get(TLS)?.status).toBe(i === 0 ? 'works' : undefined);
      expect(cache.entries()).toHaveLength(1);
      cache.failed(TLS, ClientErrorCode.RESET);
      expect(cache.get(TLS)).toMatchObject({ status: 'fails', failures: 1, worked });
      expect(cache.hasWorked(TLS)).toBe(true);
    }
    pass(42 * HOUR - 1);
    expect(cache.hasWorked(TLS)).toBe(true);
    pass(1);
    expect(cache.hasWorked(TLS)).toBe(false);
    expect(cache.entries()).toEqual([]);
  });

  it('note of UDP only that it fails', () => {
    const { cache, now, pass } = known();
    const udp: CapabilityKey = { transport: 'udp', address: '192.0.2.1', port: 53 };
    cache.worked(udp);
    expect(cache.entries()).toEqual([]);
    cache.failed(udp, ClientErrorCode.TIMED_OUT);
    expect(cache.retryAt(udp)).toBe(now() + HOUR);
    pass(HOUR);
    cache.failed(udp, ClientErrorCode.TIMED_OUT);
    expect(cache.retryAt(udp)).toBe(now() + DAY);
    cache.worked(udp);
    expect(cache.entries()).toEqual([]);
  });

  it('count the failures of queries that were under way together once', () => {
    const { cache, now, pass } = known();
    for (let i = 0; i < 5; i++) cache.failed(TLS, ClientErrorCode.RESET);
    pass(1000);
    cache.failed(TLS, ClientErrorCode.RESET);
    expect(cache.retryAt(TLS)).toBe(now() + HOUR);
  });

  it('forget a failure that nothing followed, and one that success followed', () => {
    const { cache, now, pass } = known();
    cache.failed(TLS, ClientErrorCode.RESET);
    pass(2 * HOUR);
    cache.failed(TLS, ClientErrorCode.RESET);
    expect(cache.retryAt(TLS)).toBe(now() + HOUR);
    cache.worked(TLS);
    expect(cache.retryAt(TLS)).toBeUndefined();
    cache.failed(TLS, ClientErrorCode.RESET);
    expect(cache.retryAt(TLS)).toBe(now() + HOUR);
  });

  it('are kept apart for each transport, address and port, however the address is written', () => {
    const { cache } = known();
    cache.worked({ ...TLS, address: '2001:db8::1' });
    cache.failed(STARTTLS, ClientErrorCode.NO_UPGRADE);
    expect(cache.get({ ...TLS, address: '2001:0DB8:0:0::0001' })).toMatchObject({ status: 'works' });
    expect(cache.get({ ...TLS, address: '2001:db8::1', port: 854 })).toBeUndefined();
    expect(cache.get({ ...STARTTLS, transport: 'tls' })).toBeUndefined();
    expect(cache.get(STARTTLS)).toMatchObject({ status: 'fails' });
  });

  it('have the mode of STARTTLS until another is found', () => {
    const { cache } = known();
    cache.worked(STARTTLS, 'dummy');
    cache.worked(STARTTLS);
    expect(cache.get(STARTTLS)).toMatchObject({ mode: 'dummy' });
    cache.worked(STARTTLS, 'any');
    expect(cache.get(STARTTLS)).toMatchObject({ mode: 'any' });
  });

  it('have a limit: the least recently seen go', () => {
    const { cache } = known(3);
    const at = (port: number): CapabilityKey => ({ ...TLS, port });
    for (const port of [1, 2, 3]) cache.failed(at(port), ClientErrorCode.REFUSED);
    cache.worked(at(1));
    cache.worked(at(4));
    expect(cache.entries().map(([{ port }]) => port)).toEqual([3, 1, 4]);
  });

  it('can be forgotten, and restored from elsewhere: the later entry wins', () => {
    const { cache, now } = known();
    cache.worked(TLS);
    cache.worked(STARTTLS);
    cache.forget(TLS);
    expect(cache.get(TLS)).toBeUndefined();
    cache.restore([
      [TLS, { status: 'fails', since: 1, last: now() - 10, failures: 2, reason: ClientErrorCode.RESET }],
      [STARTTLS, { status: 'fails', since: 1, last: now() - 10, failures: 2, reason: ClientErrorCode.RESET }],
    ]);
    expect(cache.retryAt(TLS)).toBe(now() - 10 + DAY);
    expect(cache.get(STARTTLS)).toMatchObject({ status: 'works' });
    cache.forget();
    expect(cache.entries()).toEqual([]);
  });

  it('are not believed when they are dated later than now', () => {
    const { cache, now, pass } = known();
    cache.failed(TLS, ClientErrorCode.RESET);
    pass(-1);
    expect(cache.get(TLS)).toBeUndefined();
    expect(cache.entries()).toEqual([]);
    cache.restore([[TLS, { status: 'works', since: 1, last: now() + DAY, failures: 0 }]]);
    expect(cache.get(TLS)).toBeUndefined();
  });

  it('report changes that are worth keeping, not every answer', () => {
    const { cache, pass } = known();
    let changes = 0;
    cache.onChange(() => changes++);
    for (let i = 0; i < 1000; i++) cache.worked(TLS);
    expect(changes).toBe(1);
    pass(HOUR);
    cache.worked(TLS);
    cache.failed(TLS, ClientErrorCode.RESET);
    expect(changes).toBe(3);
  });

  it('never keep a transport from being tried for more than a day', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(2 * DAY)), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (all) => {
        const { cache, now, pass } = known();
        for (const [works, milliseconds] of all) {
          if (works) cache.worked(TLS);
          else cache.failed(TLS, ClientErrorCode.RESET);
          const retry = cache.retryAt(TLS);
          expect(retry === undefined).toBe(works);
          expect(retry ?? now() + HOUR).toBeGreaterThanOrEqual(now() + HOUR);
          expect(retry ?? 0).toBeLessThanOrEqual(now() + DAY);
          pass(milliseconds);
        }
      }),
      { seed: SEED },
    );
  });
});
