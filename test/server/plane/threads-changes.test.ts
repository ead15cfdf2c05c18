/** What the control thread changes reaches the threads at once, idle or busy; changes under load cost no client its answer. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TlsSettings } from '../../../src/tls/tls-context.js';
import { framed } from '../../load/client.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { misbehavingWorkers } from '../../support/misbehaving-workers.mjs';
import { Misdeed } from '../../support/misdeed.mjs';
import { SEED } from '../../support/seed.js';
import { STREAMS } from '../../support/streams-path.js';
import { startThreads, type ThreadedServer } from '../../support/threads.js';
import { certified } from '../../tls/openssl/support.js';

/** `ADOTD_SEED=any COUNT=5000` for a long run. */
const COUNT = Number(process.env.COUNT ?? 60);
const folder = mkdtempSync(join(tmpdir(), 'adotd-changes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const TLS = { tls: { certs_folder: folder } };

const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A' });
const zone = (address: string): string =>
  `@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A ${address}\n`;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Numbers below a limit, the same for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** Milliseconds of rest: those of the borders at which a waiting thread looks up, and others. */
function restOf(random: (below: number) => number): number {
  return [0, 0, 0, 1, 5, 19, 20, 21, 49, 50, 51, 100][random(12)]! + random(3) / 2;
}

/** Asks over UDP 2,000 times a second while it is `busy`, so that a worker waits by receiving. */
async function busyUdp(port: number): Promise<Disposable & { busy: boolean }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const load = {
    busy: false,
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.close();
    },
  };
  const timer = setInterval(() => {
    if (load.busy) for (let i = 0; i < 4; i++) socket.send(QUERY, port, '127.0.0.1');
  }, 2);
  return load;
}

/** How long orders took, in milliseconds: printed, for a person to judge. */
function report(what: string, took: number[]): void {
  const sorted = took.sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  console.log(
    `${what}, seed ${SEED}: ${sorted.length} orders, median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms`,
  );
}

/** A handshake, and an answer. Rejects when the connection ends before. */
async function visit(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['dot'], ...options });
  const closed = new Promise<never>((_, reject) => {
    client.once('close', () => reject(new Error('the connection was closed')));
  });
  closed.catch(() => {});
  try {
    await Promise.race([once(client, 'secureConnect'), closed]);
    client.write(framed(QUERY));
    await Promise.race([once(client, 'data'), closed]);
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}

async function leave(client: TLSSocket): Promise<void> {
  const closed = client.closed || once(client, 'close');
  client.end().resume();
  await closed;
}

/** How often a thread that had died was back. */
const answering = ({ log }: ThreadedServer): number =>
  log.filter(({ message }) => message.endsWith('answers again')).length;

async function settingsOf({ server }: ThreadedServer, certificates: TlsSettings['certificates']): Promise<TlsSettings> {
  const { tlsService } = server;
  if (tlsService === undefined) throw new Error('TLS is not served');
  return { ...tlsService.settings, certificates };
}

describe('a change', () => {
  it('of a zone is answered over UDP as soon as its reload is done, at any moment', {
    timeout: 60_000 + COUNT * 300,
  }, async () => {
    const random = randomFrom(SEED);
    const zones: Record<string, string> = { 'a.test': zone('192.0.2.0') };
    await using running = await startThreads(zones);
    using load = await busyUdp(running.port);
    const took: number[] = [];
    for (let round = 1; round <= COUNT; round++) {
      if (random(20) === 0) load.busy = !load.busy;
      await wait(restOf(random));
      const address = `192.0.${round >> 8}.${round & 255}`;
      zones['a.test'] = zone(address);
      const began = performance.now();
      await running.server.reload();
      took.push(performance.now() - began);
      const answer = await askUdp(running, QUERY);
      expect([SEED, round, answer && decodeMessage(answer).answer[0]?.text]).toEqual([SEED, round, address]);
    }
    report('zones', took);
  });

  it('of a certificate is seen by the next handshake, at any moment', { timeout: 60_000 + COUNT * 300 }, async () => {
    const random = randomFrom(SEED);
    await using running = await startThreads({ 'a.test': zone('192.0.2.0') }, TLS);
    const names = ['one.test', 'two.test', 'three.test'];
    const served = await Promise.all(names.map((name) => settingsOf(running, [certified('P-256', name)])));
    const took: number[] = [];
    let open: TLSSocket[] = [];
    for (let round = 0; round < COUNT; round++) {
      // Sessions that are open keep what they have, and have their timers.
      if (random(10) === 0) {
        await Promise.all(open.splice(0).map(leave));
        open = await Promise.all(Array.from({ length: random(4) }, () => visit(running.tlsPort)));
      }
      await wait(restOf(random));
      for (const client of open) if (random(2) === 0) client.write(framed(QUERY));
      const began = performance.now();
      await running.plane.replaceTls(served[round % names.length]!);
      took.push(performance.now() - began);
      const client = await visit(running.tlsPort);
      const found = client.getPeerCertificate().subjectaltname;
      expect([SEED, round, found]).toEqual([SEED, round, `DNS:${names[round % names.length]}`]);
      await leave(client);
    }
    report('certificates', took);
    await Promise.all(open.map(leave));
    if (STREAMS === 'epoll') await expect.poll(() => running.plane.status.tlsEngine?.open).toBe(0);
  });
});

describe('certificates that change under load, while workers end', () => {
  const NAMES = ['one.test', 'two.test'];
  const KINDS = { ecdsa: 'P-256', rsa: 'RSA 2048' };
  let generations: TlsSettings['certificates'][];
  beforeAll(() => {
    generations = [1, 2, 3].map(() =>
      NAMES.flatMap((name) => Object.values(KINDS).map((kind) => certified(kind, name))),
    );
  });

  it('cost no client its answer, but those of a worker that ended, and leave nothing behind', {
    timeout: 60_000 + COUNT * 1000,
  }, async () => {
    const random = randomFrom(SEED);
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.0') }, { ...TLS, workers: 2 }, workers.spawn);
    const { plane, tlsPort } = running;
    const served = await Promise.all(generations.map((certificates) => settingsOf(running, certificates)));
    await plane.replaceTls(served[0]!);
    await leave(await visit(tlsPort));
    const before = descriptors();
    let loading = true;
    let ended = 0;
    const wrong: unknown[] = [];
    const seen = { answered: 0, lost: 0 };
    const customer = async (): Promise<void> => {
      while (loading) {
        const kind = random(2) === 0 ? 'rsa' : 'ecdsa';
        const servername = [...NAMES, ''][random(3)]!;
        const version = random(2) === 0 ? 'TLSv1.2' : 'TLSv1.3';
        const sigalgs = kind === 'rsa' ? 'rsa_pss_rsae_sha256' : 'ecdsa_secp256r1_sha256';
        const endedBefore = ended;
        // Where a worker is being ended already, too.
        const sound = answering(running) === ended;
        try {
          const client = await visit(tlsPort, { servername, sigalgs, minVersion: version, maxVersion: version });
          const { subjectaltname, bits } = client.getPeerCertificate();
          const expected = [`DNS:${servername || NAMES[0]}`, kind === 'rsa' ? 2048 : 256];
          if (subjectaltname !== expected[0] || bits !== expected[1]) wrong.push([subjectaltname, bits, expected]);
          await leave(client);
          seen.answered++;
        } catch (error) {
          if (sound && endedBefore === ended) wrong.push(error);
          else seen.lost++;
        }
      }
    };
    const customers = Array.from({ length: 8 }, customer);
    for (let round = 0; round < COUNT; round++) {
      await wait(50);
      await plane.replaceTls(served[round % served.length]!);
      // A worker that dies three times within seconds leaves epoll.
      if (round % 20 !== 10 || (ended >= 4 && round % 400 !== 10)) continue;
      ended++;
      workers.misbehave('stream', ended % 2, Misdeed.THROW);
      await expect.poll(() => answering(running)).toBe(ended);
    }
    loading = false;
    await Promise.all(customers);
    console.log(`seed ${SEED}: ${seen.answered} answered, ${seen.lost} lost with ${ended} workers that ended`);
    expect(wrong).toEqual([]);
    expect(seen.answered).toBeGreaterThan(COUNT);
    if (STREAMS === 'epoll') {
      const counts = { open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 };
      await expect.poll(() => plane.status.tlsEngine).toEqual(counts);
    }
    await expect.poll(descriptors).toBeLessThanOrEqual(before);
  });
});
