import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EncryptedTransport } from '../../../src/client/capabilities/capabilities.js';
import { type Client, type ClientOptions, type ClientServer, createClient } from '../../../src/client/index.js';
import { until } from '../../support/patience.js';
import { make } from '../../tls/support.js';
import { pinOf } from '../certificates.js';
import { FakeClock } from '../fake-clock.js';
import { type FaultyServer, faulty, type Kinds } from '../faulty.js';
import { settled, type TestServer, tcpServer } from '../support.js';

const NAME = 'private.secret.test';
let certificate: { cert: string; key: string };
beforeAll(async () => {
  certificate = await make({ names: ['ns.test'] });
});

/** A port for TLS that is silent until the gate is opened. `slam` resets its connections. */
interface Gate extends TestServer {
  open(): void;
  slam(): void;
}

async function gate(port: number): Promise<Gate> {
  const waiting: (() => void)[] = [];
  const slams: (() => void)[] = [];
  let isOpen = false;
  const server = await tcpServer((socket) => {
    socket.pause();
    const pass = (): void => {
      const behind = connect(port, '127.0.0.1');
      behind.on('error', () => {});
      socket.pipe(behind).pipe(socket);
    };
    if (isOpen) pass();
    else waiting.push(pass);
    slams.push(() => socket.resetAndDestroy());
  });
  return {
    ...server,
    open() {
      isOpen = true;
      for (const pass of waiting.splice(0)) pass();
    },
    slam: () => {
      for (const one of slams) one();
    },
  };
}

interface Scene {
  readonly client: Client;
  readonly clock: FakeClock;
  /** The port for TLS. */
  readonly gate: Gate;
  readonly faulty: FaultyServer;
  readonly server: ClientServer;
  ask(): Promise<{ transport: string; encrypted: boolean; attempts: string[] }>;
  status(transport: EncryptedTransport): string | undefined;
}

/** A client of a server whose TLS is behind a gate. */
async function scene(kinds: Partial<Kinds>, options: ClientOptions, act: (scene: Scene) => Promise<void>) {
  const clock = new FakeClock();
  const well: Kinds = { tls: 'good', starttls: 'good', udp: 'good', tcp: 'good', ...kinds };
  await using one = await faulty(well, { certificate });
  await using front = await gate(one.server.tlsPort);
  await using client = createClient({ clock, ...options });
  const server = { ...one.server, tlsPort: front.port };
  const ports = { tls: server.tlsPort, starttls: server.port };
  await act({
    client,
    clock,
    gate: front,
    faulty: one,
    server,
    status: (transport) => client.capabilities.get({ transport, address: '127.0.0.1', port: ports[transport] })?.status,
    async ask() {
      const { transport, encrypted, message, attempts } = await client.resolve({ server, name: NAME, type: 'TXT' });
      expect(message.answers.map(({ data }) => data)).toEqual([`"${transport}"`]);
      return { transport, encrypted, attempts: attempts.map((attempt) => attempt.transport) };
    },
  });
}

const eventually = (isSo: () => boolean): Promise<void> => until(String(isSo), isSo);

describe('a server that says nothing on its port for TLS', () => {
  it('is asked over STARTTLS after the head start, not sooner', async () => {
    await scene({}, {}, async ({ clock, gate, faulty: { counts }, ask }) => {
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(249);
      await settled();
      expect(counts.tcp).toBe(0);
      clock.advance(1);
      expect(await asked).toEqual({ transport: 'starttls', encrypted: true, attempts: [] });
      expect(counts).toMatchObject({ tcp: 1, starttlsQueries: 1, tlsQueries: 0, udpQueries: 0 });
    });
  });

  it('is known to have none after the time to open a session, even if the query has been answered; then it is left out', async () => {
    await scene({}, {}, async ({ clock, gate, ask, status }) => {
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(250);
      await asked;
      clock.advance(3749);
      await settled();
      expect([status('tls'), status('starttls')]).toEqual([undefined, 'works']);
      clock.advance(1);
      await eventually(() => status('tls') === 'fails');
      expect(await ask()).toMatchObject({ transport: 'starttls' });
      expect(gate.connections()).toBe(1);
    });
  });

  it('but speaks TLS in the end is known to, and asked over that session', async () => {
    await scene({}, {}, async ({ clock, gate, faulty: { counts }, ask, status }) => {
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(250);
      expect(await asked).toMatchObject({ transport: 'starttls' });
      gate.open();
      await eventually(() => status('tls') === 'works');
      expect(counts.tlsQueries).toBe(0);
      expect(await ask()).toMatchObject({ transport: 'tls', attempts: [] });
      expect(gate.connections()).toBe(1);
      // The other session is not needed: it is closed after its idle time.
      expect(clock.timers).toContain(10_000);
    });
  });

  it('is asked in cleartext after its time, not sooner', async () => {
    const timeouts = { cleartextAfter: 1000 };
    await scene({ starttls: 'no TO' }, { timeouts }, async ({ clock, gate, faulty: { counts }, ask, status }) => {
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(250);
      await eventually(() => status('starttls') === 'fails');
      clock.advance(749);
      await settled();
      expect(counts).toMatchObject({ udpQueries: 0, tcpQueries: 0 });
      clock.advance(1);
      expect(await asked).toEqual({ transport: 'udp', encrypted: false, attempts: ['starttls'] });
      clock.advance(2999);
      await settled();
      expect(status('tls')).toBeUndefined();
      clock.advance(1);
      await eventually(() => status('tls') === 'fails');
    });
  });

  it('is waited for once: the time counts for all queries from when the first began to wait', async () => {
    const timeouts = { cleartextAfter: 1000 };
    await scene({ starttls: 'no TO' }, { timeouts }, async ({ clock, gate, faulty: { counts }, ask, status }) => {
      const first = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(250);
      await eventually(() => status('starttls') === 'fails');
      clock.advance(749);
      const second = ask();
      await settled();
      expect(counts.udpQueries).toBe(0);
      clock.advance(1);
      expect([await first, await second]).toMatchObject([{ transport: 'udp' }, { transport: 'udp' }]);
      // Time stands still: a third query does not wait.
      expect(await ask()).toMatchObject({ transport: 'udp' });
      expect(gate.connections()).toBe(1);
    });
  });

  it('is asked in cleartext by default after 4 s, not sooner', async () => {
    await scene({ starttls: 'no TO' }, {}, async ({ clock, gate, faulty: { counts }, ask, status }) => {
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(250);
      await eventually(() => status('starttls') === 'fails');
      clock.advance(3749);
      await settled();
      expect(counts).toMatchObject({ udpQueries: 0, tcpQueries: 0 });
      clock.advance(1);
      expect(await asked).toMatchObject({ transport: 'udp' });
      await eventually(() => status('tls') === 'fails');
    });
  });

  it('is asked in cleartext at once if no query is to wait, and inside TLS once that session is open', async () => {
    await scene({}, { timeouts: { cleartextAfter: 0 } }, async ({ gate, ask, status, clock }) => {
      expect(await ask()).toMatchObject({ transport: 'udp', encrypted: false, attempts: [] });
      await eventually(() => gate.connections() === 1);
      gate.open();
      await eventually(() => status('tls') === 'works');
      expect(await ask()).toMatchObject({ transport: 'tls', encrypted: true });
      // Also after that session has ended: TLS is known to work, and is asked alone.
      clock.advance(10_000);
      expect(await ask()).toMatchObject({ transport: 'tls', encrypted: true });
    });
  });

  it('is asked over it in the end when cleartext does no good', async () => {
    const kinds = { starttls: 'no TO', udp: 'refused port', tcp: 'servfail' } as const;
    await scene(kinds, { timeouts: { cleartextAfter: 0 } }, async ({ gate, faulty: { counts }, ask }) => {
      const asked = ask();
      await eventually(() => counts.tcpQueries === 1);
      gate.open();
      expect(await asked).toMatchObject({ transport: 'tls', attempts: ['udp'] });
    });
  });
});

describe('staggered TLS and STARTTLS', () => {
  it('does not begin STARTTLS when TLS is open in time', async () => {
    await scene({}, {}, async ({ clock, gate, faulty: { counts }, ask }) => {
      gate.open();
      expect(await ask()).toEqual({ transport: 'tls', encrypted: true, attempts: [] });
      clock.advance(9000);
      expect(await ask()).toMatchObject({ transport: 'tls' });
      expect(counts).toMatchObject({ tcp: 0, tls: 1, tlsQueries: 2 });
    });
  });

  it('begins both at once without a head start, and asks once', async () => {
    await scene({}, { timeouts: { headStart: 0 } }, async ({ gate, faulty: { counts }, ask }) => {
      expect(await ask()).toMatchObject({ transport: 'starttls' });
      await eventually(() => gate.connections() === 1);
      expect(counts).toMatchObject({ tlsQueries: 0, starttlsQueries: 1, udpQueries: 0, tcpQueries: 0 });
    });
  });

  it('begins in the given order', async () => {
    const options: ClientOptions = { order: ['starttls', 'tls'] };
    await scene({ starttls: 'dropped dummy' }, options, async ({ clock, gate, faulty: { counts }, ask }) => {
      gate.open();
      const asked = ask();
      await eventually(() => counts.tcp === 1);
      clock.advance(249);
      await settled();
      expect(gate.connections()).toBe(0);
      clock.advance(1);
      expect(await asked).toMatchObject({ transport: 'tls' });
    });
  });

  it('goes on when the first session brings no answer; cleartext waits for that', async () => {
    const timeouts = { cleartextAfter: 1000 };
    await scene({ tls: 'silent' }, { timeouts }, async ({ clock, gate, faulty: { counts }, ask }) => {
      gate.open();
      const asked = ask();
      await eventually(() => counts.tlsQueries === 1);
      clock.advance(3999);
      await settled();
      expect(counts).toMatchObject({ tcp: 0, udpQueries: 0 });
      clock.advance(1);
      expect(await asked).toEqual({ transport: 'starttls', encrypted: true, attempts: ['tls'] });
    });
  });

  it('does not begin when one of them is known to work: that is asked alone', async () => {
    await scene({}, {}, async ({ client, clock, gate, faulty: { counts }, server, ask }) => {
      const { tlsPort: port = 0 } = server;
      client.capabilities.worked({ transport: 'tls', address: '127.0.0.1', port });
      const asked = ask();
      await eventually(() => gate.connections() === 1);
      clock.advance(3999);
      await settled();
      expect(counts).toMatchObject({ tcp: 0, udpQueries: 0 });
      clock.advance(1);
      expect(await asked).toMatchObject({ transport: 'starttls', attempts: ['tls'] });
    });
  });

  it('is all that the pre-deployed profile has, and does not show the name', async () => {
    const verification = { kind: 'pin', pins: [pinOf(certificate.cert)] } as const;
    const timeouts = { headStart: 0, cleartextAfter: 0 };
    await scene({}, { profile: 'pre-deployed', verification, timeouts }, async ({ faulty: { counts, plain }, ask }) => {
      expect(await ask()).toMatchObject({ transport: 'starttls', encrypted: true });
      expect(Buffer.concat(plain).toString('latin1').toLowerCase()).not.toMatch(/private|secret/);
      expect(counts).toMatchObject({ udpQueries: 0, tcpQueries: 0 });
    });
  });

  it('asks nothing when it is given up, and leaves no timers', async () => {
    await scene({}, {}, async ({ client, clock, gate, faulty: { counts }, server }) => {
      const controller = new AbortController();
      const { signal } = controller;
      const asked = client.resolve({ server, name: NAME, type: 'TXT', signal });
      const failed = expect(asked).rejects.toMatchObject({ code: 'CLIENT_ABORTED' });
      await eventually(() => gate.connections() === 1);
      controller.abort();
      await failed;
      expect(clock.timers).toEqual([4000]);
      clock.advance(4000);
      await settled();
      expect(clock.timers).toEqual([]);
      expect(counts).toMatchObject({ tcp: 0, udpQueries: 0 });
    });
  });
});

describe('many first queries at once', () => {
  it('open one connection for each transport; more only when one is open and full', async () => {
    await scene({}, {}, async ({ clock, gate, faulty: { counts }, ask }) => {
      const all = Promise.all(Array.from({ length: 250 }, ask));
      await eventually(() => gate.connections() === 1);
      await settled();
      expect(gate.connections()).toBe(1);
      clock.advance(250);
      for (const { transport } of await all) expect(transport).toBe('starttls');
      expect(gate.connections()).toBe(1);
      expect(counts.tcp).toBeLessThanOrEqual(3);
      expect(counts.starttlsQueries).toBe(250);
    });
  });

  it('share the failure of the one connection', async () => {
    await scene({}, { order: ['tls'] }, async ({ gate, ask }) => {
      const all = Promise.allSettled(Array.from({ length: 250 }, ask));
      await eventually(() => gate.connections() === 1);
      gate.slam();
      for (const { status } of await all) expect(status).toBe('rejected');
      expect(gate.connections()).toBe(1);
    });
  });
});
