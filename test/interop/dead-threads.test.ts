/**
 * Threads that die or loop under load, in a server without privileges on ports 53 and 853 of a network namespace: how many queries
 * are lost, how soon new threads answer, and that those have no privileges either. Needs root.
 */
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildQuery } from '../support/message.js';
import { Misdeed } from '../support/misdeed.mjs';
import {
  type Asked,
  askSteadily,
  handingOver,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  NOBODY,
  openFolder,
  PROGRAM,
  removeNamespace,
  type ServerInNamespace,
  serveIn,
  writeSettings,
} from './namespace.js';

const CLIENT_HELLOS = fileURLToPath(new URL('client-hellos.mjs', import.meta.url));
const ZONE = '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n';
const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A' });
const HOST = '127.0.0.1';
const UDP_RATE = 500;
const STREAM_RATE = 20;

/**
 * Queries that may be lost with one thread: its current batch, mostly one query. If the queries that wait in the socket were lost
 * too, it would be about 100 for a thread that loops and 25 for one that throws.
 */
const LOST_BY_DEATH = 8;
/** Milliseconds until a new thread must answer, on the busiest machine. On an idle machine it takes a second at most. */
const BACK = 30_000;

const missing = missingForNamespaces();

describe.skipIf(missing)(`threads that die${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = openFolder();
  writeFileSync(join(folder, 'a.test.zone'), ZONE);
  let namespace: Namespace;
  beforeEach(async () => {
    namespace = await makeNamespace();
  });
  afterEach(() => removeNamespace(namespace));

  /** Under load, makes one worker of each kind throw and the other one loop; returns the asker's results. */
  async function disturb(
    server: ServerInNamespace,
    note: (text: string) => unknown,
  ): Promise<Readonly<Record<string, Asked>>> {
    const asker = askSteadily(namespace, { host: HOST, query: QUERY, udpRate: UDP_RATE, streamRate: STREAM_RATE });
    await sleep(500);
    for (const kind of ['udp', 'stream'] as const) {
      for (const [number, misdeed] of [Misdeed.THROW, Misdeed.SPIN].entries()) {
        const name = `${kind} worker ${number + 1}`;
        server.order(`misbehave ${kind} ${number} ${misdeed}`);
        const died = await server.logged(new RegExp(`^${name} died: .*; it is started again at once$`));
        const back = await server.logged(new RegExp(`^${name} answers again$`));
        const reason = misdeed === Misdeed.THROW ? / died: made to throw; / : / did not move for (\d+) ms, it loops; /;
        expect(died.msg).toMatch(reason);
        const stood = Number(reason.exec(died.msg)?.[1] ?? 0);
        await note(`${name}: ${stood} ms until it was found, back after ${back.time - died.time} ms`);
        expect(back.time - died.time + stood).toBeLessThan(BACK);
        await sleep(300);
      }
    }
    const asked = await asker.end();
    for (const [transport, { asked: all, lost, slowest }] of Object.entries(asked)) {
      await note(`${transport}: ${lost.length} of ${all} lost, the slowest answer took ${slowest} ms`);
    }
    return asked;
  }

  /** Two workers of each kind have died. */
  function expectLittleLost({ udp, tcp, tls }: Readonly<Record<string, Asked>>): void {
    for (const [transport, rate] of [
      [udp, UDP_RATE] as const,
      [tcp, STREAM_RATE] as const,
      [tls, STREAM_RATE] as const,
    ]) {
      expect(transport?.asked).toBeGreaterThan(rate);
      expect(transport?.lost.length).toBeLessThanOrEqual(2 * LOST_BY_DEATH);
      expect(transport?.slowest).toBeLessThan(BACK);
    }
  }

  /** Users and capabilities of all threads, each kind once. */
  function privileges({ pid }: ServerInNamespace): string[] {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return ['Uid', 'CapPrm', 'CapEff']
        .map((name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1])
        .join(' ');
    });
    expect(threads.length).toBeGreaterThan(8);
    return [...new Set(threads)];
  }
  const NONE = '0'.repeat(16);
  const UNPRIVILEGED = [`${Array(4).fill(NOBODY).join('\t')} ${NONE} ${NONE}`];

  it('are back on ports 53 and 853 after root has become nobody, and lose the batch in hand only', async ({
    annotate,
  }) => {
    const config = writeSettings(folder, { user: 'nobody', workers: 2 });
    await using server = await serveIn(namespace, [...PROGRAM, config]);
    await server.logged(/^queries are answered by threads: 2 for UDP \(recvmmsg\), 2 for streams/);
    expect(privileges(server)).toEqual(UNPRIVILEGED);
    expectLittleLost(await disturb(server, annotate));
    expect(privileges(server)).toEqual(UNPRIVILEGED);
  });

  it('are back on sockets that were handed over to a server that was never root', async ({ annotate }) => {
    const config = writeSettings(folder, { workers: 2, tls: { certs_folder: join(folder, 'handed') } });
    const sockets = [
      { type: 'udp', address: HOST, port: 53 },
      { type: 'tcp', address: HOST, port: 53 },
      { type: 'tcp', address: HOST, port: 853 },
    ] as const;
    mkdirSync(join(folder, 'handed'));
    chownSync(join(folder, 'handed'), NOBODY, NOBODY);
    await using server = await serveIn(namespace, handingOver({ sockets, user: NOBODY }, [...PROGRAM, config]));
    await server.logged(/^sockets were handed over: UDP 127\.0\.0\.1:53, TCP 127\.0\.0\.1:53, TLS 127\.0\.0\.1:853/);
    await server.logged(/^queries are answered by threads: 2 for UDP \(recvmmsg\), 2 for streams/);
    expect(privileges(server)).toEqual(UNPRIVILEGED);
    expectLittleLost(await disturb(server, annotate));
    expect(privileges(server)).toEqual(UNPRIVILEGED);
  });

  it('are not those that have 1500 handshakes to compute at once', async () => {
    const config = writeSettings(folder, { workers: 1, sessions: { max_per_client: 2000, handshake_timeout: 60 } });
    await using server = await serveIn(namespace, [...PROGRAM, config]);
    const words = [CLIENT_HELLOS, String(server.pid), '1500'];
    expect(JSON.parse(await namespace.demand(process.execPath, ...words))).toEqual({ answered: 1500, closed: 0 });
    expect(server.log().filter(({ msg }) => / died: /.test(msg))).toEqual([]);
  });
});
