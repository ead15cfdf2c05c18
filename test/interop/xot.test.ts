/** Zone transfers inside TLS (XoT, RFC 9103) by real clients, in general and with certificates of theirs (mutual TLS). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { freePort, type Peer } from '../support/peers/server.js';
import { type SecondaryZone, type StartSecondary, startBindSecondary, startNsdSecondary } from './secondary-peers.js';
import { FOLDER, missingPrograms, run, type Server, serve } from './support.js';

const missing = missingPrograms({
  dig: 'bind9-dnsutils',
  named: 'bind9',
  nsd: 'nsd',
  openssl: 'openssl',
});

const NAME = 'primary.test';
const ZONES = join(FOLDER, 'zones');
const ZONE: SecondaryZone = { name: 'xot.test', tls: true };
const pem = (name: string): string => join(FOLDER, `${name}.pem`);

/** An authority, and certificates of it: files NAME.pem and NAME-key.pem. */
function makeCertificates(): void {
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const ca of ['ca', 'other-ca'])
    openssl('req', '-x509', ...key, '-keyout', pem(`${ca}-key`), '-out', pem(ca), '-subj', `/CN=${ca}`, '-days', '30');
  for (const [name, ca] of [
    [NAME, 'ca'],
    ['second.test', 'ca'],
    ['stranger.test', 'ca'],
    ['forged.test', 'other-ca'],
  ] as const) {
    const extensions = join(FOLDER, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=DNS:${name}\n`);
    openssl('req', ...key, '-keyout', pem(`${name}-key`), '-out', pem(`${name}-csr`), '-subj', `/CN=${name}`);
    const issue = [
      '-CA',
      pem(ca),
      '-CAkey',
      pem(`${ca}-key`),
      '-CAcreateserial',
      '-days',
      '30',
      '-extfile',
      extensions,
    ];
    openssl('x509', '-req', '-in', pem(`${name}-csr`), '-out', pem(name), ...issue);
  }
}

async function serialAt(port: number): Promise<string> {
  const { stdout } = await run('dig', [
    '@127.0.0.1',
    '-p',
    String(port),
    ZONE.name,
    'SOA',
    '+short',
    '+tries=1',
    '+time=30',
  ]);
  return stdout.split(' ')[2] ?? '';
}

const hasZone = (peer: Peer): Promise<void> =>
  until(
    'the zone',
    async () => (await serialAt(peer.port)) === '7',
    () => peer.log(),
  );

const PEERS: readonly (readonly [string, StartSecondary])[] = [
  ['BIND', startBindSecondary],
  ['NSD', startNsdSecondary],
];

describe.skipIf(missing).each(['epoll', 'node', 'embedded'] as const)(
  `transfers inside TLS, on %s${missing ? ` (skipped: ${missing})` : ''}`,
  (path) => {
    let server: Server;
    let mutualPort = 0;
    beforeAll(async () => {
      makeCertificates();
      mkdirSync(ZONES, { recursive: true });
      const hosts = Array.from({ length: 3000 }, (_, i) => `h${i} 60 A 192.0.2.${i % 250}\n`).join('');
      writeFileSync(
        join(ZONES, 'xot.test.zone'),
        `@ 60 SOA ns h 7 7200 900 1209600 300\n@ 60 NS ns\nns 60 A 192.0.2.1\n${hosts}`,
      );
      mutualPort = await freePort();
      server = await serve({
        workers: path === 'embedded' ? 'embedded' : 1,
        ...(path !== 'embedded' && { streams: path }),
        tls: { certificates: [{ cert: pem(NAME), key: pem(`${NAME}-key`) }] },
        transfer: { listen: [{ address: '127.0.0.1', port: mutualPort, client_ca: pem('ca') }] },
        zones: {
          folder: ZONES,
          policies: [{ zones: [ZONE.name], transfer: { to: ['second'], require: 'tls' } }],
        },
        remotes: [{ name: 'second', addresses: ['127.0.0.1'], tls: { name: 'second.test', ca: pem('ca') } }],
      });
    }, 300_000);
    afterAll(() => server?.[Symbol.asyncDispose]());

    const start = (name: string, begin: StartSecondary, port: number, certificate?: string): Promise<Peer> => {
      const own = certificate === undefined ? {} : { cert: pem(certificate), key: pem(`${certificate}-key`) };
      const folder = join(FOLDER, `${path}-${name}-${port}-${certificate}`);
      const tls = { port, ca: pem('ca'), serverName: NAME, ...own };
      return begin({ folder, primary: server.port, zones: [ZONE], keys: [], tls });
    };

    it.each(PEERS)(
      'give %s the zone',
      async (name, begin) => {
        const peer = await start(name, begin, server.tlsPort);
        try {
          await hasZone(peer);
        } finally {
          await peer.stop();
        }
      },
      300_000,
    );

    // Not NSD 4.6.1: it shows no certificate, to openssl s_server neither.
    it('give BIND the zone where it shows its certificate', async () => {
      const peer = await start('BIND', startBindSecondary, mutualPort, 'second.test');
      try {
        await hasZone(peer);
      } finally {
        await peer.stop();
      }
    }, 300_000);

    it.each([undefined, 'stranger.test', 'forged.test'])(
      'give nothing to a client with the certificate %s',
      async (name) => {
        const own =
          name === undefined
            ? []
            : [
                `+tls-ca=${pem('ca')}`,
                `+tls-hostname=${NAME}`,
                `+tls-certfile=${pem(name)}`,
                `+tls-keyfile=${pem(`${name}-key`)}`,
              ];
        const words = [
          '@127.0.0.1',
          '-p',
          String(mutualPort),
          '+tls',
          ...own,
          ZONE.name,
          'AXFR',
          '+tries=1',
          '+time=30',
        ];
        const { stdout } = await run('dig', words);
        expect(stdout).not.toMatch(/192\.0\.2\./);
        if (name === 'stranger.test') expect(stdout).toMatch(/Transfer failed/);
      },
    );

    it('need TLS from the first octet on, of version 1.3 and with ALPN', async () => {
      const dig = async (...words: string[]): Promise<string> =>
        (await run('dig', ['@127.0.0.1', ...words, ZONE.name, 'AXFR', '+tries=1', '+time=30'])).stdout;
      expect(await dig('-p', String(server.port))).toMatch(/Transfer failed/);
      expect(await dig('-p', String(server.tlsPort), '+tls')).toMatch(/XFR size: 3004 records/);
      const old = ['s_client', '-connect', `127.0.0.1:${server.tlsPort}`, '-quiet'];
      const query = Buffer.from('001a00010000000100000000000003786f74047465737400 00fc0001'.replace(' ', ''), 'hex');
      for (const words of [['-tls1_2', '-alpn', 'dot'], ['-tls1_3']]) {
        const { stdout } = await run('timeout', ['3', 'openssl', ...old, ...words], query, /never/);
        // REFUSED, and no record.
        expect(Buffer.from(stdout, 'latin1').length).toBeLessThan(60);
      }
    });
  },
);
