/**
 * A server is operated for a while, by the built command: files change under it, with and without mistakes; `adotd ctl` controls it. After
 * each mistake, the test looks at the operator's view, and checks that the server still answers as before.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { adotd, adotdServe, type Ran, ROOT, type Serving } from '../support/cli.js';
import { queryTcp, queryUdp, type Reply } from '../support/query.js';

/** The number of the user nobody. */
const NOBODY = 65_534;

let folder: string;
let server: Serving;
const at = (...names: string[]): string => join(folder, ...names);

/** A zone; its address shows its version. */
const zone = (serial: number, address: string): string =>
  `$TTL 60\n@ SOA ns hostmaster ${serial} 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A ${address}\n`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-live-'));
  mkdirSync(at('zones'));
  for (const name of ['a', 'b']) writeFileSync(at('zones', `${name}.test.zone`), zone(1, '192.0.2.10'));
});
afterEach(async () => {
  // A test may start one of its own.
  await (server as Serving | undefined)?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes adotd.yaml: the usual configuration, and the parts of a test. */
function configure(parts: object = {}): void {
  const usual = {
    zones: { folder: 'zones' },
    control: { socket: 'ctl' },
    watch: { settle: 50 },
    tls: { certs_folder: 'certs' },
    workers: 2,
  };
  writeFileSync(at('adotd.yaml'), stringify({ ...usual, ...parts }));
}

async function start(parts: object = {}, ...words: string[]): Promise<void> {
  configure(parts);
  server = await adotdServe('--config', at('adotd.yaml'), ...words);
}

const ctl = (...words: readonly string[]): Promise<Ran> => adotd('ctl', '--socket', at('ctl'), ...words);

async function ctlJson(
  ...words: readonly string[]
): Promise<{ readonly status: number | null; readonly value: unknown }> {
  const { status, stdout, stderr } = await ctl('--json', ...words);
  if (stdout === '') throw new Error(stderr);
  return { status, value: JSON.parse(stdout) };
}

const asked = () => ({ address: '127.0.0.1', udp: server.port, tcp: server.port });

async function addressOf(name: string, query: (...words: Parameters<typeof queryUdp>) => Promise<Reply> = queryUdp) {
  const { answers = [], rcode } = await query(asked(), `www.${name}`);
  const [first] = answers;
  return first && 'data' in first ? first.data : rcode;
}

/** Waits until the server has no problems. */
const untilSound = (): Promise<void> => expect.poll(async () => (await status()).problems).toEqual([]);

/** Waits until the server's sessions look so. */
const untilSessions = (expected: object): Promise<void> =>
  expect.poll(async () => (await ctlJson('sessions')).value).toMatchObject(expected);

/** Waits until `www.NAME` is answered so. */
const answered = (name: string, expected: string): Promise<void> => expect.poll(() => addressOf(name)).toBe(expected);

/** Replaces a file by renaming, as it should be done. */
function replace(name: string, text: string): void {
  writeFileSync(at('new'), text);
  renameSync(at('new'), at(name));
}

const status = async () =>
  (await ctlJson('status')).value as { problems: string[]; zones: object; reloads: { failed: number } };

describe('files that change under a server', () => {
  it('are loaded: zones, new ones, those that are gone, and what they include', async () => {
    writeFileSync(at('zones', 'b.test.zone'), `${zone(1, '192.0.2.10')}$INCLUDE more\n`);
    writeFileSync(at('zones', 'more'), 'more A 192.0.2.20\n');
    await start();
    replace('zones/a.test.zone', zone(2, '192.0.2.11'));
    await answered('a.test', '192.0.2.11');
    writeFileSync(at('zones', 'c.test.zone'), zone(1, '192.0.2.12'));
    await answered('c.test', '192.0.2.12');
    unlinkSync(at('zones', 'c.test.zone'));
    await answered('c.test', 'REFUSED');
    await server.logged(/zone c\.test\. removed, serial 1/);
    replace('zones/more', 'more A 192.0.2.21\n@ TXT changed\n');
    await server.logged(
      /zone b\.test\. loaded.*(\n.*)*its serial is still 1: expected a later one|its serial is still 1/,
    );
    expect(await addressOf('b.test')).toBe('192.0.2.10');
  });

  it('that have errors change nothing, and are complained of until they are mended', async () => {
    await start();
    replace('zones/a.test.zone', zone(2, '192.0.2.256'));
    await server.logged(/a\.test\.zone:5:7: .*192\.0\.2\.256/);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    const { problems, zones, reloads } = await status();
    expect(problems).toEqual([expect.stringMatching(/a\.test\.zone:5:7: /)]);
    expect(zones).toMatchObject({ served: 2, kept: 1, failed: 0 });
    // On a busy machine, the events of one change may come too far apart to be one reload.
    expect(reloads.failed).toBeGreaterThan(0);
    expect((await ctl('zone-status', 'a.test')).stdout).toMatch(/a\.test\. +kept +1 /);
    replace('zones/a.test.zone', zone(3, '192.0.2.13'));
    await answered('a.test', '192.0.2.13');
    await untilSound();
  });

  it('may be half-written for a while, cut off, emptied, or of the wrong kind', async () => {
    await start();
    const text = zone(2, '192.0.2.14');
    writeFileSync(at('zones', 'a.test.zone'), text.slice(0, 40));
    await server.logged(/a\.test\.zone:\d+:\d+: /);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    writeFileSync(at('zones', 'a.test.zone'), text);
    await answered('a.test', '192.0.2.14');
    writeFileSync(at('zones', 'b.test.zone'), '');
    await server.logged(/b\.test\.zone:1:1: .*SOA/);
    unlinkSync(at('zones', 'b.test.zone'));
    mkdirSync(at('zones', 'b.test.zone'));
    await server.logged(/b\.test\.zone: it is a folder, no regular file/);
    expect(await addressOf('b.test')).toBe('192.0.2.10');
  });

  it('may come in a folder that takes the place of the old one, by a link too', async () => {
    renameSync(at('zones'), at('v1'));
    symlinkSync('v1', at('zones'));
    await start();
    cpSync(at('v1'), at('v2'), { recursive: true });
    writeFileSync(at('v2', 'a.test.zone'), zone(2, '192.0.2.15'));
    symlinkSync('v2', at('next'));
    renameSync(at('next'), at('zones'));
    await answered('a.test', '192.0.2.15');
    replace('v2/a.test.zone', zone(3, '192.0.2.16'));
    await answered('a.test', '192.0.2.16');
  });

  it('may all be gone: a folder that is lost or empty keeps its zones', async () => {
    await start();
    renameSync(at('zones'), at('away'));
    await server.logged(/cannot read the zones folder .*no such file or directory; its zones stay as they were/);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    mkdirSync(at('zones'));
    await server.logged(/has no zone files any more, it had 2: is it unmounted\?/);
    expect(await addressOf('b.test')).toBe('192.0.2.10');
    const { status: failed, stdout } = await ctl('reload');
    expect([failed, stdout]).toEqual([1, expect.stringMatching(/^error: .*--allow-empty$/m)]);
    expect((await status()).problems).toEqual([expect.stringMatching(/is it unmounted/)]);
    const { value } = await ctlJson('reload', '--allow-empty');
    expect(value).toMatchObject({ counts: { removed: 2 }, errors: [] });
    expect(await addressOf('a.test')).toBe('REFUSED');
    replace('zones/a.test.zone', zone(2, '192.0.2.17'));
    await answered('a.test', '192.0.2.17');
  });

  it('may name one zone twice: what is served stays', async () => {
    await start();
    writeFileSync(at('zones', 'copy.zone'), `$ORIGIN a.test.\n${zone(9, '192.0.2.66')}`);
    await server.logged(/zone a\.test\. is in .*copy\.zone too; expected one file a zone/);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    unlinkSync(at('zones', 'copy.zone'));
    await untilSound();
  });

  it('are looked at even when their time says that they are old, or lies in the future', async () => {
    await start();
    for (const [serial, time] of [
      [2, 946_684_800],
      [3, 4_102_444_800],
    ] as const) {
      writeFileSync(at('new'), zone(serial, `192.0.2.${serial}`));
      utimesSync(at('new'), time, time);
      renameSync(at('new'), at('zones', 'a.test.zone'));
      await answered('a.test', `192.0.2.${serial}`);
    }
  });

  it('are not watched where that is turned off: SIGHUP and ctl reload load them', async () => {
    await start({ watch: { enabled: false } });
    replace('zones/a.test.zone', zone(2, '192.0.2.18'));
    await sleep(500);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    server.signal('SIGHUP');
    await answered('a.test', '192.0.2.18');
    await server.logged(/reload done: zones 1 loaded/);
    replace('zones/a.test.zone', zone(3, '192.0.2.19'));
    const { value, status: done } = await ctlJson('reload', 'A.test');
    expect([done, value]).toEqual([0, expect.objectContaining({ counts: expect.objectContaining({ loaded: 1 }) })]);
    // When the answer to `reload` is there, every thread answers from the new zone.
    for (let i = 0; i < 20; i++) {
      expect(await addressOf('a.test')).toBe('192.0.2.19');
      expect(await addressOf('a.test', queryTcp)).toBe('192.0.2.19');
    }
  });
});

describe('a log that cannot be written', () => {
  it.each(['json', 'pretty'])('for its disk is full does not keep the server from answering: %s', async (format) => {
    configure({ log: { format } });
    const script = 'exec "$0" "$@" 2>/dev/full';
    const words = [
      join(ROOT, 'dist/cli/main.js'),
      'serve',
      '--config',
      at('adotd.yaml'),
      '--port',
      '0',
      '--tls-port',
      '0',
    ];
    const child = spawn('sh', ['-c', script, process.execPath, ...words]);
    const closed = once(child, 'close');
    const [ready] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(/udp=[^ ]*:(\d+)/.exec(ready.toString())?.[1]);
    replace('zones/a.test.zone', 'broken');
    expect((await ctl('reload')).stdout).toMatch(/^a\.test\. kept/m);
    const { rcode } = await queryUdp({ address: '127.0.0.1', udp: port, tcp: port }, 'www.a.test');
    expect(rcode).toBe('NOERROR');
    child.kill('SIGTERM');
    expect((await closed)[0]).toBe(0);
  });
});

describe('files that may not be read', () => {
  it('leave everything as it was, and are named', async () => {
    const root = process.getuid?.() === 0;
    mkdirSync(at('run'));
    if (root) {
      // The server's new user needs access to its files and to its own folder.
      chmodSync(folder, 0o755);
      chownSync(at('run'), NOBODY, NOBODY);
    }
    await start({
      control: { socket: 'run/ctl' },
      tls: { enabled: false },
      ...(root && { user: NOBODY, group: NOBODY }),
    });
    const reload = (): Promise<Ran> => adotd('ctl', '--socket', at('run', 'ctl'), 'reload');
    chmodSync(at('zones', 'a.test.zone'), 0o000);
    await server.logged(/cannot read .*a\.test\.zone: permission denied/);
    chmodSync(at('adotd.yaml'), 0o000);
    await server.logged(/the configuration stays as it was: cannot read .*adotd\.yaml: .*permission denied/);
    const { status: failed, stdout } = await reload();
    expect(failed).toBe(1);
    expect(stdout).toMatch(/^a\.test\. kept/m);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    chmodSync(at('adotd.yaml'), 0o644);
    chmodSync(at('zones', 'a.test.zone'), 0o644);
    expect((await reload()).status).toBe(0);
  });
});

describe('a configuration that changes', () => {
  it('is in force at once where that is possible, in every thread', async () => {
    await start();
    const version = async () => (await queryUdpChaos()).rcode;
    expect(await version()).toBe('REFUSED');
    configure({ version: 'one', minimal_responses: false });
    await server.logged(/configuration changed: minimal_responses, version/);
    for (let i = 0; i < 10; i++) expect(await version()).toBe('NOERROR');
    configure({ version: 'one', minimal_responses: false, log: { level: 'debug' } });
    await server.logged(/configuration changed: log\.level/);
    expect((await ctlJson('status')).value).toMatchObject({ logLevel: 'debug' });
  });

  it('says what needs a restart, until that is undone', async () => {
    await start();
    configure({ listen: ['127.0.0.2'], workers: 3 });
    const { value } = await ctlJson('reload');
    expect(value).toMatchObject({ config: { changed: [], restart: ['listen', 'workers'] } });
    await server.logged(/configuration changed, but needs a restart: listen, workers/);
    expect((await ctl('reload')).stdout).toMatch(/^config: changed but needs a restart: listen, workers$/m);
    const told = await ctl('status');
    expect([told.status, told.stdout]).toEqual([1, expect.stringMatching(/^RESTART +needed, .*: listen, workers$/m)]);
    configure();
    expect((await ctlJson('reload')).value).toMatchObject({ config: { changed: [], restart: [] } });
  });

  it('with mistakes changes nothing, and says where they are', async () => {
    await start();
    appendFileSync(at('adotd.yaml'), 'versoin: oops\n');
    await server.logged(
      /the configuration stays as it was: .*adotd\.yaml:\d+:1: versoin: unknown key; did you mean version\?/,
    );
    expect(await addressOf('a.test')).toBe('192.0.2.10');
    const { status: failed, stdout } = await ctl('reload');
    expect([failed, stdout]).toEqual([1, expect.stringMatching(/^error: .*versoin/m)]);
    unlinkSync(at('adotd.yaml'));
    await server.logged(/the configuration stays as it was: cannot read .*adotd\.yaml/);
    configure();
    await untilSound();
  });

  it('may name other zones, or a folder that is not there', async () => {
    mkdirSync(at('other'));
    writeFileSync(at('other', 'o.test.zone'), zone(1, '192.0.2.30'));
    await start();
    configure({ zones: { folder: 'other' } });
    await answered('o.test', '192.0.2.30');
    expect(await addressOf('a.test')).toBe('REFUSED');
    configure({ zones: { folder: 'none' } });
    await server.logged(/the configuration stays as it was: cannot read the zones folder .*none/);
    expect(await addressOf('o.test')).toBe('192.0.2.30');
  });

  async function queryUdpChaos(): Promise<Reply> {
    const { encode, decode } = await import('dns-packet');
    const { askUdp } = await import('../support/ask.js');
    const question = { type: 'TXT', name: 'version.bind', class: 'CH' } as const;
    const answer = await askUdp(server, encode({ type: 'query', id: 1, questions: [question] }));
    return decode(Buffer.from(answer ?? [])) as Reply;
  }
});

describe('certificates and keys that change', () => {
  const fingerprint = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: server.tlsPort, host: '127.0.0.1', rejectUnauthorized: false });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
    });

  it('are used by new connections in every thread; what does not belong together is not', async () => {
    for (const name of ['one', 'two']) await adotdKeys(name);
    for (const suffix of ['pem', 'key']) cpSync(at('one', `self-signed.${suffix}`), at(`served.${suffix}`));
    await start({ tls: { certificates: [{ cert: 'served.pem', key: 'served.key' }] } });
    const first = await fingerprint();
    replace('served.pem', readFileSync(at('two', 'self-signed.pem'), 'utf8'));
    await server.logged(/the certificate stays as it is: .*do not belong together/);
    expect(await fingerprint()).toBe(first);
    expect((await status()).problems).toEqual([expect.stringMatching(/do not belong together/)]);
    replace('served.key', readFileSync(at('two', 'self-signed.key'), 'utf8'));
    const { status: done } = await ctl('reload');
    expect(done).toBe(0);
    for (let i = 0; i < 10; i++) expect(await fingerprint()).not.toBe(first);
    unlinkSync(at('served.key'));
    await server.logged(/the certificate stays as it is: .*served\.key/);
    expect(await addressOf('a.test')).toBe('192.0.2.10');
  });

  /** A certificate that a server makes for itself, in a folder of its own. */
  async function adotdKeys(name: string): Promise<void> {
    const config = at(`${name}.yaml`);
    writeFileSync(config, stringify({ tls: { certs_folder: name }, zones: { folder: 'zones' } }));
    await (await adotdServe('--config', config)).stop();
    expect(existsSync(at(name, 'self-signed.pem'))).toBe(true);
  }
});

describe('adotd ctl', () => {
  it('shows what there is, and its socket is the owner’s alone', async () => {
    await start();
    expect(statSync(at('ctl')).mode & 0o777).toBe(0o600);
    await queryUdp(asked(), 'www.a.test');
    expect((await ctl('status')).stdout).toMatch(/^watching +yes$/m);
    expect((await ctlJson('stats')).value).toMatchObject({ udp: { messages: 1 } });
    const session = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => session.once('connect', resolve));
    await untilSessions({
      open: 1,
      byPath: { tcp: 1 },
      longest: [{ client: '127.0.0.1', path: 'tcp', queries: 0 }],
    });
    session.destroy();
    const dumped = await ctl('dump-zone', 'a.test');
    expect(dumped.stdout.split('\n')).toContain('www.a.test. 60 IN A 192.0.2.10');
    expect((await ctl('dump-zone', 'x.test')).status).toBe(1);
    expect((await ctl('log-level', 'error')).stdout).toBe('info before, error now\n');
  });

  it('drains: sessions finish, and the process ends with status 0', async () => {
    await start();
    const session = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => session.once('connect', resolve));
    const ended = new Promise((resolve) => session.once('end', resolve));
    await untilSessions({ open: 1 });
    expect((await ctl('drain', '5')).status).toBe(0);
    await ended;
    session.end();
    expect((await server.ended()).status).toBe(0);
    expect(existsSync(at('ctl'))).toBe(false);
    expect((await ctl('status')).stderr).toMatch(/no such socket/);
  });

  it('drains within the time that it is given, whoever does not go', async () => {
    await start({ sessions: { drain_timeout: 60 } });
    const session = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    await new Promise((resolve) => session.once('connect', resolve));
    // A message has begun: the session is not idle.
    session.write(Buffer.of(0, 40, 1));
    await untilSessions({ open: 1 });
    const began = Date.now();
    await ctl('drain', '1');
    expect((await server.ended()).status).toBe(0);
    expect(Date.now() - began).toBeLessThan(30_000);
    session.destroy();
  });

  it('does not start a server where another one has the socket, or a file is in its place', async () => {
    await start();
    const config = at('second.yaml');
    const second = { zones: { folder: 'zones' }, control: { socket: 'ctl' }, port: 0, tls_port: 0 };
    writeFileSync(config, stringify(second));
    const taken = await adotd('serve', '--config', config);
    expect([taken.status, taken.stderr]).toEqual([
      1,
      expect.stringMatching(/another server answers there.*\[ADOTD_LISTEN\]/),
    ]);
    writeFileSync(at('file'), 'precious');
    writeFileSync(config, stringify({ ...second, control: { socket: 'file' } }));
    const wrong = await adotd('serve', '--config', config);
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringMatching(/a file that is no socket/)]);
    expect(readFileSync(at('file'), 'utf8')).toBe('precious');
    expect((await ctl('status')).status).toBe(0);
  });

  it('is refused to other users', async () => {
    await start();
    chmodSync(folder, 0o755);
    if (process.getuid?.() !== 0) return;
    const script = `process.setuid(65534); require('node:net').connect(${JSON.stringify(at('ctl'))}).on('error', (e) => console.log(e.code))`;
    const { run } = await import('./support.js');
    expect((await run(process.execPath, ['-e', script])).stdout).toBe('EACCES\n');
  });
});
