/** UPDATE of real clients: nsupdate, knsupdate, and ACME clients that prove to pebble by it that a name is theirs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '../repository/files.js';
import { adotd } from '../support/cli.js';
import { until } from '../support/patience.js';
import { freePort, stopChild } from '../support/peers/server.js';
import { make } from '../tls/support.js';
import { FOLDER, missingPrograms, run, type Server, serve } from './support.js';

const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
const ZONE = 'acme.test';

const CONFIG = {
  workers: 1,
  state: { folder: join(FOLDER, 'state') },
  tsig: [
    { name: 'all.', algorithm: 'hmac-sha256', secret: SECRET },
    { name: 'acme.', algorithm: 'hmac-sha512', secret: SECRET },
  ],
  zones: {
    folder: join(FOLDER, 'zones'),
    policies: [
      {
        zones: [ZONE],
        update: [
          { key: 'all.', allow: [{ subdomain: ZONE }] },
          { key: 'acme.', allow: [{ name: `_acme-challenge.www.${ZONE}`, types: ['TXT'] }] },
        ],
      },
    ],
  },
};

let server: Server;
beforeAll(async () => {
  mkdirSync(join(FOLDER, 'zones'), { recursive: true });
  mkdirSync(join(FOLDER, 'state'), { recursive: true });
  const lines = ['@ 300 SOA ns h 1 7200 900 1209600 300', '@ 300 NS ns', 'ns 300 A 127.0.0.1', 'www 300 A 127.0.0.1'];
  writeFileSync(join(FOLDER, 'zones', `${ZONE}.zone`), `${lines.join('\n')}\n`);
  server = await serve(CONFIG);
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** The data of a name's records, sorted. */
async function recordsAt(name: string, type: string): Promise<string[]> {
  const { stdout } = await run('dig', [
    '@127.0.0.1',
    '-p',
    String(server.port),
    '+norecurse',
    '+short',
    `${name}.${ZONE}`,
    type,
  ]);
  return stdout.split('\n').filter(Boolean).sort();
}

const missing = missingPrograms({ nsupdate: 'bind9-dnsutils', knsupdate: 'knot-dnsutils', dig: 'bind9-dnsutils' });

/** Programs that read commands of the same kind; each with the options for TCP and a key. */
const PROGRAMS = [
  { program: 'nsupdate', tcp: ['-v'], key: (text: string) => ['-y', text] },
  { program: 'knsupdate', tcp: ['-v'], key: (text: string) => ['-y', text] },
  { program: 'adotd update', tcp: ['--transport', 'tcp'], key: (text: string) => ['-y', text] },
] as const;

describe.skipIf(missing)(`UPDATE of programs${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const ask = async (program: string, words: readonly string[], lines: readonly string[]) => {
    const input = [`server 127.0.0.1 ${server.port}`, `zone ${ZONE}.`, ...lines, 'send', ''].join('\n');
    if (program !== 'adotd update') return run(program, words, input);
    const file = join(FOLDER, 'commands');
    writeFileSync(file, input);
    return adotd('update', file, ...words);
  };

  describe.each(PROGRAMS)('$program', ({ program, tcp, key }) => {
    const host = program.replace(' ', '-');
    const all = key(`hmac-sha256:all.:${SECRET}`);

    it.each([
      ['UDP', program === 'adotd update' ? ['--transport', 'udp'] : []],
      ['TCP', tcp],
    ])('adds and deletes records over %s', async (_, words) => {
      const lines = [`update add ${host}.${ZONE}. 300 A 192.0.2.1`, `update add ${host}.${ZONE}. 300 TXT "a b" c`];
      expect(await ask(program, [...all, ...words], lines)).toMatchObject({ status: 0 });
      expect(await recordsAt(host, 'A')).toEqual(['192.0.2.1']);
      expect(await recordsAt(host, 'TXT')).toEqual(['"a b" "c"']);
      const more = [`update add ${host}.${ZONE}. 300 A 192.0.2.2`, `update delete ${host}.${ZONE}. A 192.0.2.1`];
      expect(await ask(program, [...all, ...words], more)).toMatchObject({ status: 0 });
      expect(await recordsAt(host, 'A')).toEqual(['192.0.2.2']);
      expect(await ask(program, [...all, ...words], [`update delete ${host}.${ZONE}. TXT`])).toMatchObject({
        status: 0,
      });
      expect(await recordsAt(host, 'TXT')).toEqual([]);
      expect(await ask(program, [...all, ...words], [`update delete ${host}.${ZONE}.`])).toMatchObject({ status: 0 });
      expect(await recordsAt(host, 'A')).toEqual([]);
    });

    it.each([
      [`prereq nxdomain www.${ZONE}.`, 'YXDOMAIN'],
      [`prereq yxdomain no.${ZONE}.`, 'NXDOMAIN'],
      [`prereq nxrrset www.${ZONE}. A`, 'YXRRSET'],
      [`prereq yxrrset www.${ZONE}. AAAA`, 'NXRRSET'],
      [`prereq yxrrset www.${ZONE}. A 192.0.2.99`, 'NXRRSET'],
    ])('is told that %s does not hold: %s', async (prerequisite, rcode) => {
      const ran = await ask(program, all, [prerequisite, `update add not.${ZONE}. 300 A 192.0.2.1`]);
      expect(ran.status).not.toBe(0);
      expect(ran.stdout + ran.stderr).toMatch(new RegExp(rcode, 'i'));
      expect(await recordsAt('not', 'A')).toEqual([]);
    });

    it('is REFUSED what its key may not do', async () => {
      const acme = key(`hmac-sha512:acme.:${SECRET}`);
      const allowed = [`update add _acme-challenge.www.${ZONE}. 300 TXT ${host}`];
      expect(await ask(program, acme, allowed)).toMatchObject({ status: 0 });
      expect(await recordsAt('_acme-challenge.www', 'TXT')).toEqual([`"${host}"`]);
      expect(await ask(program, acme, [`update delete _acme-challenge.www.${ZONE}. TXT`])).toMatchObject({ status: 0 });
      for (const line of [`update add www.${ZONE}. 300 TXT x`, `update delete www.${ZONE}. A`]) {
        const ran = await ask(program, acme, [line]);
        expect([line, ran.stdout + ran.stderr]).toEqual([line, expect.stringMatching(/REFUSED/i)]);
      }
      expect(await recordsAt('www', 'A')).toEqual(['127.0.0.1']);
    });

    it('is told NOTAUTH of a zone that is not ours', async () => {
      const ran = await ask(program, all, ['zone example.net.', 'update delete www.example.net.']);
      expect(ran.stdout + ran.stderr).toMatch(/NOTAUTH/i);
    });
  });

  it.each(['tls', 'starttls'])(
    'adotd update adds a record over %s, to the server with this key only',
    async (transport) => {
      const file = join(FOLDER, 'encrypted');
      writeFileSync(file, `zone ${ZONE}.\nupdate add ${transport}.${ZONE}. 300 A 192.0.2.1\nsend\n`);
      const port = String(transport === 'tls' ? server.tlsPort : server.port);
      const words = [file, '@127.0.0.1', '--port', port, '--transport', transport, '-y', `all.:${SECRET}`];
      const wrong = await adotd('update', ...words, '--tls-pin', `${'A'.repeat(43)}=`);
      expect([wrong.status, await recordsAt(transport, 'A')]).toEqual([3, []]);
      expect(await adotd('update', ...words, '--tls-pin', server.pin)).toMatchObject({ status: 0, stderr: '' });
      expect(await recordsAt(transport, 'A')).toEqual(['192.0.2.1']);
    },
  );
});

const acme = missingPrograms({ pebble: 'pebble', lego: 'lego', certbot: 'python3-certbot-dns-rfc2136' });

describe.skipIf(acme)(`ACME clients${acme ? ` (skipped: ${acme})` : ''}`, () => {
  let pebble: ChildProcess;
  let output = '';
  let directory: string;
  const ca = join(FOLDER, 'pebble-ca.pem');

  beforeAll(async () => {
    const authority = await make({ names: ['Test CA'], isIssuer: true });
    const made = await make({ names: ['localhost'], issuer: authority });
    writeFileSync(ca, authority.cert);
    writeFileSync(join(FOLDER, 'pebble.pem'), made.cert);
    writeFileSync(join(FOLDER, 'pebble.key'), made.key);
    const [port, management] = [await freePort(), await freePort()];
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: join(FOLDER, 'pebble.pem'),
        privateKey: join(FOLDER, 'pebble.key'),
        httpPort: 5002,
        tlsPort: 5001,
        ocspResponderURL: '',
        externalAccountBindingRequired: false,
      },
    };
    const file = join(FOLDER, 'pebble.json');
    writeFileSync(file, JSON.stringify(config));
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' };
    pebble = spawn('pebble', ['-config', file, '-strict', '-dnsserver', `127.0.0.1:${server.port}`], { env });
    pebble.stdout?.on('data', (text: Buffer) => (output += text.toString()));
    pebble.stderr?.on('data', (text: Buffer) => (output += text.toString()));
    directory = `https://localhost:${port}/dir`;
    await until('pebble', () => /listening/i.test(output));
  });
  afterAll(() => stopChild(pebble));

  /** The words of a command of docs/zones.md, with names of this test. */
  const documented = (command: RegExp): string[] => {
    const [line = ''] = command.exec(textOf('docs/zones.md')) ?? [];
    const words = line.replaceAll('\\\n', ' ').trim().split(/\s+/);
    return words.map((word) => word.replace('www.example.test', `www.${ZONE}`));
  };

  it('lego gets a certificate', async () => {
    const key = join(FOLDER, 'lego');
    const words = ['--server', directory, '--accept-tos', '--path', key];
    const own: Readonly<Record<string, string>> = {
      RFC2136_NAMESERVER: `127.0.0.1:${server.port}`,
      RFC2136_TSIG_KEY: 'acme.',
      RFC2136_TSIG_ALGORITHM: 'hmac-sha512.',
    };
    const command = documented(/^ {4}RFC2136_.*? run$/ms);
    const assignments = command.filter((word) => word.includes('=') && !word.startsWith('-'));
    expect(assignments).toHaveLength(4);
    const env = assignments.map((word) => {
      const name = word.slice(0, word.indexOf('='));
      return `${name}=${own[name] ?? word.slice(name.length + 1)}`;
    });
    const [program, ...rest] = command.slice(assignments.length);
    expect(program).toBe('lego');
    const resolver = ['--dns.resolvers', `127.0.0.1:${server.port}`, '--dns.disable-cp'];
    const settings = [`LEGO_CA_CERTIFICATES=${ca}`, 'RFC2136_POLLING_INTERVAL=1'];
    const ran = await run('env', [...env, ...settings, 'lego', ...words, ...resolver, ...rest]);
    expect(ran.status, `${ran.stdout}${ran.stderr}${output}`).toBe(0);
    expect(await recordsAt('_acme-challenge.www', 'TXT')).toEqual([]);
  });

  it('certbot gets a certificate', async () => {
    const credentials = join(FOLDER, 'certbot.ini');
    const [, text = ''] = /^```\n(# acme\.ini.*?)^```$/ms.exec(textOf('docs/zones.md')) ?? [];
    const own = text
      .replace(/(dns_rfc2136_server = ).*/, `$1127.0.0.1\ndns_rfc2136_port = ${server.port}`)
      .replace(/(dns_rfc2136_name = ).*/, '$1acme.')
      .replace(/(dns_rfc2136_algorithm = ).*/, '$1HMAC-SHA512');
    expect(own).toContain(`dns_rfc2136_secret = ${SECRET}\n`);
    writeFileSync(credentials, own);
    chmodSync(credentials, 0o600);
    const folders = ['config', 'work', 'logs'].flatMap((name) => [`--${name}-dir`, join(FOLDER, 'certbot', name)]);
    const [program, ...command] = documented(/^ {4}certbot .*$/m).map((word) =>
      word === 'acme.ini' ? credentials : word,
    );
    expect(program).toBe('certbot');
    const words = ['-n', '--agree-tos', '-m', `h@${ZONE}`, '--server', directory, '--no-verify-ssl'];
    const quick = ['--dns-rfc2136-propagation-seconds', '0'];
    const ran = await run('certbot', [...command, ...words, ...folders, ...quick]);
    expect(ran.status, `${ran.stdout}${ran.stderr}${output}`).toBe(0);
    expect(await recordsAt('_acme-challenge.www', 'TXT')).toEqual([]);
  });
});
