/**
 * The server's side of draft-ietf-dprive-start-tls-for-dns-01, on the wire: one test for every MUST and SHOULD that speaks to
 * servers, judged by a client in Python that was written from the draft alone. docs/protocol.md "STARTTLS"
 * says how we read it; each test says what a server may do, and where we depart from the draft.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage, type Message, type Query } from '../support/message.js';
import { applicationRecords, startRelay } from './relay.js';
import { missingPrograms, type Server, serve, starttls, texts } from './support.js';
import { ask, DUMMY, TO, toBit, Wire } from './wire.js';

const missing = missingPrograms({ python3: 'python3' });
const WWW = 'www.home.test';
const NAS = 'nas.home.test';
const ADDRESSES = { [WWW]: '192.0.2.10', [NAS]: '192.0.2.20' };

async function askOverUdp(server: Server, query: Query): Promise<Message> {
  const answer = await askUdp(server, buildQuery(query));
  if (answer === undefined) throw new Error('no answer came');
  return decodeMessage(answer);
}

describe.skipIf(missing)(`STARTTLS on the wire${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  let plain: Server;
  let strict: Server;
  beforeAll(async () => {
    server = await serve();
    plain = await serve({ tls: { enabled: false } });
    strict = await serve({ starttls: { strict: true, upgrade: 'dummy', advertise_udp: 'always' } });
  });
  afterAll(() => Promise.all([server?.stop(), plain?.stop(), strict?.stop()]));

  describe('draft 2.1.4: what a server supports', () => {
    it('SHOULD support port-based DNS over TLS', async () => {
      using wire = await Wire.connectTls(server.tlsPort);
      expect(wire.stream.alpnProtocol).toBe('dot');
      expect((await wire.ask(ask(WWW))).answer.at(-1)?.text).toBe(ADDRESSES[WWW]);
    });

    it('SHOULD support upgrade-based DNS over TLS', async () => {
      const result = await starttls(server.port, WWW, NAS);
      expect(result.outcome).toBe('tls');
      expect(result.tls).toEqual({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'dot' });
      expect(texts(result)).toEqual([ADDRESSES[WWW], ADDRESSES[NAS]]);
      expect(result.farewell).toBe('close_notify');
    });

    it('TLS 1.2 and no ALPN will do', async () => {
      const result = await starttls(server.port, '--tls12', '--no-alpn', WWW);
      expect(result.tls).toMatchObject({ version: 'TLSv1.2', alpn: null });
      expect(texts(result)).toEqual([ADDRESSES[WWW]]);
    });
  });

  describe('draft 2.1.4.1: receiving queries', () => {
    it('over UDP ignores TO: the answer is the same, and echoes the bit only (our default; see 2.1.4.2)', async () => {
      const [asked, other] = [await askOverUdp(server, ask(WWW, TO)), await askOverUdp(server, ask(WWW))];
      expect([toBit(asked), toBit(other)]).toEqual([true, false]);
      expect([asked.rcode, asked.answer]).toEqual([other.rcode, other.answer]);
    });

    it('over TLS ignores TO: nothing is offered, the dummy query says NO_TLS', async () => {
      const upgraded = await starttls(server.port, '--to-inside', '--dummy-inside', WWW);
      expect(texts(upgraded)).toEqual([ADDRESSES[WWW], 'NO_TLS']);
      expect(upgraded.answers.map(({ to }) => to)).toEqual([false, false]);
      using direct = await Wire.connectTls(server.tlsPort);
      expect(toBit(await direct.ask(ask(WWW, TO)))).toBe(false);
      expect((await direct.ask(DUMMY)).answer[0]?.text).toBe('"NO_TLS"');
    });

    it('MAY tell the sender of an initial query with TO that it is willing, whatever it asked', async () => {
      const result = await starttls(server.port, '--first', WWW, NAS);
      expect(result.first).toMatchObject({ rcode: 0, to: true, aa: true });
      expect(result.first?.answer.at(-1)?.text).toBe(ADDRESSES[WWW]);
      expect([result.outcome, ...texts(result)]).toEqual(['tls', ADDRESSES[NAS]]);
    });

    it('MUST ignore TO in subsequent queries over TCP: no offer, and a ClientHello is no handshake', async () => {
      using wire = await Wire.connect(server.port);
      expect(toBit(await wire.ask(ask(WWW)))).toBe(false);
      expect(toBit(await wire.ask(ask(WWW, TO)))).toBe(false);
      const dummy = await wire.ask(DUMMY);
      expect([toBit(dummy), dummy.answer[0]?.text]).toEqual([false, '"NO_TLS"']);
      // Octets 16 03 are the length of a DNS message now. Its answer is the first that comes, and comes when all of it is there.
      wire.stream.write(Buffer.from('160301002401000000', 'hex'));
      wire.stream.write(Buffer.alloc(0x1603 - 7));
      const answer = await wire.message();
      expect([answer.id, answer.rcode]).toEqual([0x0100, 4]);
      expect([wire.received.length, wire.ended]).toEqual([0, undefined]);
    });
  });

  describe('draft 2.1.4.2: sending responses', () => {
    it('over UDP SHOULD set TO where the query had OPT: advertise_udp always', async () => {
      expect(toBit(await askOverUdp(strict, ask(WWW)))).toBe(true);
      expect(toBit(await askOverUdp(strict, { name: `${WWW}.` }))).toBeUndefined();
    });

    it('over UDP not unless it is able to: without TLS, TO stays clear', async () => {
      expect(toBit(await askOverUdp(plain, ask(WWW, TO)))).toBe(false);
    });

    it('over TCP, having set TO, MUST proceed with the handshake: also in the segment of the query', async () => {
      const result = await starttls(server.port, '--early', 'hello', WWW);
      expect(result.first?.to).toBe(true);
      expect([result.outcome, ...texts(result)]).toEqual(['tls', ADDRESSES[WWW]]);
    });

    it('over TCP, having set TO, MUST proceed with the handshake: octet by octet', async () => {
      const result = await starttls(server.port, '--octets', WWW);
      expect([result.outcome, ...texts(result)]).toEqual(['tls', ADDRESSES[WWW]]);
    });

    it('having left TO clear does not: errors offer nothing', async () => {
      for (const query of [
        { ...ask(WWW, TO), type: 'OPT' },
        { ...ask(WWW, TO), opcode: 2 },
        { ...ask('home.test', TO), type: 'AXFR' },
        { ...ask(WWW), edns: { flags: TO, version: 1 } },
      ]) {
        using wire = await Wire.connect(server.port);
        expect(toBit(await wire.ask(query)) ?? false).toBe(false);
        expect(toBit(await wire.ask(DUMMY))).toBe(false);
      }
    });

    it.each(['NXDOMAIN', 'REFUSED'])('an answer of %s may offer', async (rcode) => {
      const name = rcode === 'NXDOMAIN' ? 'missing.home.test' : 'www.example.org';
      const result = await starttls(server.port, '--first', name, WWW);
      expect(result.first).toMatchObject({ rcode: rcode === 'NXDOMAIN' ? 3 : 5, to: true });
      expect(result.outcome).toBe('tls');
    });

    it('MUST answer the dummy query with RCODE 0 and a TXT record, RD either way, with OPT or without', async () => {
      for (const options of [[], ['--rd'], ['--no-to'], ['--no-opt'], ['--no-opt', '--rd']]) {
        const { first } = await starttls(server.port, ...options, WWW);
        expect(first).toMatchObject({ rcode: 0, aa: false, rd: options.includes('--rd') });
        expect(first?.answer).toEqual([{ type: 16, class: 3, ttl: 0, text: 'STARTTLS' }]);
        expect(first?.counts).toEqual([1, 1, 0, options.includes('--no-opt') ? 0 : 1]);
      }
    });

    it('MUST answer the dummy query so where it has no TLS: the text is NO_TLS', async () => {
      const result = await starttls(plain.port, WWW);
      expect(result.first).toMatchObject({ rcode: 0, to: false, answer: [{ text: 'NO_TLS', ttl: 0 }] });
      expect([result.outcome, ...texts(result)]).toEqual(['plaintext', ADDRESSES[WWW]]);
      for (const udp of [await askOverUdp(plain, DUMMY), await askOverUdp(server, DUMMY)]) {
        expect([udp.rcode, udp.answer[0]?.text]).toEqual([0, '"NO_TLS"']);
      }
    });
  });

  describe('draft 2.1.5: established sessions', () => {
    it('normal queries SHOULD take place, in the framing of DNS over TCP', async () => {
      const names = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? WWW : NAS));
      const result = await starttls(server.port, ...names);
      expect(texts(result)).toEqual(names.map((name) => ADDRESSES[name]));
      expect(result.left).toBe(0);
    });

    it('SHOULD send length and message together: each answer is one TLS record', async () => {
      await using relay = await startRelay(server.port);
      const names = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? WWW : NAS));
      const result = await starttls(relay.port, '--tls12', ...names);
      expect(texts(result)).toEqual(names.map((name) => ADDRESSES[name]));
      // An answer padded to 468 octets (RFC 8467), and its length; AES-GCM adds 8 + 16 octets.
      expect(applicationRecords(relay.fromServer[0])).toEqual(names.map(() => 470 + 24));
    });

    it('SHOULD NOT close after each response, and keeps idle sessions', async () => {
      using wire = await upgraded(server);
      for (let i = 0; i < 3; i++) {
        expect((await wire.ask(ask(NAS))).answer[0]?.text).toBe(ADDRESSES[NAS]);
        await sleep(400);
      }
      expect(wire.ended).toBeUndefined();
    });

    it('tells how long an idle session lives, the same as on every stream (RFC 7828)', async () => {
      using wire = await upgraded(server);
      const answer = await wire.ask({ ...ask(NAS), edns: { options: [{ code: 11, data: new Uint8Array(0) }] } });
      const keepalive = answer.edns?.options.find(({ code }) => code === 11);
      expect([...(keepalive?.data ?? [])]).toEqual([0, 100]);
    });

    it('when closing SHOULD use close_notify', async () => {
      await using brief = await serve({ sessions: { idle_timeout: 1, idle_timeout_min: 1 } });
      const result = await starttls(brief.port, '--watch', WWW);
      expect(result.closed?.how).toBe('close_notify');
      expect(result.closed?.after).toBeGreaterThan(0.95);
    });
  });

  describe('draft 2.2: middleboxes and downgrade', () => {
    const cleared = (octets: Buffer, seen: Buffer): Buffer => {
      if (seen.length > 0) return octets;
      const copy = Buffer.from(octets);
      // The flags of an OPT record without options, the last record: the third and fourth octet from the end.
      const at = copy.length - 4;
      copy[at] = (copy[at] ?? 0) & ~(TO >> 8);
      return copy;
    };

    it('TO is removed from the query: TO=0 response, resolution goes on in the clear', async () => {
      await using relay = await startRelay(server.port, { toServer: cleared });
      const result = await starttls(relay.port, '--first', NAS, WWW, NAS);
      expect(result.first).toMatchObject({ rcode: 0, to: false });
      expect([result.outcome, ...texts(result)]).toEqual(['plaintext', ADDRESSES[WWW], ADDRESSES[NAS]]);
    });

    it('TO is removed from the response: the server offered, is not answered, and serves in the clear', async () => {
      await using relay = await startRelay(server.port, { toClient: cleared });
      const result = await starttls(relay.port, WWW, NAS);
      expect(result.first).toMatchObject({ rcode: 0, to: false });
      expect([result.outcome, ...texts(result)]).toEqual(['plaintext', ADDRESSES[WWW], ADDRESSES[NAS]]);
    });

    it('the handshake does not pass: the client gives up and is served without TO', async () => {
      const isHello = (octets: Buffer): boolean => octets[0] === 0x16;
      await using relay = await startRelay(server.port, {
        toServer: (octets) => (isHello(octets) ? undefined : octets),
      });
      const result = await starttls(relay.port, '--handshake-within', '1', '--fall-back', WWW);
      expect(result).toMatchObject({ first: { to: true }, fallback: 'timeout', outcome: 'plaintext' });
      expect(texts(result)).toEqual([ADDRESSES[WWW]]);
    });

    it('the query with TO is dropped: the client gives up and is served without TO', async () => {
      const hasTo = (octets: Buffer): boolean => ((octets.at(-4) ?? 0) & 0x40) !== 0;
      await using relay = await startRelay(server.port, { toServer: (octets) => (hasTo(octets) ? undefined : octets) });
      const result = await starttls(relay.port, '--answer-within', '1', '--fall-back', WWW);
      expect(result).toMatchObject({ fallback: 'timeout', outcome: 'plaintext' });
      expect(result.first).toBeUndefined();
      expect(texts(result)).toEqual([ADDRESSES[WWW]]);
    });
  });

  describe('plaintext behind the first query (steps 4 and 5)', () => {
    it('in its segment: nothing is offered, all is answered in the clear', async () => {
      const result = await starttls(server.port, '--early', 'query', WWW);
      expect(result.first).toMatchObject({ to: false, answer: [{ text: 'NO_TLS' }] });
      expect([result.outcome, ...texts(result)]).toEqual(['plaintext', ADDRESSES[WWW]]);
    });

    it('put before the ClientHello by somebody else: never inside TLS, there is no handshake any more', async () => {
      const injected = Buffer.from(buildQuery(ask(NAS)));
      const inject = (octets: Buffer): Buffer =>
        octets[0] === 0x16 ? Buffer.concat([Buffer.of(0, injected.length), injected, octets]) : octets;
      for (const target of [server, strict]) {
        await using relay = await startRelay(target.port, { toServer: inject });
        const result = await starttls(relay.port, '--handshake-within', '2', WWW);
        expect(result).toMatchObject({ first: { to: true }, outcome: 'closed', answers: [] });
      }
    });

    it('put behind the ClientHello by somebody else: the handshake fails, and it is not answered', async () => {
      const injected = Buffer.from(buildQuery(ask(NAS)));
      const hex = Buffer.concat([Buffer.of(0, injected.length), injected]).toString('hex');
      const before = (await server.statistics()).starttls?.messages;
      const result = await starttls(server.port, '--tls12', '--after-hello', hex, WWW);
      expect(result).toMatchObject({ first: { to: true }, outcome: 'closed', answers: [] });
      expect((await server.statistics()).starttls?.messages).toBe(before);
    });

    it('the second half of a query whose first half came before: neither is answered inside TLS', async () => {
      using wire = await Wire.connect(server.port);
      expect(toBit(await wire.ask(DUMMY))).toBe(true);
      // The first octets of a ClientHello are a legal length of a DNS message too. The octets after them are no ClientHello.
      wire.stream.write(Buffer.from('1603010020', 'hex'));
      await sleep(100);
      wire.stream.write(Buffer.concat([Buffer.alloc(1), Buffer.alloc(0x1603 - 4)]));
      // An ID of 0x0100, opcode 4, QR clear: NOTIMP, in the clear.
      const answer = await wire.message();
      expect([answer.id, answer.rcode]).toEqual([0x0100, 4]);
    });
  });
});

/** A session that was upgraded. */
async function upgraded(server: Server): Promise<Wire> {
  const wire = await Wire.connect(server.port);
  expect(toBit(await wire.ask(DUMMY))).toBe(true);
  return wire.startTls();
}
