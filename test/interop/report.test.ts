/** What `adotd report` says of a server against what its clients know that they did: counts, octets, handshakes, and how many they were. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/make-report.js';
import { adotd, adotdServe, ROOT, type Serving } from '../support/cli.js';
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
const FRAMED = Buffer.concat([Buffer.from([0, QUERY.length]), QUERY]);

/** An address of loopback for a client. */
const addressOf = (number: number): string => `127.1.${number >> 8}.${number & 0xff}`;

async function askUdp(port: number, address: string, times: number, tally: Tally): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  for (let i = 0; i < times; i++) {
    socket.send(QUERY, port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    tally.queries++;
    tally.octetsIn += QUERY.length;
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

/** Runs dnsperf, and returns how many queries it has sent; all are answered. */
async function dnsperf(mode: 'udp' | 'tcp' | 'dot', port: number, count: number): Promise<number> {
  const file = join(folder, 'queries');
  writeFileSync(file, 'www.home.test A\n');
  const words = [
    '-s',
    '127.0.0.1',
    '-p',
    String(port),
    '-m',
    mode,
    '-d',
    file,
    '-n',
    String(count),
    '-c',
    '2',
    '-q',
    '20',
  ];
  const { stdout } = await promisify(execFile)('dnsperf', [...words, '-t', '20']);
  const [, sent = '', completed = ''] = /Queries sent:\s+(\d+)[\s\S]*?Queries completed:\s+(\d+)/.exec(stdout) ?? [];
  expect([completed, sent]).toEqual([String(count), String(count)]);
  return Number(sent);
}

const socket = join(folder, 'control.sock');

function start(): Promise<Serving> {
  const file = join(folder, 'adotd.yaml');
  const lines = [
    'listen: [127.0.0.1]',
    'workers: 2',
    `zones: { folder: ${join(ROOT, 'zones')} }`,
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

  it('has the counts of dnsperf and of a client that speaks STARTTLS', async () => {
    rmSync(join(folder, 'state'), { recursive: true, force: true });
    server = await start();
    const sent = {
      udp: await dnsperf('udp', server.port, 2000),
      tcp: await dnsperf('tcp', server.port, 1000),
      tls: await dnsperf('dot', server.tlsPort, 500),
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
    // On a loop of our own: turns are timed, and handshakes; the group is known. dnsperf had two sessions inside TLS.
    for (const name of ['work.tcp', 'work.tls', 'work.handshakes'])
      expect([name, summed(name) > 0]).toEqual([name, true]);
    expect(summed('groups.0') + summed('groups.1')).toBe(3);
    expect(words).toContain(`of ${2000 + 1000 + 500 + 3} queries`);
    await server.stop();
  });
});
