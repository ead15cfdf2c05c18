/** The outage of a transport that queries cannot do without: what it costs, and when it is tried again. */
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/client/client-settings.js';
import { ClientError, ClientErrorCode } from '../../../src/client/errors.js';
import { ClientSession } from '../../../src/client/session/client-session.js';
import type { OpenSession } from '../../../src/client/session/connect.js';
import { ConnectionPool } from '../../../src/client/transports/connection-pool.js';
import { Outage } from '../../../src/client/transports/outage.js';
import { FakeClock } from '../fake-clock.js';

const ESTABLISH = 4000;
const swallowed = (): ClientError =>
  new ClientError(ClientErrorCode.TIMED_OUT, 'no TLS handshake', { step: 'handshake' });
/** Lets callbacks of settled promises run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A pool whose sessions take `takes.ms` to open; they fail with `takes.error`. */
function bench(lastResort = true) {
  const clock = new FakeClock();
  const takes: { ms: number; error: ClientError | undefined } = { ms: ESTABLISH, error: swallowed() };
  let openings = 0;
  const open = (): Promise<OpenSession> =>
    new Promise((resolve, reject) => {
      openings++;
      const { ms, error } = takes;
      const socket = new Duplex({ read: () => {}, write: (_octets, _encoding, done) => done() });
      const session = new ClientSession(socket, true, 'the server', { clock });
      const server = { address: '192.0.2.53', port: 853 };
      const opened = { server, session, tls: undefined, upgrade: undefined, times: {}, ticket: () => undefined };
      clock.after(ms, () => (error === undefined ? resolve(opened) : reject(error)));
    });
  const pool = new ConnectionPool({ ...settingsOf({}).poolLimits, about: 'the server', clock, open, lastResort });
  /** The milliseconds that one query takes to have a place, and whether it has one; the clock is moved on meanwhile. */
  const reserve = async () => {
    const began = clock.now();
    let done: Awaited<ReturnType<typeof pool.reserve>> | undefined;
    void pool.reserve({ clock, at: began + 30_000, signal: undefined }).then((reserved) => {
      done = reserved;
    });
    for (await turn(); done === undefined; await turn()) clock.advance(clock.timers[0] ?? 0);
    if ('place' in done) done.place.giveBack();
    return { took: clock.now() - began, ...('place' in done ? { opened: true } : { opened: false, ...done }) };
  };
  return { clock, takes, pool, reserve, openings: () => openings };
}

describe('a handshake that is swallowed', () => {
  it('costs its time once; then queries fail at once, with the same reason', async () => {
    const { reserve, openings } = bench();
    expect(await reserve()).toMatchObject({ took: ESTABLISH, opened: false, neverAnswered: true });
    for (let i = 0; i < 10; i++)
      expect(await reserve()).toMatchObject({
        took: 0,
        error: { code: 'CLIENT_TIMED_OUT', step: 'handshake', message: 'no TLS handshake; not tried again for 4 s' },
        // It is no news, so that the capability is not noted anew.
        neverAnswered: false,
      });
    expect(openings()).toBe(1);
  });

  it('is tried again after as long as it took, then after twice as long, at last every 5 minutes; for a second', async () => {
    const { clock, reserve } = bench();
    await reserve();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const from = clock.now();
      while ((await reserve()).took === 0) clock.advance(1000);
      // The opening goes on for its whole time.
      clock.advance(ESTABLISH - 1000);
      await turn();
      pauses.push(clock.now() - from - ESTABLISH);
    }
    expect(pauses).toEqual([4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
    expect(await reserve()).toMatchObject({ took: 0, opened: false });
  });

  it('is over with the first session that opens, also when that took longer than a query waits', async () => {
    const { clock, takes, reserve, openings } = bench();
    await reserve();
    clock.advance(ESTABLISH);
    takes.error = undefined;
    takes.ms = 3000;
    expect(await reserve()).toMatchObject({ took: 1000, opened: false, error: { step: 'handshake' } });
    expect(await reserve()).toMatchObject({ took: 0, opened: false });
    clock.advance(2000);
    await turn();
    expect(await reserve()).toMatchObject({ took: 0, opened: true });
    expect(openings()).toBe(2);
  });

  it('costs nothing to remember where it fails at once, and is tried with every query', async () => {
    const { takes, reserve, openings } = bench();
    takes.ms = 10;
    for (let i = 0; i < 3; i++) expect(await reserve()).toMatchObject({ took: 10, neverAnswered: true });
    expect(openings()).toBe(3);
  });

  it('is not remembered by the pool where cleartext stands behind it', async () => {
    const { reserve } = bench(false);
    for (let i = 0; i < 2; i++) expect(await reserve()).toMatchObject({ took: ESTABLISH, neverAnswered: true });
  });

  it('costs a query that comes in the middle of it no more than what is left', async () => {
    const { clock, pool, reserve, openings } = bench();
    void pool.reserve({ clock, at: clock.now() + 30_000, signal: undefined });
    clock.advance(3000);
    expect(await reserve()).toMatchObject({ took: 1000, opened: false });
    expect(openings()).toBe(1);
  });
});

describe('an outage', () => {
  it('begins anew when a session has opened between two failures', () => {
    const clock = new FakeClock();
    const outage = new Outage(clock);
    /** Whether the transport is to be tried after so many milliseconds. */
    const tried = (milliseconds: number): boolean => {
      clock.advance(milliseconds);
      try {
        outage.check();
        return true;
      } catch (error) {
        expect(error).toBe(outage.error);
        return false;
      }
    };
    const fail = (): void => outage.failed(swallowed(), clock.elapsed() - ESTABLISH);
    fail();
    expect([tried(0), tried(3999), tried(1)]).toEqual([false, false, true]);
    fail();
    expect(outage.error?.message).toBe('no TLS handshake; not tried again for 8 s');
    expect([tried(7999), tried(1)]).toEqual([false, true]);
    outage.ended();
    expect(outage.error).toBeUndefined();
    fail();
    expect([tried(3999), tried(1)]).toEqual([false, true]);
    expect(outage.error?.code).toBe('CLIENT_TIMED_OUT');
  });
});
