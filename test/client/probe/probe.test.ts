import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCapabilityCache } from '../../../src/client/capabilities/capabilities.js';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { type ProbeOptions, probe } from '../../../src/client/probe/probe.js';
import type { ProbeReport } from '../../../src/client/probe/probe-report.js';
import { DAY, make } from '../../tls/support.js';
import { pinOf } from '../certificates.js';
import { answer, TO } from '../support.js';
import { type Behaviour, probedServer } from './server.js';

let tls: TlsOptions & { cert: string };
beforeAll(async () => {
  tls = await make({ names: ['ns1.test'] });
});

/** Probes a server that behaves so. Idle sessions are watched only for a moment. */
async function probed(behaviour: Behaviour, options: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  await using server = await probedServer(behaviour);
  const { server: address, port, tlsPort } = server;
  return await probe({ server: address, port, tlsPort, idleMs: 50, ...options });
}

const always = (): boolean => true;

describe('the transports of a server', () => {
  it('are all found, with equal answers', async () => {
    const report = await probed({ tls, offers: always });
    expect(report).toMatchObject({ ok: true, problems: [], cut: false, answers: { equal: true, served: undefined } });
    for (const transport of ['udp', 'tcp', 'starttls', 'tls'] as const) expect(report[transport].works).toBe(true);
    expect(report.tls).toMatchObject({ version: 'TLSv1.3', alpn: 'dot', withoutAlpn: true, obsolete: false });
    expect(report.answers.questions.map(({ compared }) => compared)).toEqual([
      ['udp', 'tcp', 'tls', 'starttls'],
      ['udp', 'tcp', 'tls', 'starttls'],
    ]);
  });

  it('without encryption are not enough', async () => {
    const report = await probed({});
    expect(report).toMatchObject({ ok: false, problems: ['no encrypted transport works'], answers: { equal: true } });
    expect(report.tls).toMatchObject({ works: false, failure: { code: ClientErrorCode.REFUSED, step: 'connect' } });
    expect(report.tls.versions).toBeUndefined();
  });

  /** Answers over these transports only. */
  const only = (...some: readonly string[]): Behaviour => ({
    tls,
    respond: (query, transport) =>
      some.includes(transport) ? answer(query, { text: 'hello', ednsFlags: 0 }) : undefined,
  });

  it('are a problem where UDP is silent and TCP is not, and the other way round', async () => {
    const udp = await probed(only('tcp', 'tls'), { stepMs: 300 });
    expect(udp).toMatchObject({ ok: false, udp: { works: false }, answers: { equal: true } });
    expect(udp.problems).toEqual([expect.stringMatching(/^no answer over UDP, though over TCP: .* within 0\.3 s/)]);
    const tcp = await probed(only('udp', 'tls'), { stepMs: 300 });
    expect(tcp).toMatchObject({ ok: false, tcp: { works: false }, answers: { equal: true } });
    expect(tcp.problems).toEqual([expect.stringMatching(/^no answer over TCP, which RFC 7766 §5 demands/)]);
  });

  it('are none but TLS where that is all there is, which is noted', async () => {
    const report = await probed(only('tls'), { stepMs: 300 });
    expect(report.problems).toEqual(['answers could be compared over no two transports']);
    expect(report.notes).toContainEqual(expect.stringMatching(/^nothing answers over UDP and TCP/));
  });

  it('that the server does not serve are a problem', async () => {
    const server = await probedServer();
    const { port, tlsPort } = server;
    await server[Symbol.asyncDispose]();
    const report = await probe({ server: '127.0.0.1', port, tlsPort });
    expect(report).toMatchObject({ ok: false, problems: ['nothing answers'], starttls: { mode: 'unknown' } });
    expect(report.edns).toBeUndefined();
  });

  it('are given up when the time is over', async () => {
    // Connections are accepted, and nothing is ever sent.
    const silent: Behaviour = { tls, respond: () => undefined, offers: always, instead: () => {} };
    const report = await probed(silent, { stepMs: 60_000, totalMs: 300 });
    expect(report).toMatchObject({ cut: true, ok: false });
    expect(report.tls.failure?.code).toBe(ClientErrorCode.ABORTED);
  });

  it('are not blamed when the time was over', async () => {
    const slow: Behaviour = {
      tls,
      respond: (query, transport, nth) =>
        transport === 'tls' && nth > 0 ? undefined : answer(query, { text: 'hello' }),
    };
    const report = await probed(slow, { stepMs: 60_000, totalMs: 600 });
    expect(report.problems).toContain('the time was over before everything had been looked at');
    expect(report.answers.questions.flatMap(({ differences }) => differences)).toEqual([]);
  });
});

describe('answers', () => {
  const byTransport: Behaviour['respond'] = (query, transport) =>
    answer(query, { text: transport === 'tls' ? 'old' : 'new', ednsFlags: 0 });

  it('that differ are told', async () => {
    const report = await probed({ tls, respond: byTransport });
    expect(report).toMatchObject({ ok: false, answers: { equal: false } });
    expect(report.problems).toEqual([
      '. SOA over tls: without . 60 IN TXT "new"; with . 60 IN TXT "old"',
      '. NS over tls: without . 60 IN TXT "new"; with . 60 IN TXT "old"',
    ]);
  });

  it('that differ once only, as while a zone changes, are equal', async () => {
    let asked = 0;
    const changing: Behaviour['respond'] = (query, transport) => {
      // The first query over TLS finds out whether TLS answers.
      const late = transport === 'tls' && asked++ < 3;
      return answer(query, { text: late ? 'old' : 'new', ednsFlags: 0 });
    };
    expect(await probed({ tls, respond: changing })).toMatchObject({ ok: true, answers: { equal: true } });
  });

  it('that are truncated over UDP are left out', async () => {
    const respond: Behaviour['respond'] = (query, transport) =>
      answer(query, transport === 'udp' ? { truncated: true } : { text: 'whole' });
    const report = await probed({ tls, respond });
    expect(report.ok).toBe(true);
    expect(report.answers.questions[0]).toMatchObject({ compared: ['tcp', 'tls'], truncated: ['udp'] });
  });

  it('that do not come are a difference', async () => {
    const respond: Behaviour['respond'] = (query, transport, nth) =>
      transport === 'tls' && nth > 0 ? undefined : answer(query, { text: 'hello' });
    const report = await probed({ tls, respond }, { stepMs: 200 });
    expect(report.problems).toContain('. NS over tls: no answer (CLIENT_TIMED_OUT)');
  });

  it('about a zone that is not served are no success', async () => {
    const respond: Behaviour['respond'] = (query) => answer(query, { rcode: 5, ednsFlags: 0 });
    const report = await probed({ tls, respond }, { zone: 'example.test' });
    expect(report).toMatchObject({ ok: false, answers: { equal: true, served: false } });
    expect(report.problems).toEqual(['the zone example.test is not served']);
  });

  it('come from servers that close after each, too', async () => {
    const report = await probed({ tls, offers: always, after: (stream) => void stream.end() });
    expect(report).toMatchObject({ ok: true, answers: { equal: true } });
  });
});

describe('STARTTLS', () => {
  it.each([
    ['any', (): boolean => true, true, true],
    ['dummy', (dummy: boolean): boolean => dummy, true, false],
    ['query', (dummy: boolean): boolean => !dummy, false, true],
    ['off', (): boolean => false, false, false],
  ] as const)('of mode %s is found out by both first queries', async (mode, offers, dummy, query) => {
    const { starttls, counts } = await (async () => {
      await using server = await probedServer({ tls, offers });
      const { port, tlsPort, counts } = server;
      const report = await probe({ server: server.server, port, tlsPort, idleMs: 20 });
      return { starttls: report.starttls, counts: { ...counts } };
    })();
    expect(starttls).toMatchObject({
      mode,
      works: dummy || query,
      dummy: { offered: dummy, upgraded: dummy, text: dummy ? '"STARTTLS"' : '"NO_TLS"' },
      query: { offered: query, upgraded: query },
    });
    expect(counts.starttls > 0).toBe(dummy || query);
  });

  it.each([
    ['reset', (socket: Socket): unknown => socket.resetAndDestroy()],
    ['closed', (socket: Socket): unknown => socket.end()],
    ['ignored', (): unknown => undefined],
  ])('is blocked where the ClientHello is %s', async (_how, instead) => {
    const report = await probed({ tls, offers: always, instead: (socket) => void instead(socket) }, { stepMs: 1000 });
    expect(report.starttls).toMatchObject({ mode: 'blocked', works: false, dummy: { offered: true, upgraded: false } });
    expect(report.notes.join()).toMatch(/no handshake follows/);
    expect(report.ok).toBe(true);
  });
});

describe('TO', () => {
  it('over UDP, where nothing follows over TCP and on the port of TLS, is noted', async () => {
    const respond: Behaviour['respond'] = (query, transport) =>
      answer(query, { text: 'hello', ednsFlags: transport === 'udp' ? TO : 0 });
    const report = await probed({ respond });
    expect(report).toMatchObject({ starttls: { mode: 'off' }, edns: { tlsOk: true } });
    expect(report.notes).toContainEqual(expect.stringMatching(/^TO is set in answers over UDP, but not over TCP/));
    // A server that speaks TLS on its port may say so (the draft, §2.1.4.2).
    expect((await probed({ tls, respond })).notes.join()).not.toMatch(/TO is set/);
  });

  it('in the dummy query only, that is not answered, is noted', async () => {
    const respond: Behaviour['respond'] = (query) =>
      query.includes('STARTTLS') ? undefined : answer(query, { text: 'hello', ednsFlags: 0 });
    const report = await probed({ tls, respond, offers: (dummy) => !dummy, dummy: respond }, { stepMs: 300 });
    expect(report.starttls).toMatchObject({ mode: 'query', dummy: { upgraded: false } });
    expect(report.notes).toContainEqual(expect.stringMatching(/^the dummy query with TO brings no answer over TCP/));
  });
});

describe('sessions', () => {
  /** An answer with edns-tcp-keepalive; in units of 100 ms. */
  const keeping = (query: Buffer, units: number): Buffer => {
    const message = answer(query, { text: 'hello', ednsFlags: 0 });
    message.writeUInt16BE(6, message.length - 2);
    return Buffer.concat([message, Buffer.from([0, 11, 0, 2, units >> 8, units & 255])]);
  };

  it.each([
    ['is noted', 300, true],
    ['is its right after 0', 0, false],
    ['is its right after its time', 2, false],
  ] as const)('that the server closes, which it had promised to keep: it %s', async (_what, units, noted) => {
    const report = await probed(
      { tls, respond: (query) => keeping(query, units), after: (stream) => void setTimeout(() => stream.end(), 400) },
      { idleMs: 2000 },
    );
    expect(report.tls).toMatchObject({ keepalive: units * 100, idle: { closed: 'close_notify' } });
    const notes = report.notes.filter((note) => /promised/.test(note));
    expect(notes).toEqual(
      noted ? ['TCP', 'TLS'].map((name) => expect.stringMatching(`^the server closed ${name} after `)) : [],
    );
  });

  it('are told with their times of day', async () => {
    const before = Date.now();
    const { began, ended, udp, tls: report } = await probed({ tls });
    const after = Date.now();
    const times = [began, udp.began, report.began, report.idle?.since, report.idle?.until, ended];
    const read = times.map((time) => new Date(time ?? '').getTime());
    expect(read.map((time) => new Date(time).toISOString())).toEqual(times);
    // A millisecond is lost to rounding at either end.
    expect([before - 2, ...read.slice(0, 1), ...read.slice(3), after + 2]).toEqual(
      [before - 2, ...read.slice(0, 1), ...read.slice(3), after + 2].sort((a, b) => a - b),
    );
  });

  it('in which answers overtake each other are found', async () => {
    const report = await probed({ tls, delay: (nth) => (nth % 4 === 0 ? 100 : 0) });
    expect(report.tls.pipelining).toEqual({ asked: 8, answered: 8, overtaking: true });
    const inOrder = await probed({ tls });
    expect(inOrder.tls.pipelining).toEqual({ asked: 8, answered: 8, overtaking: false });
  });

  it.each([
    ['close_notify', (stream: Socket): unknown => stream.end()],
    ['fin', (_stream: Socket, raw: Socket): void => raw.destroySoon()],
    ['reset', (_stream: Socket, raw: Socket): unknown => raw.resetAndDestroy()],
  ] as const)('that the server ends by %s when idle are seen', async (how, end) => {
    const after: Behaviour['after'] = (stream, raw) => {
      setTimeout(() => end(stream, raw), 300);
    };
    const { tls: report } = await probed({ tls, after }, { idleMs: 2000 });
    expect(report.idle?.closed).toBe(how);
    expect(report.farewell).toBeUndefined();
  });

  it('that stay open are closed by the probe, and the server answers that', async () => {
    const report = await probed({ tls, offers: always });
    expect(report.tls).toMatchObject({ idle: { closed: undefined }, farewell: 'close_notify' });
    expect(report.tcp).toMatchObject({ idle: { closed: undefined }, farewell: 'fin' });
  });

  it('are resumed where the server gives tickets', async () => {
    expect((await probed({ tls })).tls).toMatchObject({
      versions: [
        { version: 'TLSv1.2', works: true, resumed: false },
        { version: 'TLSv1.3', works: true, resumed: false },
      ],
    });
    const ticketKeys = Buffer.alloc(48, 1);
    const report = await probed({ tls: { ...tls, ticketKeys }, offers: always });
    expect(report.tls).toMatchObject({
      resumed: true,
      versions: [
        { version: 'TLSv1.2', works: true, resumed: true },
        { version: 'TLSv1.3', works: true, resumed: true },
      ],
    });
    expect(report.starttls.resumed).toBe(true);
  });
});

describe('TLS', () => {
  it('of the old version only is noted', async () => {
    const report = await probed({ tls: { ...tls, maxVersion: 'TLSv1.2' } });
    expect(report.ok).toBe(true);
    expect(report.tls.versions).toMatchObject([{ works: true }, { works: false }]);
    expect(report.notes.join()).toMatch(/TLSv1\.3 does not work/);
  });

  it('of obsolete versions is noted', async () => {
    const report = await probed({ tls: { ...tls, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } });
    expect(report.tls.obsolete).toBe(true);
    expect(report.notes.join()).toMatch(/RFC 8996/);
  });

  it('with a certificate that has expired is noted', async () => {
    const expired = await make({
      names: ['ns1.test'],
      from: new Date(Date.now() - 9 * DAY),
      to: new Date(Date.now() - DAY),
    });
    const report = await probed({ tls: expired });
    expect(report.notes.join()).toMatch(/the certificate has expired/);
  });
});

describe('EDNS', () => {
  it('in the answer to a query without it is noted', async () => {
    const careless = await probed({ tls });
    expect(careless.edns).toMatchObject({ supported: true, absentWithout: false });
    expect(careless.notes.join()).toMatch(/queries without EDNS have an OPT record/);
    const respond = (query: Buffer): Buffer =>
      answer(query, { text: 'hello', ...(query.readUInt16BE(10) > 0 && { ednsFlags: 0 }) });
    const careful = await probed({ tls, respond });
    expect(careful.edns).toMatchObject({ supported: true, absentWithout: true });
    expect(careful.notes.join()).not.toMatch(/OPT record/);
  });
});

describe('the certificate', () => {
  it('is shown, with its pin, and compared with the pins given', async () => {
    const pin = pinOf(tls.cert);
    const good = await probed({ tls }, { verification: { kind: 'pin', pins: [pin] } });
    expect(good).toMatchObject({ ok: true, credentials: { accepted: true } });
    expect(good.tls.certificate).toMatchObject({ pin, names: ['DNS:ns1.test'] });
    const other = Buffer.alloc(32).toString('base64');
    const bad = await probed({ tls }, { verification: { kind: 'pin', pins: [other] } });
    expect(bad).toMatchObject({ ok: false, credentials: { accepted: false } });
    expect(bad.problems).toEqual([expect.stringContaining(`its pin is ${pin}, expected ${other}`)]);
  });

  it('is compared over STARTTLS where there is no TLS', async () => {
    const verification = { kind: 'pin', pins: [pinOf(tls.cert)] } as const;
    await using server = await probedServer({ tls, offers: (dummy) => !dummy });
    const report = await probe({ server: server.server, port: server.port, tlsPort: 1, verification, idleMs: 20 });
    expect(report).toMatchObject({ ok: true, credentials: { accepted: true }, starttls: { mode: 'query' } });
  });

  it("that no certificate could meet is the caller's mistake", async () => {
    const options = { server: '127.0.0.1', verification: { kind: 'pin', pins: ['x'] } } as const;
    await expect(probe(options)).rejects.toMatchObject({ code: ClientErrorCode.INPUT });
  });
});

describe('capabilities from a probe', () => {
  it('go into the capability cache', async () => {
    const cache = createCapabilityCache({ now: Date.now });
    const report = await probed({ offers: (dummy) => dummy, tls }, { capabilities: cache });
    const { address, port, tlsPort } = report;
    expect(cache.get({ transport: 'tls', address, port: tlsPort })?.status).toBe('works');
    expect(cache.get({ transport: 'starttls', address, port })).toMatchObject({ status: 'works', mode: 'dummy' });
  });

  it('do not include failures that are no fault of the server, nor those of a server that is down', async () => {
    const cache = createCapabilityCache({ now: Date.now });
    const silent: Behaviour = { tls, respond: () => undefined, offers: always, instead: () => {} };
    await probed(silent, { stepMs: 60_000, totalMs: 200, capabilities: cache });
    await probe({ server: '127.0.0.1', port: 1, tlsPort: 1, capabilities: cache });
    expect(cache.entries()).toEqual([]);
  });

  it('include UDP that is silent, which a client leaves alone then', async () => {
    const cache = createCapabilityCache({ now: Date.now });
    const respond: Behaviour['respond'] = (query, transport) =>
      transport === 'udp' ? undefined : answer(query, { text: 'hello', ednsFlags: 0 });
    const { address, port } = await probed({ tls, respond }, { stepMs: 300, capabilities: cache });
    const udp = { transport: 'udp', address, port } as const;
    expect(cache.get(udp)).toMatchObject({ status: 'fails', reason: ClientErrorCode.TIMED_OUT });
  });

  it('include failures', async () => {
    const cache = createCapabilityCache({ now: Date.now });
    const { address, port, tlsPort } = await probed({}, { capabilities: cache });
    expect(cache.get({ transport: 'tls', address, port: tlsPort })).toMatchObject({
      status: 'fails',
      reason: ClientErrorCode.REFUSED,
    });
    expect(cache.get({ transport: 'starttls', address, port })).toMatchObject({
      status: 'fails',
      reason: ClientErrorCode.NO_UPGRADE,
    });
  });
});
