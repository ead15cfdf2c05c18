import { createPublicKey } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../../src/config/load.js';
import { silentLog } from '../../../src/observe/log.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { zonesOfConfig } from '../../../src/server/zones/zone-files.js';
import { pinOf } from '../../../src/tls/pin.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { runCommand } from '../../support/run-command.js';
import { type Made, make, makeRsa, temporaryFolder } from '../../tls/support.js';

const POLICY = '{ zones: [a.test], signals: { tlsa: auto, svcb: auto } }';
const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nns 60 A 192.0.2.2\n';
const TLSA = '_8853._tcp.ns.a.test.';
const SVCB = '_dns.ns.a.test.';
/** RDATA up to the addresses: priority, target, ALPN, port. */
const BOUND = '0001026e7301610474657374000001000403646f74000300022295';

let folder: ReturnType<typeof temporaryFolder>;
const running: Server[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  folder.put('a.zone', ZONE);
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  folder[Symbol.dispose]();
});

const configure = (changes: Readonly<Record<string, string>> = {}): string => {
  const parts = {
    tls: '{ certificates: [{ cert: a.pem, key: a.key }] }',
    policies: `[${POLICY}]`,
    ttl: '30',
    ...changes,
  };
  return folder.put(
    'adotd.yaml',
    `listen: [127.0.0.1]
port: 0
tls_port: 0
workers: embedded
tls: ${parts.tls}
state: { folder: state }
signals: { names: [ns.a.test, NS.elsewhere.test], port: 8853, ttl: ${parts.ttl} }
zones: { files: [{ name: a.test, file: a.zone }], policies: ${parts.policies} }
`,
  );
};

async function serve(): Promise<Server> {
  const path = join(folder.path, 'adotd.yaml');
  const read = () => readConfig(path);
  const places = () => () => ({ file: path, line: 1, column: 1 });
  const server = await createServer({
    config: read(),
    configFile: { path, read, places },
    zones: zonesOfConfig,
    log: silentLog,
    loader: { thread: false },
  });
  running.push(server);
  return server;
}

async function rdatas({ udp }: Server, name: string, type: number): Promise<string[]> {
  const message = await askUdp({ port: udp[0]!.port }, buildQuery({ name, type }));
  return decodeMessage(message!)
    .answer.map(({ ttl, rdata }) => `${ttl} ${rdata}`)
    .sort();
}
const tlsaOf = (server: Server) => rdatas(server, TLSA, 52);
const svcbOf = (server: Server) => rdatas(server, SVCB, 64);
const serialOf = (server: Server) => server.keeper.get('a.test.')!.serial;
const becomes = (read: () => Promise<unknown>, value: unknown): Promise<void> =>
  vi.waitFor(async () => expect(await read()).toEqual(value), { timeout: 10_000, interval: 50 });

function put(name: string, { cert, key }: Made): string {
  folder.put(`${name}.pem`, cert);
  folder.put(`${name}.key`, key);
  return `30 030101${Buffer.from(pinOf(createPublicKey(key)), 'base64').toString('hex')}`;
}

describe('the signals of DNS over TLS', () => {
  it('come with what is served, follow the addresses of the name, and move the serial', async () => {
    const pin = put('a', await make({ names: ['ns.a.test'] }));
    configure();
    const server = await serve();
    await becomes(() => tlsaOf(server), [pin]);
    expect(await svcbOf(server)).toEqual([`30 ${BOUND}00040008c0000201c0000202`]);
    expect(serialOf(server)).toBe(2);
    folder.put('a.zone', ZONE.replace('ns 60 A 192.0.2.2\n', 'ns 60 AAAA 2001:db8::1\n'));
    await server.reload();
    const moved = `${BOUND}00040004c000020100060010${'20010db8'.padEnd(31, '0')}1`;
    await becomes(() => svcbOf(server), [`30 ${moved}`]);
    expect([await tlsaOf(server), serialOf(server)]).toEqual([[pin], 4]);
  });

  it('are there once after a restart, and go when the policy or TLS does', async () => {
    const pin = put('a', await make({ names: ['ns.a.test'] }));
    configure();
    const first = await serve();
    await becomes(() => tlsaOf(first), [pin]);
    await first.close();
    running.length = 0;
    const second = await serve();
    expect([await tlsaOf(second), serialOf(second)]).toEqual([[pin], 2]);
    configure({ policies: '[{ zones: [a.test], serial: increment, signals: { svcb: auto } }]' });
    await second.reload();
    await becomes(() => tlsaOf(second), []);
    expect(await svcbOf(second)).toHaveLength(1);
    await second.close();
    running.length = 0;
    configure({ tls: '{ enabled: false }' });
    const third = await serve();
    await becomes(() => svcbOf(third), []);
  });

  it('are one TLSA record for each kind of key that clients of the name may get', async () => {
    const ec = put('a', await make({ names: ['ns.a.test'] }));
    const rsa = put('b', await makeRsa('ns.a.test'));
    const other = put('c', await make({ names: ['other.a.test'] }));
    const pairs = ['a', 'b', 'c'].map((name) => `{ cert: ${name}.pem, key: ${name}.key }`);
    configure({ tls: `{ certificates: [${pairs.join(', ')}] }` });
    const server = await serve();
    await becomes(() => tlsaOf(server), [ec, rsa].sort());
    expect(await tlsaOf(server)).not.toContain(other);
  });

  it('give way to records of the zone file, ours among them', async () => {
    const pin = put('a', await make({ names: ['ns.a.test'] }));
    configure();
    const server = await serve();
    await becomes(() => tlsaOf(server), [pin]);
    const foreign = `30 030101${'ab'.repeat(32)}`;
    const inFile = (...records: string[]): string =>
      ZONE + records.map((record) => `${TLSA} 30 TLSA 3 1 1 ${record.slice(9)}\n`).join('');
    folder.put('a.zone', inFile(foreign));
    await server.reload();
    await becomes(() => tlsaOf(server), [foreign]);
    folder.put('a.zone', inFile(foreign, pin));
    await server.reload();
    await becomes(() => tlsaOf(server), [foreign, pin].sort());
    folder.put('a.zone', ZONE);
    await server.reload();
    await becomes(() => tlsaOf(server), [pin]);
  });

  it('are signed in a zone that is signed here', async () => {
    const pin = put('a', await make({ names: ['ns.a.test'] }));
    mkdirSync(join(folder.path, 'state'));
    configure({ policies: '[{ zones: [a.test], dnssec: default, signals: { tlsa: auto } }]' });
    const server = await serve();
    await becomes(() => tlsaOf(server), [pin]);
    const query = buildQuery({ name: TLSA, type: 52, edns: { dnssecOk: true } });
    const { answer } = decodeMessage((await askUdp({ port: server.udp[0]!.port }, query))!);
    expect(answer.map(({ type }) => type)).toEqual([52, 46]);
  });

  it('hold a certificate with another key back, across a restart, and keep what is served readable by nobody else', async () => {
    const [first, second] = [await make({ names: ['ns.a.test'] }), await make({ names: ['ns.a.test'] })];
    const [old, fresh] = [put('b', first), put('a', second)];
    put('a', first);
    configure({ ttl: '2' });
    let server = await serve();
    const pinOfServed = (): string => Buffer.from(server.tlsService!.certificates[0].pin, 'base64').toString('hex');
    const keyOf = (record: string): string => record.slice(-64);
    const records = async (): Promise<string[]> => (await tlsaOf(server)).map(keyOf);
    await becomes(records, [keyOf(old)]);
    put('a', second);
    await server.reload();
    expect([pinOfServed(), server.tlsService!.pairs]).toEqual([keyOf(old), { served: 0, kept: 0, failed: 0, held: 1 }]);
    const checked = await runCommand('check', join(folder.path, 'adotd.yaml'));
    expect(checked).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/yaml:5:31: warning: .*a.pem has another key than TLSA records promise/),
    });
    await becomes(records, [keyOf(old), keyOf(fresh)].sort());
    await server.close();
    running.length = 0;
    expect(statSync(join(folder.path, 'state', 'tls', 'served.json')).mode & 0o777).toBe(0o600);
    server = await serve();
    expect([pinOfServed(), server.life.signals!.waits()[0]?.name]).toEqual([keyOf(old), 'ns.a.test.']);
    await vi.waitFor(() => expect(pinOfServed()).toBe(keyOf(fresh)), { timeout: 20_000, interval: 50 });
    await becomes(records, [keyOf(fresh)]);
    put('a', first);
    await server.reload();
    expect(pinOfServed()).toBe(keyOf(fresh));
    expect(await server.life.signals!.switchNow()).toEqual([keyOf(old)]);
    expect(pinOfServed()).toBe(keyOf(old));
    await becomes(records, [keyOf(old)]);
  }, 60_000);

  it('guard what they promise: a reload and a check refuse to break it, --force does not, and a start serves', async () => {
    const pin = put('a', await make({ names: ['ns.a.test'] }));
    const path = configure();
    const server = await serve();
    await becomes(() => tlsaOf(server), [pin]);
    const promise = 'records promise that ns.a.test. speaks DNS over TLS on port 8853, and nameservers still have them';
    configure({ tls: '{ enabled: false }', ttl: '31' });
    const refused = await server.reload();
    expect(refused).toMatchObject({ config: undefined, errors: [expect.stringContaining(`tls.enabled: ${promise}`)] });
    expect((await runCommand('check', path)).stdout).toContain(`adotd.yaml:5:17: tls.enabled: ${promise}`);
    const forced = await runCommand('check', '--force', path);
    expect(forced).toMatchObject({ status: 0, stdout: expect.stringContaining(`warning: tls.enabled: ${promise}`) });
    expect(await server.reload({ force: true })).toMatchObject({ errors: [], config: { restart: ['tls.enabled'] } });
    // What was taken once does not stop what comes later.
    configure({ tls: '{ enabled: false }', ttl: '32' });
    expect(await server.reload()).toMatchObject({ errors: [], config: { changed: ['signals.ttl'] } });
    await server.close();
    running.length = 0;
    const cleartext = await serve();
    expect(cleartext.life.signals!.problems).toEqual([expect.stringContaining(`tls.enabled: ${promise}`)]);
    await becomes(() => tlsaOf(cleartext), []);
    await vi.waitFor(
      () => expect(cleartext.life.signals!.problems).toEqual([expect.stringMatching(/caches may have them until 20/)]),
      { timeout: 10_000, interval: 50 },
    );
  });
});
