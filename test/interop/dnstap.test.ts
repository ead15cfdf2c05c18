import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { FOLDER, missingPrograms, run, serve } from './support.js';

const missing = missingPrograms({
  fstrm_capture: 'fstrm-bin',
  fstrm_dump: 'fstrm-bin',
  'dnstap-ldns': 'dnstap-ldns',
  dig: 'bind9-dnsutils',
  'dnstap-read': 'bind9-dnsutils',
  kdig: 'knot-dnsutils',
});

/** The lines of dnstap-ldns, one a message: `AQ 127.0.0.1 UDP 53b "home.test." IN SOA`, without time and size. */
function printed(file: string): string[] {
  const { status, stdout, stderr } = spawnSync('dnstap-ldns', ['-q', '-r', file], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+ \S+ /, '').replace(/ \d+b/, ''));
}

/** fstrm_capture as a reader: `stop` ends it, so that its file is complete. */
async function capture(socket: string, file: string): Promise<{ stop(): Promise<void> }> {
  const child: ChildProcess = spawn('fstrm_capture', ['-t', 'protobuf:dnstap.Dnstap', '-u', socket, '-w', file], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await until('the socket of the reader', () => existsSync(socket));
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

let folders = 0;
function folder(): string {
  const path = join(FOLDER, `tap-${++folders}`);
  mkdirSync(path);
  return path;
}

/** For dig and kdig, which must ask only once: the queries are counted. */
const at = (port: number): string[] => ['@127.0.0.1', '-p', String(port), '+retry=0', '+time=30'];

describe.skipIf(missing !== '')(`dnstap${missing && ` (${missing})`}`, () => {
  it.each(['embedded', 2])('is captured and decoded by the programs of Debian: workers %s', async (workers) => {
    const place = folder();
    const [socket, file] = [join(place, 'tap.sock'), join(place, 'capture')];
    const reader = await capture(socket, file);
    const server = await serve({ workers, dnstap: { socket } });
    await server.logged(/dnstap goes to the reader/);
    await run('dig', [...at(server.port), 'HOME.test', 'SOA']);
    await run('dig', [...at(server.port), '+tcp', 'missing.home.test', 'AAAA']);
    await run('kdig', [...at(server.tlsPort), '+tls', 'ns1.home.test', 'A']);
    await server.stop();
    await reader.stop();
    expect(printed(file)).toEqual([
      'AQ 127.0.0.1 UDP "HOME.test." IN SOA',
      'AR 127.0.0.1 UDP "HOME.test." IN SOA',
      'AQ 127.0.0.1 TCP "missing.home.test." IN AAAA',
      'AR 127.0.0.1 TCP "missing.home.test." IN AAAA',
      // DOT is younger than dnstap-ldns.
      'AQ 127.0.0.1 ? "ns1.home.test." IN A',
      'AR 127.0.0.1 ? "ns1.home.test." IN A',
    ]);
    const bind = spawnSync('dnstap-read', [file], { encoding: 'utf8' });
    expect(bind).toMatchObject({ status: 0, stderr: '' });
    expect(bind.stdout.match(/ A[QR] 127\.0\.0\.1:\d+ (->|<-) \S+ (UDP|TCP) \d+b .*$/gm)).toHaveLength(6);
  });

  it('says all that it knows, as the programs of Debian see it', async () => {
    const file = join(folder(), 'tap');
    const before = Date.now();
    const server = await serve({ dnstap: { file, identity: 'ns-under-test' }, version: 'v1' });
    const { stdout: asked } = await run('dig', [...at(server.port), 'missing.HOME.test', 'MX']);
    await server.stop();
    const { status, stdout } = spawnSync('dnstap-ldns', ['-y', '-r', file], { encoding: 'utf8' });
    expect(status).toBe(0);
    const [query, response] = stdout.split('---\n');
    for (const message of [query, response]) {
      expect(message).toContain('identity: "ns-under-test"\nversion: "v1"\n');
      expect(message).toContain(
        'socket_family: INET\n  socket_protocol: UDP\n  query_address: "127.0.0.1"\n  query_port: ',
      );
      expect(message).toContain('query_zone: "home.test."');
      expect(message).toContain(`id: ${/id: (\d+)/.exec(asked)?.[1]}\n`);
      expect(message).toMatch(/;missing\.HOME\.test\.\s+IN\s+MX/);
      const time = /query_time: !!timestamp (\S+) (\S+)/.exec(message ?? '');
      expect(Date.parse(`${time?.[1]}T${time?.[2]}Z`)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(`${time?.[1]}T${time?.[2]}Z`)).toBeLessThanOrEqual(Date.now());
    }
    expect(query).toContain('type: AUTH_QUERY\n');
    expect(response).toContain('type: AUTH_RESPONSE\n');
    expect(response).toMatch(/rcode: NXDOMAIN[\s\S]*SOA/);
  });

  it('of a server that was there before its reader, and of a reader that was started again', async () => {
    const place = folder();
    const [socket, first, second] = [join(place, 'tap.sock'), join(place, 'first'), join(place, 'second')];
    await using server = await serve({ workers: 1, dnstap: { socket, messages: ['response'] } });
    await server.logged(/dnstap has no reader at .*: there is no such socket/);
    await run('dig', [...at(server.port), 'home.test', 'SOA']);
    const early = await capture(socket, first);
    await server.logged(/dnstap goes to the reader/);
    // The reader writes what it has got when it is ended; it has to have got it.
    await sleep(1000);
    await early.stop();
    expect(printed(first)).toEqual(['AR 127.0.0.1 UDP "home.test." IN SOA']);
    await server.logged(/dnstap has no reader at .*: the reader went away/);
    const late = await capture(socket, second);
    await server.logged(/(dnstap goes to the reader[\s\S]*){2}/);
    await run('dig', [...at(server.port), 'home.test', 'NS']);
    await server.stop();
    await late.stop();
    expect(printed(second)).toEqual(['AR 127.0.0.1 UDP "home.test." IN NS']);
  });

  it('in a file is read by fstrm_dump and dnstap-ldns, also when the server was started again', async () => {
    const place = folder();
    const file = join(place, 'tap');
    for (const type of ['SOA', 'NS']) {
      await using server = await serve({ workers: 1, dnstap: { file } });
      await run('dig', [...at(server.port), 'home.test', type]);
    }
    const aside = readdirSync(place).find((name) => name !== 'tap') ?? '';
    expect(printed(file).map((line) => line.slice(-3))).toEqual([' NS', ' NS']);
    expect(printed(join(place, aside)).map((line) => line.slice(-3))).toEqual(['SOA', 'SOA']);
    const dumped = await run('fstrm_dump', [file]);
    expect(dumped.status).toBe(0);
    expect(dumped.stdout + dumped.stderr).toContain('protobuf:dnstap.Dnstap');
  });
});

describe.skipIf(missing !== '')('the query log', () => {
  it('has every query of a burst on every thread, once', async () => {
    const file = join(folder(), 'queries');
    const server = await serve({ workers: 2, query_log: { enabled: true, file } });
    const asked = Array.from({ length: 40 }, (_, i) => `q${i}.home.test`);
    await Promise.all(asked.map((name, i) => run('dig', [...at(server.port), name, 'A', ...(i % 2 ? ['+tcp'] : [])])));
    await server.stop();
    const lines: { qname: string; transport: string; zone: string }[] = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ qname }) => qname).sort()).toEqual(asked.map((name) => `${name}.`).sort());
    for (const line of lines)
      expect(line).toMatchObject({ client: '127.0.0.1', rcode: 'NXDOMAIN', zone: 'home.test.' });
    expect(lines.filter(({ transport }) => transport === 'tcp')).toHaveLength(20);
    expect(statSync(file).mode & 0o007).toBe(0);
  });

  it('goes to the log where no file is named', async () => {
    await using server = await serve({ workers: 'embedded', query_log: { enabled: true } });
    await run('dig', [...at(server.port), 'home.test', 'MX']);
    await server.logged(/"transport":"udp","qname":"home.test.","qclass":"IN","qtype":"MX",.*"msg":"query"/);
  });

  it('on a full disk is reported once; queries are answered', async () => {
    await using server = await serve({ workers: 1, query_log: { enabled: true, file: '/dev/full' } });
    for (const type of ['SOA', 'NS', 'A']) {
      const { stdout } = await run('dig', [...at(server.port), 'home.test', type]);
      expect(stdout).toContain('status: NOERROR');
    }
    await server.logged(/the query log \/dev\/full cannot be written: no space left on device/);
    await server.stop();
    expect(server.stderr().match(/no space left on device/g)).toHaveLength(1);
  });

  it('that cannot be written from the start is gone without; with strict, the server does not start', async () => {
    const settings = { query_log: { enabled: true, file: join(FOLDER, 'nowhere', 'log') } };
    const reason = /the query log .*nowhere\/log cannot be written: no such file or directory/;
    await using server = await serve({ workers: 1, ...settings });
    await server.logged(reason);
    const { stdout } = await run('dig', [...at(server.port), 'home.test', 'SOA']);
    expect(stdout).toContain('status: NOERROR');
    await expect(serve(settings, '--strict')).rejects.toThrow(reason);
  });
});
