/** What `adotd report` says of a server against what its clients know that they did: counts, octets, handshakes, and how many they were. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/make-report.js';
import { adotd, adotdServe, ROOT, type Serving } from '../support/cli.js';
import { dnsperf } from './counted-dnsperf.js';
import { missingPrograms, starttls } from './support.js';

const missing = missingPrograms({ dnsperf: 'dnsperf', python3: 'python3' });
const folder = mkdtempSync(join(tmpdir(), 'adotd-report-'));
let server: Serving | undefined;
afterEach(async () => void (await server?.stop()));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of one transport, as clients have counted it. */
class Tally {
  queries = 0;
  octetsIn = 0;
  octetsOut = 0;
  /** Of TCP's payload. */
  streamIn = 0;
  streamOut = 0;
  sessions = 0;
}

/** A query for www.home.test, type A, without EDNS. */
const QUERY = Buffer.concat([
  Buffer.from('1234010000010000000000000377777704686f6d650474657374000001', 'hex'),
  Buffer.from([0, 1]),
]);
/** A query for large.test, type TXT, whose answer is larger than 512 octets. */
const LARGE = Buffer.from('123401000001000000000000056c6172676504746573740000100001', 'hex');
const FRAMED = Buffer.concat([Buffer.from([0, QUERY.length]), QUERY]);

/** An address of loopback for a client. */
const addressOf = (number: number): string => `127.1.${number >> 8}.${number & 0xff}`;

async function askUdp(port: number, address: string, times: number, tally: Tally, query = QUERY): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  for (let i = 0; i < times; i++) {
    socket.send(query, port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    tally.queries++;
    tally.octetsIn += query.length;
    tally.octetsOut += answer.length;
  }
  socket.close();
}

/** Asks one after the other on a stream, and closes it. `raw`: what the octets go over. */
async function askStream(stream: Socket, raw: Socket, times: number, tally: Tally): Promise<void> {
  let received = Buffer.alloc(0);
  for (let i = 0; i < times; i++) {
    stream.write(FRAMED);
    while (received.length < 2 || received.length < 2 + received.readUInt16BE(0))
      received = Buffer.concat([received, ((await once(stream, 'data')) as [Buffer])[0]]);
    tally.queries++;
    tally.octetsIn += QUERY.length;
    tally.octetsOut += received.readUInt16BE(0);
    received = received.subarray(2 + received.readUInt16BE(0));
  }
  const closed = once(raw, 'close');
  stream.end();
  await closed;
  tally.sessions++;
  tally.streamIn += raw.bytesWritten;
  tally.streamOut += raw.bytesRead;
}

async function askTcp(port: number, localAddress: string, times: number, tally: Tally): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  await once(socket, 'connect');
  await askStream(socket, socket, times, tally);
}

/** Returns the session, to resume it. */
async function askTls(port: number, localAddress: string, times: number, tally: Tally, session?: Buffer) {
  const raw = connect({ port, host: '127.0.0.1', localAddress });
  await once(raw, 'connect');
  const options = { socket: raw, rejectUnauthorized: false, ALPNProtocols: ['dot'], servername: 'ns1.home.test' };
  const secure = connectTls({ ...options, ...(session && { session }) });
  let ticket: Buffer | undefined;
  secure.on('session', (given: Buffer) => (ticket = given));
  await once(secure, 'secureConnect');
  const resumed = secure.isSessionReused();
  await askStream(secure, raw, times, tally);
  return { ticket, resumed };
}

/** Has a handshake fail since no protocol of ALPN is shared. */
async function failTls(port: number, localAddress: string, tally: Tally): Promise<void> {
  const raw = connect({ port, host: '127.0.0.1', localAddress });
  const secure = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  // once() would reject with the error that is to come.
  await new Promise<void>((resolve) => secure.on('error', () => {}).once('close', () => resolve()));
  tally.streamIn += raw.bytesWritten;
  tally.streamOut += raw.bytesRead;
}

/** Sessions of dnsperf over each transport: one in seven of a thread is measured, and there are two threads. */
const SESSIONS = 16;

const LOAD = { folder, queries: ['www.home.test A'], options: ['-c', String(SESSIONS), '-q', '20', '-t', '20'] };

const socket = join(folder, 'control.sock');

function start(zones = join(ROOT, 'zones')): Promise<Serving> {
  const file = join(folder, 'adotd.yaml');
  const lines = [
    'listen: [127.0.0.1]',
    'workers: 2',
    `zones: { folder: ${zones} }`,
    `tls: { certs_folder: ${join(folder, 'certs')} }`,
    `state: { folder: ${join(folder, 'state')} }`,
    `control: { socket: ${socket} }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return adotdServe('--config', file);
}

async function reportOf(...words: readonly string[]): Promise<Report> {
  const { status, stdout, stderr } = await adotd('report', '--since', '1h', '--format', 'json', ...words);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Report;
}

/** Clients of each transport; the ranges overlap. */
const CLIENTS = { udp: [0, 700], tcp: [600, 900], tls: [800, 1000] } as const;
const ALL = 1000;

describe.skipIf(missing)(`the report of a server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('tells what its clients did, also after a restart, and of two reports the sum', async () => {
    const [udp, tcp, tls] = [new Tally(), new Tally(), new Tally()];
    const tickets: (Buffer | undefined)[] = [];
    server = await start();
    for (let client = CLIENTS.udp[0]; client < CLIENTS.udp[1]; client++)
      await askUdp(server.port, addressOf(client), 1 + (client % 3), udp);
    for (let client = CLIENTS.tcp[0]; client < CLIENTS.tcp[1]; client++)
      await askTcp(server.port, addressOf(client), 1 + (client % 5), tcp);
    for (let client = CLIENTS.tls[0]; client < CLIENTS.tls[1]; client++)
      tickets.push((await askTls(server.tlsPort, addressOf(client), 1 + (client % 4), tls)).ticket);
    let resumed = 0;
    for (const [i, ticket] of tickets.slice(0, 40).entries())
      resumed += Number((await askTls(server.tlsPort, addressOf(CLIENTS.tls[0] + i), 2, tls, ticket)).resumed);
    for (let i = 0; i < 7; i++) await failTls(server.tlsPort, addressOf(CLIENTS.tls[0]), tls);

    const expectReport = ({ figures, clients, points }: Report): void => {
      for (const [name, tally] of Object.entries({ udp, tcp, tls })) {
        const { queries, octets_in, octets_out, share } = figures.transports[name]!;
        expect([name, queries, octets_in, octets_out]).toEqual([name, tally.queries, tally.octetsIn, tally.octetsOut]);
        expect(share).toBeCloseTo(tally.queries / (udp.queries + tcp.queries + tls.queries), 10);
        expect(points.reduce((sum, point) => sum + (point.queries[name] ?? 0), 0)).toBe(tally.queries);
      }
      for (const [name, tally] of Object.entries({ tcp, tls })) {
        const path = figures.paths[name]!;
        // With those whose handshakes failed.
        expect([name, path.opened]).toEqual([name, tally.sessions + (name === 'tls' ? 7 : 0)]);
        expect(Math.abs(path.octets_in / tally.streamIn - 1)).toBeLessThan(name === 'tcp' ? 1e-9 : 0.01);
        expect(Math.abs(path.octets_out / tally.streamOut - 1)).toBeLessThan(name === 'tcp' ? 1e-9 : 0.01);
      }
      expect(figures.handshakes.tls).toMatchObject({ full: 200 + 40 - resumed, resumed, failed: 7 });
      expect(figures.handshakes.tls?.failures).toEqual({ nothing_shared: 7 });
      expect([figures.alpn_dot, figures.server_name]).toEqual([240, 240]);
      const day = clients.at(-1)!;
      for (const [name, [first, end]] of Object.entries(CLIENTS))
        expect(Math.abs(day.clients[name]! / (end - first) - 1)).toBeLessThan(0.03);
      expect(Math.abs(day.all / ALL - 1)).toBeLessThan(0.03);
    };

    expect(resumed).toBeGreaterThan(0);
    expectReport(await reportOf('--from', socket));
    expect((await server.stop()).status).toBe(0);

    server = await start();
    const before = await reportOf('--from', socket);
    expectReport(before);
    for (let client = CLIENTS.udp[0]; client < 100; client++) await askUdp(server.port, addressOf(client), 1, udp);
    expectReport(await reportOf('--from', socket));

    const file = join(folder, 'before.json');
    writeFileSync(file, JSON.stringify(before));
    const both = await reportOf('--from', file, '--from', socket);
    expect(both.figures.queries).toBe(2 * (udp.queries + tcp.queries + tls.queries) - 100);
    await server.stop();
  });

  it('tells which transports its clients used, where they moved, what they did after a handshake, and who retried', async () => {
    rmSync(join(folder, 'state'), { recursive: true, force: true });
    const zones = join(folder, 'zones');
    mkdirSync(zones);
    copyFileSync(join(ROOT, 'zones', 'home.test.zone'), join(zones, 'home.test.zone'));
    const text = `"${'x'.repeat(250)}"`;
    writeFileSync(
      join(zones, 'large.test.zone'),
      `@ 3600 SOA ns1 admin 1 1d 1h 1w 1h\n@ NS ns1\nns1 A 192.0.2.1\n@ TXT ${text} ${text} ${text}\n`,
    );
    server = await start(zones);
    const { port, tlsPort } = server;
    const client = (number: number): string => `127.3.0.${number}`;
    const tally = new Tally();
    // Ten that go from UDP to TLS and resume it once, when the first session is over.
    for (let number = 1; number <= 10; number++) {
      await askUdp(port, client(number), 2, tally);
      const { ticket } = await askTls(tlsPort, client(number), 3, tally);
      await askTls(tlsPort, client(number), 1, tally, ticket);
    }
    // Five that fail, ask in the clear, and do not come back; three that come back.
    for (let number = 11; number <= 18; number++) {
      await failTls(tlsPort, client(number), tally);
      await askUdp(port, client(number), 4, tally);
      if (number > 15) await askTls(tlsPort, client(number), 1, tally);
    }
    // Four that go from TLS to TCP.
    for (let number = 19; number <= 22; number++) {
      await askTls(tlsPort, client(number), 1, tally);
      await askTcp(port, client(number), 2, tally);
    }
    // Six that get TC, of whom four retry.
    for (let number = 31; number <= 36; number++) {
      await askUdp(port, client(number), 1, tally, LARGE);
      if (number <= 33) await askTcp(port, client(number), 1, tally);
      if (number === 34) await askTls(tlsPort, client(number), 1, tally);
    }
    const { figures, words } = await reportOf('--from', socket);
    const { following } = figures;
    expect(following).toMatchObject({
      one_in: 1,
      not_followed: 0,
      tried_tls: 23,
      completed_tls: 18,
      came_back_to_tls: 13,
    });
    expect(following.used).toEqual({ 'udp+tls': 10 + 3 + 1, 'tcp+tls': 4, 'udp+tcp': 3 });
    expect(following.moves).toEqual([
      { from: 'udp', to: 'tcp', times: 3, clients: 3 },
      { from: 'udp', to: 'tls', times: 14, clients: 14 },
      { from: 'tls', to: 'tcp', times: 4, clients: 4 },
    ]);
    const { nothing_shared, full, resumed } = following.after_handshakes;
    expect(nothing_shared).toMatchObject({ handshakes: 8, asked_in_clear: 8, came_back: 3, away: 5, beside_others: 0 });
    expect([full!.handshakes + (resumed?.handshakes ?? 0), full!.asked_in_clear]).toEqual([28, 4]);
    expect(full!.came_back + (resumed?.came_back ?? 0)).toBe(10);
    expect(figures.transports.udp?.truncated).toBe(6);
    expect(following.truncation).toEqual({ answers: 6, retried: { tcp: 3, tls: 1 }, not_retried: 2 });
    expect(words).toContain('Of 23 clients that tried TLS, 18 completed a handshake, and 13 came back for another.');
    await server.stop();
  });

  it('has the counts of dnsperf and of a client that speaks STARTTLS', async () => {
    rmSync(join(folder, 'state'), { recursive: true, force: true });
    server = await start();
    const sent = {
      udp: await dnsperf('udp', server.port, 2000, LOAD),
      tcp: await dnsperf('tcp', server.port, 1000, LOAD),
      tls: await dnsperf('dot', server.tlsPort, 500, LOAD),
    };
    const { answers } = await starttls(server.port, 'www.home.test', 'nas.home.test');
    const { figures, words, sources } = await reportOf('--from', socket);
    const counted = Object.fromEntries(Object.entries(figures.transports).map(([name, one]) => [name, one.queries]));
    // The first query of STARTTLS is in the clear.
    expect(answers.length).toBeGreaterThan(0);
    expect(counted).toEqual({ ...sent, tcp: sent.tcp + 1, starttls: 2 });
    expect(figures.starttls).toEqual({ offered: 1, upgraded: 1 });
    const summed = (name: string): number =>
      sources.flatMap(({ minutes }) => minutes).reduce((sum, { cells }) => sum + (cells[name] ?? 0), 0);
    // On a loop of our own: turns are timed, and handshakes; the group is known.
    for (const name of ['work.tcp', 'work.tls', 'work.handshakes'])
      expect([name, summed(name) > 0]).toEqual([name, true]);
    expect(summed('groups.0') + summed('groups.1')).toBe(SESSIONS + 1);
    // The kernel has measured round trips, on loopback.
    for (const name of ['tcp', 'tls']) {
      const { mean_round_trip, mean_first_answer } = figures.paths[name]!;
      expect(mean_round_trip).toBeGreaterThan(0);
      expect(mean_round_trip).toBeLessThan(0.5);
      expect(mean_first_answer).toBeGreaterThan(0);
    }
    expect(Object.values(figures.transports).map(({ different }) => different)).toEqual([0, 0, 0, 0]);
    expect(words).toContain(`of ${2000 + 1000 + 500 + 3} queries`);
    await server.stop();
  });
});
