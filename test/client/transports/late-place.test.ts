import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import type { EncryptedTransport } from '../../../src/client/capabilities/capabilities.js';
import { createCapabilityCache } from '../../../src/client/capabilities/capabilities.js';
import { settingsOf } from '../../../src/client/client-settings.js';
import { ClientSession } from '../../../src/client/session/client-session.js';
import type { OpenSession } from '../../../src/client/session/connect.js';
import { ConnectionPool } from '../../../src/client/transports/connection-pool.js';
import { resolveQuery } from '../../../src/client/transports/resolution.js';
import { targetOf } from '../../../src/client/transports/target.js';
import type { Transports } from '../../../src/client/transports/transports.js';
import { FakeClock } from '../fake-clock.js';
import { answer, framed } from '../support.js';

/** Pools whose sessions open when `openBoth` is called, and the arguments of `resolveQuery`. */
async function bench() {
  const clock = new FakeClock();
  const settings = settingsOf({ clock, timeouts: { headStart: 1 } });
  let openBoth = (): void => {};
  const opened = new Promise<void>((resolve) => {
    openBoth = resolve;
  });
  const open = async (): Promise<OpenSession> => {
    await opened;
    const socket: Duplex = new Duplex({
      read: () => {},
      write(octets: Buffer, _encoding, done) {
        socket.push(framed(answer(octets.subarray(2))));
        done();
      },
    });
    const server = { address: '192.0.2.53', port: 853 };
    const session = new ClientSession(socket, true, 'the server', { clock });
    return { server, session, tls: undefined, upgrade: undefined, times: { connect: 0 }, ticket: () => undefined };
  };
  const poolOf = (about: string) => new ConnectionPool({ ...settings.poolLimits, about, clock, open });
  const pools: Readonly<Record<string, ReturnType<typeof poolOf>>> = {
    tls: poolOf('tls'),
    starttls: poolOf('starttls'),
  };
  const pool = (transport: string) => {
    const found = pools[transport];
    if (found === undefined) throw new Error(`nobody should ask over ${transport}`);
    return found;
  };
  const begun: EncryptedTransport[] = [];
  const transports: Transports = {
    reserve(transport, _target, deadline) {
      begun.push(transport === 'tls' ? 'tls' : 'starttls');
      return pool(transport).reserve(deadline);
    },
    outcome: (transport) => pool(transport).outcome(),
    ask: (transport, _target, query, deadline, place) => pool(transport).ask(query, 1000, deadline, place),
    live: () => false,
    waited: () => 0,
    async close() {},
  };
  const deadline = { clock, at: clock.elapsed() + 10_000, signal: undefined };
  const target = await targetOf('192.0.2.53', settings, deadline);
  const capabilities = createCapabilityCache({ now: () => clock.now() });
  const start = (over: Transports) =>
    resolveQuery({ name: 'www.test', type: 1 }, target, deadline, { settings, transports: over, capabilities });
  return { clock, pool, begun, transports, openBoth, start, capabilities };
}

it('two sessions that open at the same moment: the place in the one that is not asked is given back', async () => {
  const { clock, pool, begun, transports, openBoth, start } = await bench();
  const resolving = start(transports);
  clock.advance(2);
  expect(begun).toEqual(['tls', 'starttls']);
  openBoth();
  expect((await resolving).transport).toBe('tls');
  await new Promise(setImmediate);
  expect([pool('tls').busy, pool('starttls').busy]).toEqual([false, false]);
});

it('a place that comes after the answer is given back, and its transport works', async () => {
  const { clock, pool, transports, openBoth, start, capabilities } = await bench();
  let giveStarttls = (): void => {};
  let asked = false;
  let givenBack = 0;
  const over: Transports = {
    ...transports,
    reserve(transport, target, deadline) {
      if (transport === 'tls') return transports.reserve(transport, target, deadline);
      asked = true;
      return new Promise((resolve) => {
        giveStarttls = () =>
          void pool('starttls')
            .reserve({ ...deadline, signal: undefined })
            .then((reserved) => {
              if (!('place' in reserved)) throw reserved.error;
              const giveBack = (): void => {
                givenBack++;
                reserved.place.giveBack();
              };
              resolve({ place: { ...reserved.place, giveBack } });
            });
      });
    },
    outcome: async () => undefined,
  };
  const resolving = start(over);
  clock.advance(2);
  expect(asked).toBe(true);
  openBoth();
  expect((await resolving).transport).toBe('tls');
  giveStarttls();
  await expect.poll(() => givenBack).toBe(1);
  expect(pool('starttls').busy).toBe(false);
  await expect
    .poll(() => capabilities.get({ transport: 'starttls', address: '192.0.2.53', port: 53 })?.status)
    .toBe('works');
});
