/** DNS over TLS with kdig and dig, and with openssl s_client, which shows the negotiated parameters. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRelay } from './relay.js';
import { CERTIFICATE, type Ended, FOLDER, missingPrograms, run, type Server, serve } from './support.js';
import { ask, DUMMY, toBit, Wire } from './wire.js';

const missing = missingPrograms({ kdig: 'knot-dnsutils', dig: 'bind9-dnsutils', openssl: 'openssl' });
const WWW = 'www.home.test';
const NAS = 'nas.home.test';
const NAMESERVER = 'ns1.home.test';

describe.skipIf(missing)(`DNS over TLS with clients of others${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve();
  });
  afterAll(() => server?.stop());

  const at = (port: number): string[] => ['@127.0.0.1', '-p', String(port)];
  const kdig = (...words: string[]): Promise<Ended> => run('kdig', ['+retry=0', '+time=30', ...words]);
  const dig = (...words: string[]): Promise<Ended> => run('dig', ['+tries=1', '+time=30', '+norec', ...words]);

  describe('kdig', () => {
    it('+tls: asks for ALPN dot, and gets an answer', async () => {
      await using relay = await startRelay(server.tlsPort);
      const { status, stdout } = await kdig('+tls', ...at(relay.port), WWW);
      expect(status).toBe(0);
      expect(stdout).toMatch(/TLS session \(TLS1\.3\)/);
      expect(stdout).toMatch(/home\.test\.\s+3600\s+IN\s+A\s+192\.0\.2\.10/);
      // ALPN (type 16) with one protocol: kdig says it in the clear, in its ClientHello.
      expect(relay.fromClient[0]?.toString('latin1')).toContain('\x00\x10\x00\x06\x00\x04\x03dot');
    });

    it('+padding: answers are padded to a multiple of 468 octets (RFC 8467), others too', async () => {
      for (const words of [['+padding'], ['+nopadding', '+edns'], ['+padding=128', '+dnssec']]) {
        const { stdout } = await kdig('+tls', ...words, ...at(server.tlsPort), 'www.nsec.test');
        const size = Number(/Received (\d+) B/.exec(stdout)?.[1]);
        expect([words, size % 468]).toEqual([words, 0]);
        expect(stdout).toMatch(/PADDING: \d+ B/);
      }
      const without = await kdig('+tls', '+noedns', ...at(server.tlsPort), WWW);
      expect(without.stdout).not.toMatch(/PADDING/);
    });

    it('+keepopen: several questions on one session', async () => {
      const before = (await server.statistics()).tls_handshakes?.full ?? 0;
      const { stdout } = await kdig('+tls', '+keepopen', '+short', ...at(server.tlsPort), WWW, NAS, WWW, NAS);
      expect(stdout.match(/192\.0\.2\.20/g)?.length).toBe(2);
      expect((await server.statistics()).tls_handshakes?.full).toBe(before + 1);
    });

    it('+tls-pin: takes the pin that the server prints, and no other', async () => {
      expect(server.pin).toMatch(/^[A-Za-z0-9+/]{43}=$/);
      const right = await kdig('+tls', `+tls-pin=${server.pin}`, ...at(server.tlsPort), WWW);
      expect([right.status, /192\.0\.2\.10/.test(right.stdout)]).toEqual([0, true]);
      const wrong = await kdig('+tls', `+tls-pin=${'A'.repeat(43)}=`, ...at(server.tlsPort), WWW);
      expect(wrong.stdout).not.toMatch(/192\.0\.2\.10/);
    });

    it('+tls-ca, +tls-hostname: the certificate stands for the NS names, and for no other', async () => {
      const verified = (name: string): Promise<Ended> =>
        kdig('+tls', `+tls-ca=${CERTIFICATE}`, `+tls-hostname=${name}`, ...at(server.tlsPort), WWW);
      expect((await verified(NAMESERVER)).stdout).toMatch(/192\.0\.2\.10/);
      expect((await verified('other.home.test')).stdout).not.toMatch(/192\.0\.2\.10/);
    });
  });

  describe('dig', () => {
    it('+tls: gets an answer', async () => {
      const { status, stdout } = await dig('+tls', ...at(server.tlsPort), WWW);
      expect([status, /status: NOERROR/.test(stdout)]).toEqual([0, true]);
      expect(stdout).toMatch(/\(TLS\)/);
    });

    it('+tls-ca, +tls-hostname: verifies the certificate', async () => {
      const verified = (name: string): Promise<Ended> =>
        dig(`+tls-ca=${CERTIFICATE}`, `+tls-hostname=${name}`, ...at(server.tlsPort), WWW);
      expect((await verified(NAMESERVER)).stdout).toMatch(/status: NOERROR/);
      expect((await verified('other.home.test')).stdout).not.toMatch(/status: NOERROR/);
    });

    it('+keepopen: is told how long the session may be idle', async () => {
      const { stdout } = await dig('+tls', '+keepopen', '+keepalive', ...at(server.tlsPort), WWW, NAS);
      expect(stdout.match(/TCP[- ]KEEPALIVE: 10\.0 sec/gi)?.length).toBe(2);
    });
  });

  describe('openssl s_client', () => {
    // Printed at the end of a handshake. A new session of TLS 1.3 is complete only with its first ticket, which -msg shows at once.
    const SESSION = /^ {4}Verify return code|^<<< TLS 1\.3, .* NewSessionTicket$|^Reused, TLSv1\.3/m;

    /** Connects, sends `input` once there is a session, and ends. */
    const client = async (words: readonly string[], input = ''): Promise<Ended & { readonly all: string }> => {
      const where = ['s_client', '-connect', `127.0.0.1:${server.tlsPort}`, '-CAfile', CERTIFICATE, '-msg'];
      const ended = await run('openssl', [...where, ...words], input, SESSION);
      return { ...ended, all: ended.stdout + ended.stderr };
    };

    it('ALPN: dot is chosen, none is accepted, another is refused with an alert', async () => {
      expect((await client(['-alpn', 'dot'])).all).toMatch(/ALPN protocol: dot/);
      const none = await client(['-servername', NAMESERVER, '-verify_hostname', NAMESERVER, '-verify_return_error']);
      expect(none.all).toMatch(/No ALPN negotiated/);
      expect(none.all).toMatch(/Verify return code: 0 \(ok\)/);
      const other = await client(['-alpn', 'h2']);
      expect([other.status, /no application protocol/i.test(other.all)]).toEqual([1, true]);
    });

    it.each(['-tls1_2', '-tls1_3'])('%s: a session is resumed by its ticket', async (version) => {
      const file = join(FOLDER, `session${version}.pem`);
      const before = (await server.statistics()).tls_handshakes ?? {};
      const first = await client([version, '-alpn', 'dot', '-sess_out', file]);
      expect(first.all).toMatch(/^New, TLSv1\.[23]/m);
      const second = await client([version, '-alpn', 'dot', '-sess_in', file]);
      expect(second.all).toMatch(/^Reused, TLSv1\.[23]/m);
      const after = (await server.statistics()).tls_handshakes ?? {};
      expect((after.full ?? 0) - (before.full ?? 0)).toBe(1);
      expect((after.resumed ?? 0) - (before.resumed ?? 0)).toBe(1);
    });

    it('no early data (0-RTT) is taken, nothing is compressed', async () => {
      const { all } = await client(['-tls1_3', '-alpn', 'dot']);
      expect(all).toMatch(/Max Early Data: 0/);
      expect((await client(['-tls1_2'])).all).toMatch(/Compression: NONE/);
    });

    it('renegotiation is refused', async () => {
      const { all } = await client(['-tls1_2'], 'R\n');
      expect(all).toMatch(/RENEGOTIATING/);
      expect(all).toMatch(/no_renegotiation|no renegotiation/);
    });

    it.each(['-tls1', '-tls1_1'])('%s is refused with an alert', async (version) => {
      const { status, all } = await client([version, '-cipher', 'ALL:@SECLEVEL=0']);
      expect([status, /alert protocol version/i.test(all)]).toEqual([1, true]);
    });

    it.each(['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA'])('no session without AEAD: %s', async (cipher) => {
      const { status, all } = await client(['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`]);
      expect([status, /alert handshake failure/i.test(all)]).toEqual([1, true]);
    });
  });

  describe('resumption between port 853 and STARTTLS', () => {
    type Version = 'TLSv1.2' | 'TLSv1.3';

    async function connect(how: string, version: Version, session?: Buffer) {
      const options = { minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) };
      if (how === 'port 853') return Wire.connectTls(server.tlsPort, options);
      const wire = await Wire.connect(server.port);
      expect(toBit(await wire.ask(DUMMY))).toBe(true);
      return wire.startTls(options);
    }

    const ways = ['port 853', 'STARTTLS'];
    const cases = ways.flatMap((from) =>
      ways.flatMap((to) => (['TLSv1.2', 'TLSv1.3'] as const).map((version) => [from, to, version] as const)),
    );

    it.each(cases)('a session of %s resumes on %s with %s', async (from, to, version) => {
      using first = await connect(from, version);
      let ticket: Buffer | undefined;
      first.stream.on('session', (session: Buffer) => {
        ticket = session;
      });
      // TLS 1.3 sends tickets after the handshake, and before the answer.
      expect((await first.ask(ask(NAS))).rcode).toBe(0);
      expect(first.stream.isSessionReused()).toBe(false);
      using second = await connect(to, version, ticket ?? first.stream.getSession());
      expect(second.stream.isSessionReused()).toBe(true);
      expect((await second.ask(ask(NAS))).answer[0]?.text).toBe('192.0.2.20');
    });
  });
});
