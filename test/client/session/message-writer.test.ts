/** Queries inside TLS have records of their own: many servers read one message of a record and lose the others. */
import { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/index.js';
import { ClientSession } from '../../../src/client/session/client-session.js';
import { PATIENCE } from '../../support/patience.js';
import { make } from '../../tls/support.js';
import { FakeClock } from '../fake-clock.js';
import { answer, framed, onMessages, TO, tcpServer, upgraded } from '../support.js';

const MANY = 20;
let certificate: TlsOptions;
beforeAll(async () => {
  certificate = await make();
});

/** Answers the first message of each record, as NSD and dnsdist do. node:tls gives the octets of each record by themselves. */
function readsOne(secure: TLSSocket, records: Buffer[]): void {
  secure.on('data', (octets) => {
    records.push(octets);
    secure.write(framed(answer(octets.subarray(2, 2 + octets.readUInt16BE()), { text: 'good', ednsFlags: 0 })));
  });
}

describe('queries of one moment', () => {
  it.each(['tls', 'starttls'] as const)(
    'are all answered over %s by a server that reads one message of a record',
    async (transport) => {
      const records: Buffer[] = [];
      await using server = await tcpServer((socket) => {
        if (transport === 'tls') return readsOne(upgraded(socket, certificate), records);
        onMessages(socket, (query) => {
          socket.write(framed(answer(query, { text: 'STARTTLS', ednsFlags: TO })));
          readsOne(upgraded(socket, certificate), records);
        });
      });
      await using client = createClient({ order: [transport], timeouts: { total: 10_000 } });
      const at = { address: server.address, port: server.port, tlsPort: server.port };
      const burst = () =>
        Promise.all(
          Array.from({ length: MANY }, (_, i) => client.resolve({ server: at, name: `n${i}.test`, type: 'TXT' })),
        );
      // The first burst waits for the session, the second has one.
      for (const one of [...(await burst()), ...(await burst())])
        expect(one).toMatchObject({ transport, attempts: [] });
      expect(records.map((octets) => octets.length - 2 - octets.readUInt16BE())).toEqual(Array(2 * MANY).fill(0));
      expect(server.connections()).toBe(1);
    },
  );
});

/** A socket whose writes end when the test says so. */
function slow() {
  const writes: Buffer[] = [];
  const ends: (() => void)[] = [];
  const socket = new Duplex({
    read: () => {},
    write(octets: Buffer, _encoding, done) {
      writes.push(octets);
      ends.push(done);
    },
    writev: (_all, _done) => expect.unreachable(),
  });
  return { socket, writes, end: () => ends.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a query that waits for the write before it', () => {
  it('is not sent when it was given up meanwhile; the next one is', async () => {
    const clock = new FakeClock();
    const { socket, writes, end } = slow();
    const session = new ClientSession(socket, true, 'the server', { clock });
    const ask = (name: string, timeoutMs: number) =>
      session.ask({ name, type: 16 }, { timeoutMs }).catch(({ code }: { code: string }) => code);
    const all = [ask('a.test', 1000), ask('b.test', 10), ask('c.test', 1000)];
    clock.advance(10);
    expect(writes).toHaveLength(1);
    end();
    await turn();
    expect(writes.map((octets) => octets.toString('latin1', 15, 16))).toEqual(['a', 'c']);
    end();
    session.destroy();
    expect(await Promise.all(all)).toEqual(['CLIENT_CLOSED', 'CLIENT_TIMED_OUT', 'CLIENT_CLOSED']);
  });

  it('is not sent when the session has ended', async () => {
    const { socket, writes, end } = slow();
    const session = new ClientSession(socket, true, 'the server');
    const asked = [1, 2].map(() =>
      session.ask({ name: 'a.test', type: 16 }, { timeoutMs: PATIENCE }).catch(() => 'over'),
    );
    void session.close();
    end();
    await turn();
    expect(writes).toHaveLength(1);
    expect(await Promise.all(asked)).toEqual(['over', 'over']);
    socket.destroy();
  });
});
