import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { UpgradeBit } from '../../src/answer/facts.js';
import { createResponder } from '../../src/answer/respond.js';
import type { SessionSettings } from '../../src/session/session-settings.js';
import { SessionState } from '../../src/session/session-state.js';
import { engineOf, zoneOf } from '../answer/support.js';
import { buildQuery, decodeMessage, type Query } from '../support/message.js';
import { framed, unframed } from '../support/responder.js';
import { createBench } from './support.js';

const TO = 0x4000;
const HELLO = Buffer.from('160301002001000000', 'hex');
const DUMMY: Query = { name: 'STARTTLS.', class: 'CH', type: 'TXT' };
const WWW: Query = { name: 'www.example.test.', edns: {} };

const withTo = (query: Query): Query => ({ ...query, edns: { flags: TO } });

function open(settings: Partial<SessionSettings> = {}, secure = false) {
  const responder = createResponder(DEFAULT_SETTINGS);
  const bench = createBench({ upgradeBit: UpgradeBit.IF_ASKED, ...settings }, responder);
  bench.facts.catalog = engineOf({ 'example.test': zoneOf('www A 192.0.2.7') }).facts.catalog;
  const peer = bench.open({ secure });
  if (peer === undefined) throw new Error('not admitted');
  const send = (...queries: Query[]): void => peer.receive(framed(...queries.map(buildQuery)));
  const responses = () => unframed(Buffer.concat(peer.written)).map(decodeMessage);
  const last = () => {
    const response = responses().at(-1);
    if (response === undefined) throw new Error('nothing was answered');
    return {
      to: ((response.edns?.flags ?? 0) & TO) !== 0,
      rcode: response.rcode,
      text: response.answer[0]?.text,
      answers: responses().length,
    };
  };
  return { ...peer, bench, send, responses, last };
}

describe('STARTTLS: the first message', () => {
  it('is answered with TO set where it had it (draft 2.1.4.2), and a ClientHello may follow', () => {
    const s = open();
    s.send(withTo(WWW));
    expect(s.last()).toEqual({ to: true, rcode: 0, text: '192.0.2.7', answers: 1 });
    s.receive(HELLO);
    expect(s.calls).toEqual(['startTls']);
    expect(Buffer.concat(s.hello)).toEqual(HELLO);
    expect(s.session.state).toBe(SessionState.UPGRADING);
    expect(s.bench.events).toEqual(['UPGRADE_OFFERED']);
  });

  it('may be STARTTLS/CH/TXT in any letter case, with TO and without, RD either way (draft 2.1.4.2)', () => {
    for (const query of [DUMMY, { ...DUMMY, rd: true }, { ...DUMMY, name: 'StartTLS.' }, withTo(DUMMY)]) {
      const s = open();
      s.send(query);
      expect(s.last()).toMatchObject({ rcode: 0, text: '"STARTTLS"', to: query.edns !== undefined });
      expect(s.responses()[0]).toMatchObject({ authority: [], flags: { aa: false } });
      expect(s.responses()[0]?.answer.map(({ ttl }) => ttl)).toEqual([0]);
      s.receive(HELLO);
      expect(s.calls).toEqual(['startTls']);
    }
  });

  it('offers nothing to a query without TO: what follows is DNS', () => {
    const s = open();
    s.send(WWW);
    expect(s.last().to).toBe(false);
    // 16 03 is the length of a message of 5,635 octets now.
    s.receive(HELLO);
    expect(s.calls).toEqual([]);
    expect(s.session.state).toBe(SessionState.PLAINTEXT);
  });

  it('is the only one that can start an upgrade (draft 2.1.4.1)', () => {
    const s = open();
    s.send(WWW);
    s.send(withTo(WWW));
    expect(s.last()).toMatchObject({ to: false, answers: 2 });
    s.send(withTo(DUMMY));
    expect(s.last()).toMatchObject({ to: false, text: '"NO_TLS"' });
  });

  it.each([
    ['NXDOMAIN', { name: 'no.example.test.' }, true, 3],
    ['REFUSED', { name: 'elsewhere.test.' }, true, 5],
    ['FORMERR', { name: 'www.example.test.', type: 'OPT' }, false, 1],
    ['NOTIMP', { name: 'www.example.test.', opcode: 2 }, false, 4],
    ['a transfer', { name: 'example.test.', type: 'AXFR' }, false, 5],
  ] as const)('with an answer of %s: TO as step 2 says', (_what, query, offered, rcode) => {
    const s = open();
    s.send(withTo(query));
    expect(s.last()).toMatchObject({ to: offered, rcode });
    s.receive(HELLO);
    expect(s.calls.includes('startTls')).toBe(offered);
  });

  it('gets no TO for an OPT record of another version', () => {
    const s = open();
    s.send({ ...WWW, edns: { flags: TO, version: 1 } });
    expect(s.last()).toMatchObject({ to: false, rcode: 16 });
  });
});

describe('STARTTLS: what follows the offer decides (step 4)', () => {
  it('goes on in plaintext with a resolver that meant CO, as if nothing had happened', () => {
    const s = open();
    s.send(withTo(WWW));
    s.send(WWW, { ...WWW, name: 'no.example.test.' });
    expect(s.responses().map((response) => response.rcode)).toEqual([0, 0, 3]);
    expect(s.calls).toEqual([]);
    expect(s.bench.events).toEqual(['UPGRADE_OFFERED', 'UPGRADE_DECLINED']);
    s.receive(HELLO);
    expect(s.calls).toEqual([]);
  });

  it('closes instead where configured to be strict', () => {
    const s = open({ strict: true });
    s.send(withTo(WWW));
    s.send(WWW);
    expect([s.responses().length, s.calls]).toEqual([1, ['end']]);
  });

  it('leaves TO clear and says NO_TLS when plaintext already follows', () => {
    const s = open();
    s.send(withTo(DUMMY), WWW);
    expect(s.responses().map((response) => response.answer[0]?.text)).toEqual(['"NO_TLS"', '192.0.2.7']);
    expect((s.responses()[0]?.edns?.flags ?? 0) & TO).toBe(0);
  });

  it('takes a ClientHello that came with the query, after the answer', () => {
    const s = open();
    s.receive(Buffer.concat([framed(buildQuery(withTo(DUMMY))), HELLO]));
    expect(s.last().text).toBe('"STARTTLS"');
    expect(s.calls).toEqual(['startTls']);
    expect(Buffer.concat(s.hello)).toEqual(HELLO);
  });

  it('takes a ClientHello octet by octet, and does not wait for it beyond the handshake time', () => {
    const s = open();
    s.send(withTo(DUMMY));
    for (const octet of HELLO.subarray(0, 6)) s.receive(Buffer.of(octet));
    expect(Buffer.concat(s.hello)).toEqual(HELLO.subarray(0, 6));
    const slow = open();
    slow.send(withTo(DUMMY));
    slow.receive(HELLO.subarray(0, 3));
    slow.bench.clock.advance(2_999);
    expect(slow.calls).toEqual([]);
    slow.bench.clock.advance(1);
    expect(slow.calls).toEqual(['end']);
  });

  it('counts the handshake time from the first octet of the ClientHello, not from the one that decides', () => {
    const s = open();
    s.send(withTo(DUMMY));
    s.receive(HELLO.subarray(0, 5));
    s.bench.clock.advance(2_000);
    s.receive(HELLO.subarray(5));
    expect(s.calls).toEqual(['startTls']);
    s.bench.clock.advance(999);
    expect(s.calls).toEqual(['startTls']);
    s.bench.clock.advance(1);
    expect(s.calls).toEqual(['startTls', 'destroy']);
  });

  it('counts it so for a ClientHello that comes whole, and for one that comes octet by octet and never decides', () => {
    const whole = open();
    whole.send(withTo(DUMMY));
    whole.receive(HELLO);
    whole.bench.clock.advance(3_000);
    expect(whole.calls).toEqual(['startTls', 'destroy']);
    expect(whole.bench.events).toEqual(['UPGRADE_OFFERED', 'HANDSHAKE_TIMEOUT']);
    const slow = open();
    slow.send(withTo(DUMMY));
    for (const octet of HELLO.subarray(0, 4)) {
      expect(slow.calls).toEqual([]);
      slow.receive(Buffer.of(octet));
      slow.bench.clock.advance(750);
    }
    expect(slow.calls).toEqual(['end']);
  });

  it('serves as DNS what began like a ClientHello and is none', () => {
    const s = open();
    s.send(withTo(DUMMY));
    const long = buildQuery({ ...WWW, id: 0x0100, edns: { options: [{ code: 65_001, data: new Uint8Array(5_586) }] } });
    expect(long.length).toBe(0x1603);
    for (const octet of framed(long).subarray(0, 7)) s.receive(Buffer.of(octet));
    s.receive(framed(long).subarray(7));
    expect(s.last()).toMatchObject({ answers: 2, rcode: 0 });
    expect(s.calls).toEqual([]);
  });

  it('waits with TLS until the answer has been written', () => {
    const s = open();
    s.stall();
    s.send(withTo(DUMMY));
    s.receive(HELLO);
    s.receive(Buffer.from('more'));
    expect(s.calls).toEqual(['pause']);
    s.read();
    expect(s.calls).toEqual(['pause', 'startTls']);
    expect(Buffer.concat(s.hello).toString('latin1')).toBe(`${HELLO.toString('latin1')}more`);
  });
});

describe('STARTTLS: inside TLS (step 5)', () => {
  it('nothing received in plaintext survives, and TO means nothing', () => {
    const s = open();
    s.send(withTo(DUMMY));
    s.receive(HELLO);
    s.session.secured();
    expect(s.session.state).toBe(SessionState.SECURE);
    s.written.length = 0;
    s.send(withTo(WWW), withTo(DUMMY));
    expect(s.responses().map((r) => [r.answer[0]?.text, (r.edns?.flags ?? 0) & TO])).toEqual([
      ['192.0.2.7', 0],
      ['"NO_TLS"', 0],
    ]);
    s.receive(HELLO);
    expect(s.calls).toEqual(['startTls']);
    expect(s.bench.events).toEqual(['UPGRADE_OFFERED', 'UPGRADED']);
  });

  it('TO means nothing in the first message of a session that began with TLS either', () => {
    const s = open({ upgradeBit: UpgradeBit.ALWAYS }, true);
    s.session.secured();
    s.send(withTo(DUMMY));
    expect(s.last()).toEqual({ to: false, rcode: 0, text: '"NO_TLS"', answers: 1 });
    s.receive(HELLO);
    expect([s.calls, s.bench.events]).toEqual([[], []]);
  });

  it('pads answers, and behaves as a session that began with TLS', () => {
    const s = open();
    s.send(withTo(DUMMY));
    s.receive(HELLO);
    s.session.secured();
    s.written.length = 0;
    s.send(WWW);
    expect(s.responses()[0]?.size).toBe(468);
    const direct = open({}, true);
    direct.session.secured();
    direct.send(WWW);
    expect(direct.responses()[0]?.size).toBe(468);
  });

  it('gives each answer a write of its own, so that it gets a TLS record of its own', () => {
    const s = open();
    s.send(DUMMY);
    s.receive(HELLO);
    s.session.secured();
    s.written.length = 0;
    s.send(WWW, WWW, WWW);
    expect(s.written.map(({ length }) => length)).toEqual([470, 470, 470]);
  });
});

describe('STARTTLS: modes', () => {
  it('dummy: only STARTTLS/CH/TXT starts an upgrade', () => {
    const s = open({ upgradeBit: UpgradeBit.DUMMY });
    s.send(withTo(WWW));
    expect(s.last().to).toBe(false);
    const dummy = open({ upgradeBit: UpgradeBit.DUMMY });
    dummy.send(withTo(DUMMY));
    expect(dummy.last()).toMatchObject({ to: true, text: '"STARTTLS"' });
  });

  it('off: TO is never set, the text is NO_TLS', () => {
    const s = open({ upgradeBit: UpgradeBit.NEVER });
    s.send(withTo(DUMMY));
    expect(s.last()).toMatchObject({ to: false, text: '"NO_TLS"' });
  });
});
