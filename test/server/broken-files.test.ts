/** What a server does when something that its configuration names is broken: the table of docs/operation.md, row by row. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configPlaces, readConfig } from '../../src/config/load.js';
import type { Log } from '../../src/observe/log.js';
import { metricsFacts } from '../../src/server/metrics/metrics-facts.js';
import { createServer, type Server } from '../../src/server/server.js';
import { StartTroubles } from '../../src/server/start-troubles.js';
import { zonesOfConfig } from '../../src/server/zones/zone-files.js';
import { type Clock, systemClock } from '../../src/session/clock.js';
import { textOf } from '../repository/files.js';
import { askUdp } from '../support/ask.js';
import { adotd, adotdServe } from '../support/cli.js';
import { FakeClock } from '../support/clock.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { PATIENCE } from '../support/patience.js';
import { freePort } from '../support/peers/server.js';
import { queryUdp } from '../support/query.js';
import { runCommand } from '../support/run-command.js';
import { DAY, type Made, make, pemOf, visit } from '../tls/support.js';

const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const BASE = 'listen: [127.0.0.1]\nport: 0\ntls_port: 0\nworkers: embedded\n';
const FOLDER = 'zones: { folder: zones }\n';
const TLS = 'tls: { certificates: [{ cert: a.pem, key: a.key }, { cert: b.pem, key: b.key }] }\n';
const [NOERROR, SERVFAIL, REFUSED] = [0, 2, 5];

let folder: string;
let server: Server | undefined;
/** Lines of the log at the levels warn and error. */
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-broken-'));
  lines = [];
  mkdirSync(at('zones'));
  for (const name of ['a', 'b']) put(`zones/${name}.test.zone`, ZONE);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const at = (...names: readonly string[]): string => join(folder, ...names);
const put = (name: string, text: string): void => writeFileSync(at(name), text, { mode: 0o600 });
const putPair = (name: string, { cert, key }: Made): void => {
  put(`${name}.pem`, cert);
  put(`${name}.key`, key);
};
const within = (name: string, from: number, to: number): Promise<Made> =>
  make({ names: [name], from: new Date(Date.now() + from * DAY), to: new Date(Date.now() + to * DAY) });
const log: Log = {
  debug() {},
  info() {},
  warn: (_, message) => lines.push(`warn: ${message}`),
  error: (_, message) => lines.push(`error: ${message}`),
};

/** Starts a server with adotd.yaml of this text. */
async function start(text: string, clock: Clock = systemClock): Promise<Server> {
  await server?.close();
  lines = [];
  put('adotd.yaml', BASE + text);
  const path = at('adotd.yaml');
  const config = readConfig(path);
  server = await createServer({
    config,
    troubles: new StartTroubles(config.strict, log, clock),
    configFile: { path, read: () => readConfig(path), places: () => configPlaces(path) },
    zones: zonesOfConfig,
    log,
    loader: { thread: false },
  });
  return server;
}

/** What `serve` prints when it does not start, as another process. */
async function refusal(text: string): Promise<string> {
  put('adotd.yaml', BASE + text);
  const { status, stdout, stderr } = await adotd('serve', '--config', at('adotd.yaml'));
  expect([status, stdout]).toEqual([1, '']);
  return stderr;
}

/** Whether `check` has found errors, and the errors that match. */
async function check(message: RegExp): Promise<readonly [number | null, number]> {
  const { status, stdout } = await runCommand('check', at('adotd.yaml'));
  return [status, stdout.split('\n').filter((line) => message.test(line)).length];
}
const FAILS = [1, 1] as const;

async function rcode(name: string): Promise<number> {
  const reply = await askUdp({ port: server!.udp[0]!.port }, buildQuery({ name }));
  return decodeMessage(reply!).rcode;
}
/** The first name in the certificate that a TLS client gets. */
const served = async (servername = ''): Promise<string | undefined> =>
  (await visit(server!.tls[0]!.port, { servername, ALPNProtocols: ['dot'] }, framedQuery())).names.split(', ')[0];
const framedQuery = (): Buffer => {
  const query = buildQuery({ name: 'ns.a.test.' });
  return Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query]);
};
const facts = () => metricsFacts('0', 0, server);
const problems = (): readonly string[] => server!.reloader.problems;
const said = (message: RegExp): boolean => lines.some((line) => message.test(line));

type Row = () => Promise<void>;
const ROWS: Readonly<Record<string, Row>> = {
  async 'a zone file with errors, or that cannot be read'() {
    put('zones/a.test.zone', 'nonsense');
    await start(FOLDER);
    expect([await rcode('ns.a.test.'), await rcode('ns.b.test.')]).toEqual([SERVFAIL, NOERROR]);
    expect(said(/^error: .*a\.test\.zone:1:\d+: /)).toBe(true);
    expect(await check(/a\.test\.zone:1:\d+: /)).toEqual([1, expect.any(Number)]);
    expect(
      facts()
        .zones.map(({ state }) => state)
        .sort(),
    ).toEqual(['failed', 'served']);
    rmSync(at('zones/b.test.zone'));
    mkdirSync(at('zones/b.test.zone'));
    await server!.reload();
    expect(await rcode('ns.b.test.')).toBe(NOERROR);
    expect(
      facts()
        .zones.map(({ state }) => state)
        .sort(),
    ).toEqual(['failed', 'kept']);
    await expect(start(`${FOLDER}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_ZONE_INVALID' });
  },

  async 'a zone file that is gone'() {
    put('c.zone', ZONE);
    await start('zones: { folder: zones, files: [{ name: c.test, file: c.zone }, { name: d.test, file: d.zone }] }\n');
    expect([await rcode('ns.c.test.'), await rcode('ns.d.test.')]).toEqual([NOERROR, SERVFAIL]);
    expect(await check(/d\.zone/)).toEqual(FAILS);
    rmSync(at('zones/a.test.zone'));
    rmSync(at('c.zone'));
    await server!.reload();
    expect([await rcode('ns.a.test.'), await rcode('ns.c.test.')]).toEqual([REFUSED, NOERROR]);
    expect(said(/^warn: zone a\.test\. removed, serial 1: no zone file has it any more/)).toBe(true);
    expect(said(/^error: .*c\.zone.*no such file/)).toBe(true);
  },

  async 'the zones folder'() {
    await start(FOLDER);
    rmSync(at('zones'), { recursive: true });
    await server!.reload();
    expect([await rcode('ns.a.test.'), problems()]).toEqual([
      NOERROR,
      [expect.stringMatching(/cannot read the zones folder/)],
    ]);
    expect(facts().reloads.zones.failed).toBe(1);
    mkdirSync(at('zones'));
    await server!.reload();
    expect([await rcode('ns.a.test.'), problems()]).toEqual([NOERROR, [expect.stringMatching(/is it unmounted/)]]);
    rmSync(at('zones'), { recursive: true });
    await expect(start(FOLDER)).rejects.toMatchObject({ code: 'ADOTD_FILE' });
    expect(await check(/cannot read the zones folder/)).toEqual(FAILS);
  },

  async 'one of several certificates, or its key'() {
    const [a, b] = [await within('a.test', -1, 90), await within('ns.b.test', -1, 90)];
    const sealed = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const curve = pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey);
    putPair('b', b);
    const broken: readonly [string, string, RegExp][] = [
      ['', a.key, /is empty/],
      [a.cert.slice(0, 200), a.key, /cut off/],
      [a.cert, '', /is empty/],
      [a.cert, createPrivateKey(a.key).export(sealed).toString(), /is encrypted/],
      [a.cert, b.key, /do not belong together/],
      [a.cert, curve, /do not belong together/],
    ];
    for (const [cert, key, message] of broken) {
      putPair('a', { cert, key });
      await start(FOLDER + TLS);
      expect([await served(), await rcode('ns.a.test.'), problems()]).toEqual([
        'DNS:ns.b.test',
        NOERROR,
        [expect.stringMatching(message)],
      ]);
      expect(said(/^error: a certificate is not served: /)).toBe(true);
      expect(await check(message)).toEqual(FAILS);
      expect([facts().certificateStates, facts().reloads.certificates.failed]).toEqual([
        { served: 1, kept: 0, failed: 1, held: 0 },
        1,
      ]);
    }
    putPair('a', a);
    expect((await server!.reload()).certificates).toBe('replaced');
    put('a.pem', '');
    putPair('b', await within('renewed.test', -1, 90));
    expect((await server!.reload()).errors).toHaveLength(1);
    expect([await served(), await served('renewed.test')]).toEqual(['DNS:a.test', 'DNS:renewed.test']);
    expect(facts().certificateStates).toEqual({ served: 1, kept: 1, failed: 0, held: 0 });
    await expect(start(`${FOLDER}${TLS}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_TLS' });
  },

  async 'all certificates'() {
    await start(FOLDER + TLS);
    expect([await served(), await rcode('ns.a.test.')]).toEqual(['DNS:ns.a.test', NOERROR]);
    expect([problems().length, existsSync(at('certs'))]).toEqual([2, false]);
    expect(said(/^error: no certificate can be used, and one that is made in memory is served: .*a\.pem/)).toBe(true);
    expect([await check(/no such file/), facts().certificateStates.failed]).toEqual([[1, 4], 2]);
    putPair('a', await within('a.test', -1, 90));
    putPair('b', await within('ns.b.test', -1, 90));
    await server!.reload();
    for (const name of ['a.pem', 'a.key', 'b.pem', 'b.key']) rmSync(at(name));
    await server!.reload();
    expect([await served(), facts().certificateStates.kept]).toEqual(['DNS:a.test', 2]);
    await expect(start(`${FOLDER}${TLS}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_FILE' });
  },

  async 'a certificate that has expired'() {
    await outOfTime(-3, -1, /a\.pem expired at /);
  },

  async 'a certificate that is not valid yet'() {
    await outOfTime(1, 90, /a\.pem is not valid before /);
  },

  async 'the certificate folder, or the key in it'() {
    const text = `${FOLDER}tls: { certs_folder: certs }\n`;
    put('certs', 'a file');
    await start(text);
    expect([await served(), await rcode('ns.a.test.'), problems()]).toEqual([
      'DNS:ns.a.test',
      NOERROR,
      [expect.stringMatching(/cannot write to the folder of certificates/)],
    ]);
    expect(await check(/cannot write to the folder of certificates/)).toEqual(FAILS);
    rmSync(at('certs'));
    await server!.reload();
    expect([problems(), facts().certificateStates]).toEqual([[], { served: 1, kept: 0, failed: 0, held: 0 }]);
    put('certs/self-signed.key', 'spoiled');
    await server!.reload();
    expect([await served(), facts().certificateStates.kept]).toEqual(['DNS:ns.a.test', 1]);
    await start(text);
    expect([await served(), facts().certificateStates.failed]).toEqual(['DNS:ns.a.test', 1]);
    expect(readFileSync(at('certs/self-signed.key'), 'utf8')).toBe('spoiled');
  },

  async 'the file of ticket keys'() {
    const text = `${FOLDER}tls: { certs_folder: certs, ticket_key_file: keys }\n`;
    await start(text);
    expect([await served(), problems()]).toEqual(['DNS:ns.a.test', [expect.stringMatching(/cannot read ticket keys/)]]);
    expect([await check(/cannot read ticket keys/), facts().reloads.ticket_keys.failed]).toEqual([FAILS, 1]);
    put('keys', `${'0b'.repeat(48)}\n`);
    await server!.reload();
    expect(problems()).toEqual([]);
    put('keys', 'spoiled');
    await server!.reload();
    expect([problems().length, facts().reloads.ticket_keys.failed]).toEqual([1, 2]);
    expect([...server!.tlsService!.settings.ticketKey]).toEqual(Array(48).fill(11));
  },

  async 'the file of cookie secrets'() {
    const text = `${FOLDER}tls: { certs_folder: certs }\ncookies: { secret_file: secrets }\n`;
    await start(text);
    expect([await rcode('ns.a.test.'), problems()]).toEqual([
      NOERROR,
      [expect.stringMatching(/cannot read the cookie secrets/)],
    ]);
    expect(said(/^error: cannot read the cookie secrets .*; cookies are made with other secrets/)).toBe(true);
    expect([await check(/cannot read the cookie secrets/), facts().reloads.config.failed]).toEqual([FAILS, 1]);
    put('secrets', `${'0b'.repeat(16)}\n`);
    expect((await server!.reload()).config?.changed).toEqual(['cookies.secret_file']);
    expect(problems()).toEqual([]);
    put('secrets', 'spoiled');
    expect((await server!.reload()).config).toBeUndefined();
    expect([await rcode('ns.a.test.'), problems().length]).toEqual([NOERROR, 1]);
    await expect(start(`${text}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_CONFIG' });
  },

  async 'the secret file of a TSIG key'() {
    const text = `${FOLDER}tls: { certs_folder: certs }\ntsig: [{ name: k.test, secret_file: secret }]\n`;
    await start(text);
    const missing = /cannot read the TSIG secret .*; queries signed with the key k\.test get NOTAUTH/;
    expect([await rcode('ns.a.test.'), problems()]).toEqual([NOERROR, [expect.stringMatching(missing)]]);
    expect([said(/^error: cannot read the TSIG secret/), facts().reloads.config.failed]).toEqual([true, 1]);
    expect(await check(/cannot read the TSIG secret/)).toEqual(FAILS);
    put('secret', `${Buffer.alloc(32, 1).toString('base64')}\n`);
    await server!.reload();
    expect([problems(), server!.plane.settings.answers.tsigKeys.length]).toEqual([[], 1]);
    put('secret', 'spoilt!');
    expect((await server!.reload()).config).toBeUndefined();
    expect([problems().length, server!.plane.settings.answers.tsigKeys.length]).toEqual([1, 1]);
    await expect(start(`${text}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_CONFIG' });
  },

  async 'a certificate, a key or an authorities file of a remote, or the secret file of its key'() {
    const remote = (files: string): string =>
      `${FOLDER.replace(' }', ', secondary: [{ zones: [c.test], from: [one] }] }')}state: { folder: state }
tls: { certs_folder: certs }
tsig: [{ name: k.test, secret_file: secret }]
remotes: [{ name: one, addresses: [127.0.0.1], key: k.test, tls: { name: one.test, port: 1, ${files} } }]\n`;
    const text = remote('ca: ca.pem, cert: a.pem, key_file: a.key');
    const of = (): readonly string[] => server!.life.secondaries.problems;
    put('secret', `${Buffer.alloc(32, 1).toString('base64')}\n`);
    putPair('a', await within('a.test', -1, 90));
    put('ca.pem', '');
    await start(text);
    const empty = /the authorities file \S+ca\.pem is not PEM: it is empty/;
    const unused = /^remote one: .*it is empty; no zones are transferred from it$/;
    expect([await rcode('ns.a.test.'), of()]).toEqual([NOERROR, [expect.stringMatching(unused)]]);
    expect([said(/^error: remote one: /), facts().problems, await check(empty)]).toEqual([true, 1, FAILS]);
    put('ca.pem', readFileSync(at('a.pem'), 'utf8'));
    await server!.reload();
    expect([of(), facts().problems]).toEqual([[], 0]);
    put('a.key', 'spoilt');
    await server!.reload();
    expect(of()).toEqual([expect.stringMatching(/^remote one: .*a\.key.*; its files stay in force as they were$/)]);
    // A file that the configuration names anew has to be there.
    put('adotd.yaml', BASE + text.replace('ca.pem', 'none.pem'));
    expect((await server!.reload()).errors).toContainEqual(expect.stringMatching(/cannot read the authorities file/));
    expect(server!.reloader.config.remotes[0]?.tls?.ca).toBe(at('ca.pem'));
    // Without its key the primary is not asked at all: an answer without a signature may be anybody's.
    putPair('a', await within('a.test', -1, 90));
    rmSync(at('secret'));
    await start(text);
    expect(of()).toEqual(['remote one: its key k.test cannot be used; no zones are transferred from it']);
  },

  async 'the authorities of clients (`client_ca`)'() {
    const authority = await make({ names: ['authority.test'], isIssuer: true });
    const known = await make({ names: ['known.test'], issuer: authority });
    const port = await freePort();
    const text = `${FOLDER}tls: { certs_folder: certs }\ntransfer: { listen: [{ address: 127.0.0.1, port: ${port}, client_ca: ca.pem }] }\n`;
    const comes = (client?: Made): Promise<boolean> => getsIn(port, client);
    put('ca.pem', '');
    await start(text);
    const empty = /the authorities file \S+ca\.pem is not PEM: it is empty; nobody is served on /;
    expect([await rcode('ns.a.test.'), problems()]).toEqual([NOERROR, [expect.stringMatching(empty)]]);
    expect([await comes(), await comes(known)]).toEqual([false, false]);
    expect([said(/^error: the authorities file/), facts().problems]).toEqual([true, 1]);
    expect(await check(/it is empty/)).toEqual(FAILS);
    put('ca.pem', authority.cert);
    expect((await server!.reload()).errors).toEqual([]);
    expect([problems(), await comes(), await comes(known)]).toEqual([[], false, true]);
    put('ca.pem', 'spoilt');
    expect((await server!.reload()).errors).toEqual([expect.stringMatching(/those that \S+ had before stay/)]);
    expect([await comes(), await comes(known), facts().problems]).toEqual([false, true, 1]);
    await expect(start(`${text}strict: true\n`)).rejects.toMatchObject({ code: 'ADOTD_TLS' });
    await clientsOfThreads(text, port, authority, known);
  },

  async 'the configuration'() {
    await start(`${FOLDER}tls: { certs_folder: certs }\n`);
    put('adotd.yaml', `${BASE}${FOLDER}prot: 53\n`);
    await server!.reload();
    expect([await rcode('ns.a.test.'), problems()]).toEqual([NOERROR, [expect.stringMatching(/prot: unknown key/)]]);
    expect([await check(/prot: unknown key/), facts().reloads.config.failed]).toEqual([FAILS, 1]);
    expect(await refusal(`${FOLDER}prot: 53\n`)).toMatch(/prot: unknown key/);
  },

  async 'the file of the query log, or of dnstap'() {
    const text = `${FOLDER}tls: { certs_folder: certs }\nquery_log: { enabled: true, file: none/log }\ndnstap: { file: tap }\n`;
    const clock = new FakeClock();
    await start(text, clock);
    const missing = /the query log \S+ cannot be written: .*there is no query log, which is tried again/;
    expect([await rcode('ns.a.test.'), problems()]).toEqual([NOERROR, [expect.stringMatching(missing)]]);
    expect([said(/^error: the query log /), facts().problems]).toEqual([true, 1]);
    await vi.waitFor(() => expect(facts().tap).toMatchObject({ queryLogLost: 1 }), PATIENCE);
    mkdirSync(at('none'));
    clock.advance(1000);
    await vi.waitFor(() => expect([problems(), facts().problems]).toEqual([[], 0]), PATIENCE);
    await rcode('ns.b.test.');
    await server!.close();
    expect(readFileSync(at('none/log'), 'utf8')).toMatch(/^\{.*"ns\.b\.test\."?.*\}\n$/);
    expect(readFileSync(at('tap')).includes('test')).toBe(true);
    // A file that a folder stands for, and a reload.
    await start(text.replace('file: none/log', 'file: other/log').replace('file: tap', 'file: zones'), clock);
    expect(problems()).toHaveLength(2);
    mkdirSync(at('other'));
    await server!.reload();
    expect([problems(), existsSync(at('other/log'))]).toEqual([[expect.stringMatching(/no dnstap, which/)], true]);
    const strict = `${text.replace('none', 'nowhere')}strict: true\n`;
    await expect(start(strict)).rejects.toMatchObject({ code: 'ADOTD_FILE' });
  },

  async 'the metrics address'() {
    const holder = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const address = holder.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const text = `${FOLDER}tls: { certs_folder: certs }\nmetrics: { listen: ${port} }\ncontrol: { socket: ctl }\n`;
    put('adotd.yaml', BASE + text);
    const running = await adotdServe('--config', at('adotd.yaml'));
    try {
      expect((await queryUdp({ address: '127.0.0.1', udp: running.port, tcp: running.port }, 'ns.a.test')).rcode).toBe(
        'NOERROR',
      );
      await running.logged(/cannot listen on HTTP.*there is no metrics address, which is tried again/i);
      const ctl = async (command: string) => (await adotd('ctl', '--socket', at('ctl'), command)).stdout;
      expect(await ctl('status')).toMatch(/^PROBLEM +cannot listen on HTTP/im);
      await new Promise((resolve) => holder.close(resolve));
      await ctl('reload');
      await running.logged(/there is a metrics address now/);
      expect(await ctl('status')).not.toContain('PROBLEM');
      expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('adotd_problems 0');
    } finally {
      await running.stop();
      if (!holder.listening) await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
      if (!existsSync(at('ctl'))) expect(await refusal(`${text}strict: true\n`)).toMatch(/cannot listen on HTTP/i);
      holder.close();
    }
  },

  async 'the control socket'() {
    put('ctl', 'precious');
    expect(await refusal(`${FOLDER}tls: { certs_folder: certs }\ncontrol: { socket: ctl }\n`)).toMatch(
      /no socket.*ADOTD_LISTEN/,
    );
    expect(await check(/no socket/)).toEqual(FAILS);
    expect(readFileSync(at('ctl'), 'utf8')).toBe('precious');
  },

  async 'the state folder'() {
    const text = `${FOLDER}tls: { certs_folder: certs }\nstate: { folder: state }\n`;
    put('state', 'precious');
    await expect(start(text)).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    expect(await check(/expected a folder, found a file/)).toEqual(FAILS);
    expect(await refusal(text)).toMatch(/expected a folder, found a file.*ADOTD_STATE/);
    expect(readFileSync(at('state'), 'utf8')).toBe('precious');
    rmSync(at('state'));
    // Below a file of the kernel nothing can be made, though root may write there.
    await expect(start(text.replace('folder: state', 'folder: /proc/sys/adotd'))).rejects.toMatchObject({
      code: 'ADOTD_STATE',
    });
    expect(await check(/state \/proc\/sys\/adotd: /)).toEqual(FAILS);
  },

  async 'the folder of zone keys'() {
    const policies = 'policies: [{ zones: [a.test], dnssec: default }]';
    const text = `${FOLDER.replace(' }', `, ${policies} }`)}tls: { certs_folder: certs }\nstate: { folder: state }\n`;
    await start(`${FOLDER}tls: { certs_folder: certs }\nstate: { folder: state }\n`);
    put('state/keys', 'in its place');
    await start(text);
    expect([await rcode('ns.a.test.'), await rcode('ns.b.test.')]).toEqual([SERVFAIL, NOERROR]);
    expect(server!.life.signing?.known.problems).toEqual([
      expect.stringMatching(/^a\.test\. cannot be signed: state \S+keys: expected a folder, found a file/),
    ]);
    expect([facts().problems, await check(/keys: expected a folder, found a file/)]).toEqual([1, FAILS]);
    expect(said(/keys: expected a folder, found a file/)).toBe(true);
  },

  async 'an address or a port'() {
    put('adotd.yaml', `${BASE}${FOLDER}`.replace('127.0.0.1', '192.0.2.1'));
    const { status, stderr } = await adotd('serve', '--config', at('adotd.yaml'));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/192\.0\.2\.1.*ADOTD_LISTEN/)]);
  },

  async '`user` or `group`'() {
    expect(await refusal(`${FOLDER}user: nobody-of-that-name\n`)).toMatch(/nobody-of-that-name.*ADOTD_CONFIG/);
    expect(await check(/nobody-of-that-name/)).toEqual(FAILS);
  },
};

/** Whether a TLS client with this certificate, or none, gets an answer. */
const getsIn = (port: number, client: Made | undefined): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { ...client, host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['dot'] };
    const socket = connectTls(options, () => socket.write(framedQuery()));
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });

/** The same with threads, whose sockets are bound before the authorities are known. */
async function clientsOfThreads(text: string, port: number, authority: Made, known: Made): Promise<void> {
  await server!.close();
  rmSync(at('ca.pem'));
  put('adotd.yaml', `${BASE.replace('workers: embedded', 'workers: 2')}${text}control: { socket: ctl }\n`);
  await using running = await adotdServe('--config', at('adotd.yaml'));
  const ctl = async (command: string): Promise<string> => (await adotd('ctl', '--socket', at('ctl'), command)).stdout;
  expect(await ctl('status')).toMatch(/^PROBLEM +cannot read the authorities file .*; nobody is served on /m);
  expect([await getsIn(port, undefined), await getsIn(port, known)]).toEqual([false, false]);
  put('ca.pem', authority.cert);
  await ctl('reload');
  expect(await ctl('status')).not.toContain('PROBLEM');
  expect([await getsIn(port, undefined), await getsIn(port, known)]).toEqual([false, true]);
  put('ca.pem', (await make({ names: ['other.test'], isIssuer: true })).cert);
  await ctl('reload');
  expect([await getsIn(port, undefined), await getsIn(port, known)]).toEqual([false, false]);
  expect((await running.stop()).status).toBe(0);
}

/** A certificate that is valid between these days from now: at the start there is nothing else, at the reload a valid one. */
async function outOfTime(from: number, to: number, message: RegExp): Promise<void> {
  const text = `${FOLDER}tls: { certificates: [{ cert: a.pem, key: a.key }] }\n`;
  putPair('a', await within('ns.a.test', from, to));
  await start(`${text}strict: true\n`);
  expect([await served(), await rcode('ns.a.test.'), problems()]).toEqual([
    'DNS:ns.a.test',
    NOERROR,
    [expect.stringMatching(message)],
  ]);
  expect([said(message), await check(message), facts().certificates[0]?.valid]).toEqual([true, FAILS, false]);
  // Reloads of other things do not fail for it.
  expect((await server!.reload()).errors).toEqual([]);
  putPair('a', await within('ns.b.test', -1, 90));
  await server!.reload();
  expect([await served(), problems(), facts().certificates[0]?.valid]).toEqual(['DNS:ns.b.test', [], true]);
  putPair('a', await within('ns.a.test', from, to));
  expect((await server!.reload()).errors).toEqual([expect.stringMatching(message)]);
  expect([await served(), facts().certificateStates.kept]).toEqual(['DNS:ns.b.test', 1]);
}

describe('what a server does when there is something wrong with', () => {
  it.each(Object.entries(ROWS))('%s', (_, row) => row());

  it('stands in the table of docs/operation.md', () => {
    const [, section = ''] = textOf('docs/operation.md').split('\n## What is broken\n');
    const rows = section
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const names = rows.map((line) => line.split('|')[1]!.trim()).slice(1);
    expect(names.slice().sort()).toEqual(Object.keys(ROWS).sort());
  });
});
