/** A reader of standard error or standard output that has stopped to read. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adotd, MAIN } from '../support/cli.js';
import { freePort } from '../support/peers/server.js';
import { queryUdp, rcodeWhenReady } from '../support/query.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-streams-'));
});
const children: ChildProcess[] = [];
const descriptors: number[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const fd of descriptors.splice(0)) closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

/** A pipe that is full, and from which nobody reads. */
function fullPipe(): { readonly fd: number; fill(): void; read(): string } {
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(path, constants.O_WRONLY);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  descriptors.push(reader, fd, filler);
  fill(filler);
  const octets = Buffer.alloc(1 << 20);
  const read = (): string => {
    try {
      return octets.toString('latin1', 0, readSync(reader, octets));
    } catch {
      return '';
    }
  };
  return { fd, fill: () => fill(filler), read };
}

function fill(fd: number): void {
  for (const octets of [Buffer.alloc(4096, '.'), Buffer.from('.')]) {
    try {
      for (;;) writeFileSync(fd, octets);
    } catch {
      // There is no more room.
    }
  }
}

/** Flags of an open file that it shares with others (proc_pid_fdinfo(5)). */
function isBlocking(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) === 0;
}

async function metric(port: number, name: string): Promise<number> {
  const [response] = await once(get({ port, path: '/metrics', agent: false }), 'response');
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(await text(response))?.[1]);
}

describe('nobody reads standard error', () => {
  it.each(['embedded', '1'])('answers, metrics, ctl and TERM go on, with workers: %s', async (workers) => {
    const pipe = fullPipe();
    const [config, socket] = [join(folder, 'adotd.yaml'), join(folder, 'socket')];
    writeFileSync(join(folder, 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    const port = await freePort();
    const settings = {
      port: 0,
      tls: { enabled: false },
      zones: { folder: '.' },
      query_log: { enabled: true },
      metrics: { listen: port },
      control: { socket },
      workers: workers === 'embedded' ? workers : Number(workers),
    };
    writeFileSync(config, JSON.stringify(settings));
    const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: ['ignore', 'pipe', pipe.fd] });
    children.push(child);
    const ended = once(child, 'exit');
    const [ready] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const udp = Number(/udp=127\.0\.0\.1:(\d+)/.exec(String(ready))?.[1]);
    const at = { address: '127.0.0.1', udp, tcp: udp };
    // More lines than may wait.
    const name = `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.a.test`;
    for (let turn = 0; turn < 50; turn++) {
      const all = await Promise.all(Array.from({ length: 60 }, () => queryUdp(at, name)));
      expect(all.every(({ rcode }) => rcode === 'NXDOMAIN')).toBe(true);
    }
    expect(await adotd('ctl', '--socket', socket, 'log-level', 'warn')).toMatchObject({
      status: 0,
      stdout: 'info before, warn now\n',
    });
    expect(await metric(port, 'adotd_log_lines_lost_total')).toBeGreaterThan(0);
    expect(isBlocking(pipe.fd)).toBe(true);
    // Somebody reads again: what waited comes, whole lines only, and the number of those that are lost.
    let log = '';
    for (let tries = 0; tries < 100 && !/lines of the log are lost/.test(log); tries++) {
      log += pipe.read();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const lines = log.replace(/^\.+/, '').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg)).toContainEqual(
      expect.stringMatching(/^\d+ lines of the log are lost/),
    );
    pipe.fill();
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

describe('nobody reads standard output', () => {
  it('a fixture answers, waits with its replies, and ends at TERM', async () => {
    const pipe = fullPipe();
    const port = await freePort();
    const words = ['fixture', '--no-tls', '--port', String(port)];
    const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['pipe', pipe.fd, 'inherit'] });
    children.push(child);
    const ended = once(child, 'exit');
    const at = { address: '127.0.0.1', udp: port, tcp: port };
    const zone = { command: 'set-zone', zone: 'a.test', text: 'www A 192.0.2.1' };
    for (let id = 0; id < 3; id++) child.stdin?.write(`${JSON.stringify({ ...zone, id })}\n`);
    expect(await rcodeWhenReady(at, 'www.a.test')).toBe('NOERROR');
    expect(isBlocking(pipe.fd)).toBe(true);
    let said = '';
    await expect.poll(() => (said += pipe.read())).toMatch(/"id":2,"ok":true\}\n$/);
    expect(said.replace(/^\.+/, '').split('\n')).toHaveLength(5);
    pipe.fill();
    child.stdin?.write(`${JSON.stringify({ ...zone, id: 3 })}\n`);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('a server answers, and ends at TERM', async () => {
    const pipe = fullPipe();
    const port = await freePort();
    writeFileSync(join(folder, 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    const config = join(folder, 'adotd.yaml');
    writeFileSync(config, JSON.stringify({ port, tls: { enabled: false }, zones: { folder: '.' }, workers: 1 }));
    const stdio = ['ignore', pipe.fd, pipe.fd] as const;
    const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: [...stdio] });
    children.push(child);
    const ended = once(child, 'exit');
    const at = { address: '127.0.0.1', udp: port, tcp: port };
    expect(await rcodeWhenReady(at, 'ns.a.test')).toBe('NOERROR');
    expect(isBlocking(pipe.fd)).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
