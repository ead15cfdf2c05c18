/**
 * A server that stops, or is drained, in the middle of the load: no query is lost of clients that do as keepalive 0 says, every
 * TLS session ends with close_notify, UDP is answered to the last, and the server ends in time even if a client ignores it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { adotd } from '../support/cli.js';
import { type RunningProgram, startProgram } from './running-program.js';
import { missingPrograms, type Server, serve } from './support.js';

const missing = missingPrograms({ kdig: 'knot-dnsutils', dnsperf: 'dnsperf', ss: 'iproute2' });
const CLIENTS = fileURLToPath(new URL('drain.py', import.meta.url));
const NAME = 'www.home.test';
/** Milliseconds of load before the server is to stop. */
const LOAD = 1500;
/** Seconds: a drain time that nobody waits for. */
const LONG = 60;

const folder = mkdtempSync(join(tmpdir(), 'adotd-drain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let servers = 0;

interface Tally {
  readonly asked: number;
  readonly lost: readonly unknown[];
  readonly sessions: number;
  /** How often sessions ended how. */
  readonly ends: Readonly<Record<string, number>>;
  readonly keepalive0: number;
  readonly wrong: readonly string[];
}

type Results = Readonly<Record<'udp' | 'tcp' | 'tls' | 'starttls', Tally>>;

function clients(
  { port, tlsPort }: Server,
  ...words: readonly string[]
): RunningProgram & { results(): Promise<Results> } {
  const ports = ['--port', String(port), '--tls-port', String(tlsPort)];
  // -B: nothing compiled is left among the sources.
  const load = startProgram('python3', ['-B', CLIENTS, ...ports, '--name', NAME, ...words]);
  const results = async (): Promise<Results> => JSON.parse((await load.output).split('\n')[1] ?? '');
  return { ...load, results };
}

async function start(workers: number | 'embedded', drainTime: number) {
  const socket = join(folder, `control-${++servers}`);
  const settings = { workers, sessions: { drain_timeout: drainTime }, control: { socket } };
  const server = await serve(settings);
  return { server, socket };
}

/** Asks until it ends; says how long the server took, in seconds, and with which status. */
async function stopped(server: Server, stop: () => unknown): Promise<{ seconds: number; status: number | null }> {
  await sleep(LOAD);
  const began = performance.now();
  await stop();
  const { status } = await server.ended();
  return { seconds: (performance.now() - began) / 1000, status };
}

describe.each([2, 'embedded'] as const)('with workers: %s, in the middle of the load', (workers) => {
  it.each(['SIGTERM', 'adotd ctl drain 60'])('%s loses nothing', async (how) => {
    const { server, socket } = await start(workers, LONG);
    const load = clients(server);
    await load.begun;
    const stop = (): unknown =>
      how === 'SIGTERM' ? server.signal(how) : adotd('ctl', '--socket', socket, 'drain', String(LONG));
    const { seconds, status } = await stopped(server, stop);
    expect(status).toBe(0);
    // All of them go when they are asked to: the time that they are given is not used up. It is no measure of speed.
    expect(seconds).toBeLessThan(LONG / 2);
    const { udp, ...streams } = await load.results();
    for (const [transport, { asked, sessions, lost, wrong, ends, keepalive0 }] of Object.entries(streams)) {
      expect([transport, lost, wrong]).toEqual([transport, [], []]);
      expect(asked).toBeGreaterThan(sessions);
      expect(keepalive0).toBeGreaterThan(0);
      const proper = transport === 'tcp' ? ['eof'] : ['close_notify', 'no upgrade'];
      expect(Object.keys(ends).filter((end) => !proper.includes(end))).toEqual([]);
    }
    expect(udp).toMatchObject({ lost: [], wrong: [], ends: { refused: 4 } });
    expect(server.stderr()).not.toMatch(/does not stop|died|please report/);
  });

  it('is done in time with clients that go on, closing properly, and answers UDP until then', async () => {
    const { server } = await start(workers, 2);
    const load = clients(server, '--rude');
    await load.begun;
    const { seconds, status } = await stopped(server, () => server.signal('SIGTERM'));
    expect(status).toBe(0);
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(LONG / 2);
    const { udp, tcp, tls, starttls } = await load.results();
    expect([udp.lost, tcp.wrong, tls.wrong, starttls.wrong]).toEqual([[], [], [], []]);
    expect(Object.keys(tcp.ends)).toEqual(['eof']);
    expect(Object.keys(tls.ends)).toEqual(['close_notify']);
    expect(Object.keys(starttls.ends).filter((end) => end !== 'close_notify' && end !== 'no upgrade')).toEqual([]);
  });
});

/** How many connections to a port are established. */
function connections(port: number): number {
  const { stdout } = spawnSync('ss', ['-Htn', 'state', 'established', `( sport = :${port} )`], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '').length;
}

describe('clients of others, in the middle of the load', () => {
  it.skipIf(missing)('kdig +keepopen and dnsperf: done in time; what they lost is said', async () => {
    const { server } = await start(2, 2);
    // More than are asked before the server ends.
    const names = Array.from({ length: 60_000 }, () => NAME);
    const options = ['+keepopen', '+retry=0', '+time=1', ...names];
    const kdigs = [
      startProgram('kdig', ['@127.0.0.1', '-p', String(server.port), '+tcp', ...options]),
      startProgram('kdig', ['@127.0.0.1', '-p', String(server.tlsPort), '+tls', ...options]),
    ];
    writeFileSync(join(folder, 'queries'), `${NAME} A\n`);
    const dnsperfs = (['udp', 'tcp', 'tls'] as const).map((mode) => {
      const port = String(mode === 'tls' ? server.tlsPort : server.port);
      const words = ['-m', mode, '-s', '127.0.0.1', '-p', port, '-d', join(folder, 'queries')];
      return { mode, ...startProgram('dnsperf', [...words, '-l', '600', '-c', '4', '-Q', '200', '-t', '1']) };
    });
    await Promise.all(kdigs.map(({ begun }) => begun));
    // dnsperf prints nothing before its end, and nothing at all where it could not connect: four connections, and the one of kdig.
    for (const port of [server.port, server.tlsPort])
      await expect.poll(() => connections(port)).toBeGreaterThanOrEqual(5);
    const { seconds, status } = await stopped(server, () => server.signal('SIGTERM'));
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(LONG / 2);
    for (const { end } of [...kdigs, ...dnsperfs]) end();
    for (const { output } of kdigs) expect((await output).match(/status: NOERROR/g)?.length).toBeGreaterThan(10);
    for (const { mode, output, failed } of dnsperfs) {
      // dnsperf ignores keepalive, and goes on asking when nobody answers any more.
      const counts = (await output).match(/Queries (sent|completed|lost): .*/g) ?? [];
      const end = await failed;
      // Once in some hundred runs dnsperf itself ended without its counts: that tells nothing of the server.
      if (end !== undefined) console.info(`dnsperf over ${mode} ${end}: ${await output}`);
      else expect(counts, await output).toHaveLength(3);
      console.info(`dnsperf over ${mode}: ${counts.join('; ').replace(/ +/g, ' ')}`);
    }
  });
});
