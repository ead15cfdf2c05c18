/** Old clients, resolvers that mean something else by the TO bit, and the modes of the configuration. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { PATIENCE } from '../support/patience.js';
import { missingPrograms, type Server, serve, starttls, texts } from './support.js';
import { ask, DUMMY, TO, toBit, Wire } from './wire.js';

const missing = missingPrograms({ python3: 'python3' });
const WWW = 'www.home.test';
const NAS = 'nas.home.test';
const ADDRESSES = { [WWW]: '192.0.2.10', [NAS]: '192.0.2.20' };

describe.skipIf(missing)(`STARTTLS beside the draft${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  let strict: Server;
  beforeAll(async () => {
    server = await serve();
    strict = await serve({ starttls: { strict: true, upgrade: 'dummy' } });
  });
  afterAll(() => Promise.all([server?.stop(), strict?.stop()]));

  describe('clients that are not of the draft', () => {
    it('a resolver with CO (RFC 9824) that never heard of STARTTLS is served', async () => {
      using wire = await Wire.connect(server.port);
      expect(toBit(await wire.ask(ask(WWW, TO)))).toBe(true);
      wire.send(ask(NAS, TO), ask(WWW), ask('missing.home.test', TO));
      const answers = [await wire.message(), await wire.message(), await wire.message()];
      expect(answers.map(({ rcode }) => rcode)).toEqual([0, 0, 3]);
      expect(answers.map(toBit)).toEqual([false, false, false]);
    });

    it.skipIf(missingPrograms({ dig: 'bind9-dnsutils' }))('dig +tcp +coflag +keepopen is served', () => {
      const words = [
        '+tries=1',
        '+time=30',
        '+tcp',
        '+coflag',
        '+keepopen',
        '+norec',
        '@127.0.0.1',
        '-p',
        String(server.port),
        WWW,
        NAS,
      ];
      const { status, stdout } = spawnSync('dig', words, { encoding: 'utf8', timeout: PATIENCE });
      expect([status, stdout.match(/status: NOERROR/g)?.length]).toEqual([0, 2]);
      expect(stdout).toContain('192.0.2.20');
    });

    it('the old client (getdns 0.5.1): dummy query without TO, then TLS 1.2 without ALPN and SNI', async () => {
      using wire = await Wire.connect(server.port);
      wire.stream.write(opening());
      const answer = await wire.message();
      expect([answer.id, answer.rcode, answer.flags.rd, toBit(answer)]).toEqual([0x4d2a, 0, true, false]);
      expect(answer.answer.map(({ text }) => text)).toEqual(['"STARTTLS"']);
      using secure = await wire.startTls({
        maxVersion: 'TLSv1.2',
        ciphers: 'EECDH+aRSA+AESGCM:EECDH+aECDSA+AESGCM:EDH+aRSA+AESGCM',
      });
      expect([secure.stream.getProtocol(), secure.stream.alpnProtocol]).toEqual(['TLSv1.2', false]);
      expect((await secure.ask(ask(NAS))).answer[0]?.text).toBe(ADDRESSES[NAS]);
    });

    it('the old client in Python, which reads the TXT', async () => {
      const result = await starttls(server.port, '--old', '--no-to', '--rd', '--tls12', '--no-alpn', WWW);
      expect(result.first?.to).toBe(false);
      expect([result.outcome, ...texts(result)]).toEqual(['tls', ADDRESSES[WWW]]);
    });
  });

  describe('modes', () => {
    it('upgrade: dummy offers to STARTTLS/CH/TXT only', async () => {
      const other = await starttls(strict.port, '--first', NAS, WWW);
      expect([other.first?.to, other.outcome]).toEqual([false, 'plaintext']);
      expect((await starttls(strict.port, WWW)).outcome).toBe('tls');
    });

    it('upgrade: off offers nothing, advertise_udp: never neither, and port 853 is served', async () => {
      await using off = await serve({ starttls: { upgrade: 'off', advertise_udp: 'never' } });
      const result = await starttls(off.port, WWW);
      expect(result).toMatchObject({ outcome: 'plaintext', first: { to: false, answer: [{ text: 'NO_TLS' }] } });
      const udp = await askUdp(off, buildQuery(ask(WWW, TO)));
      expect(toBit(decodeMessage(udp ?? new Uint8Array(0)))).toBe(false);
      using wire = await Wire.connectTls(off.tlsPort);
      expect((await wire.ask(ask(NAS))).rcode).toBe(0);
    });

    it('strict closes instead of going on in the clear after an offer (2.1.4.2 to the letter)', async () => {
      using wire = await Wire.connect(strict.port);
      expect(toBit(await wire.ask(DUMMY))).toBe(true);
      wire.send(ask(WWW));
      expect(await wire.closed()).toBe('end');
      expect(wire.received.length).toBe(0);
    });
  });
});

/** The first octets that getdns 0.5.1 sends. */
function opening(): Buffer {
  const text = readFileSync(new URL('fixtures/getdns-0.5.1-opening.hex', import.meta.url), 'utf8');
  return Buffer.from(text.replace(/^#.*$/gm, '').replace(/\s/g, ''), 'hex');
}
