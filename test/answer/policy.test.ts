import { describe, expect, it } from 'vitest';
import { Transport, UpgradeBit } from '../../src/answer/facts.js';
import { compileAccess } from '../../src/image/access.js';
import { NO_POLICIES, type Policies, type ZonePolicy } from '../../src/image/policy.js';
import { nameFromText } from '../../src/protocol/name.js';
import { prefixFromText } from '../../src/protocol/prefix.js';
import { buildQuery, decodeMessage, type Message } from '../support/message.js';
import { type Engine, engineOf, zoneOf } from './support.js';

const PROHIBITED = '0012';
const REFUSED = 5;
const EDE = 15;
const access = (allow: string[], deny: string[] = []): Int32Array =>
  compileAccess(allow.map(prefixFromText), deny.map(prefixFromText));
const only = (name: string, policy: Partial<ZonePolicy>): Policies => ({
  access: undefined,
  zones: new Map([[name, { tlsOnly: false, access: undefined, ...policy }]]),
});

function from(engine: Engine, address: readonly number[]): Engine {
  engine.facts.client.set(address);
  engine.facts.clientLength = address.length;
  return engine;
}

/** `5 0012` for REFUSED with the extended error 18; without a text. */
function verdict({ rcode, edns }: Message): string {
  const ede = edns?.options.find(({ code }) => code === EDE);
  return `${rcode} ${ede ? Buffer.from(ede.data.subarray(0, 2)).toString('hex') : '-'}`;
}

const ask = (engine: Engine, name: string, type = 'A'): string => verdict(engine.query({ name, type, edns: {} }));

describe('the access list of the server', () => {
  const zones = { 'example.test': zoneOf('www A 192.0.2.2') };
  const policies = { ...NO_POLICIES, access: access([], ['198.51.100.0/24']) };
  const denied = () => from(engineOf(zones, { version: '1' }, policies), [198, 51, 100, 7]);

  it('refuses whatever a denied client asks, over every transport', () => {
    for (const transport of Object.values(Transport)) {
      const engine = denied();
      engine.facts.transport = transport;
      expect(ask(engine, 'www.example.test.')).toBe(`${REFUSED} ${PROHIBITED}`);
      expect(ask(engine, 'example.org.')).toBe(`${REFUSED} ${PROHIBITED}`);
      expect(verdict(engine.query({ name: 'version.bind.', type: 'TXT', class: 'CH', edns: {} }))).toBe(
        `5 ${PROHIBITED}`,
      );
      expect(verdict(engine.query({ name: 'starttls.', type: 'TXT', class: 'CH', edns: {} }))).toBe(`5 ${PROHIBITED}`);
    }
  });

  it('refuses it a cookie without a question, and what is not well formed as ever', () => {
    const engine = from(engineOf(zones, { cookieSecrets: [new Uint8Array(16)] }, policies), [198, 51, 100, 255]);
    const options = [{ code: 10, data: new Uint8Array(8) }];
    expect(engine.query({ noQuestion: true, edns: { options } }).rcode).toBe(REFUSED);
    expect(engine.query({ name: 'www.example.test.', trailing: Uint8Array.of(1) }).rcode).toBe(1);
    expect(engine.query({ name: 'www.example.test.', opcode: 4 }).rcode).toBe(4);
  });

  it('lets everybody else ask', () => {
    for (const address of [[198, 51, 99, 255], [198, 51, 101, 0], new Array<number>(16).fill(0)]) {
      expect(ask(from(denied(), address), 'www.example.test.')).toBe('0 -');
    }
  });

  it('refuses a client without an address', () => {
    expect(ask(from(denied(), []), 'www.example.test.')).toBe(`5 ${PROHIBITED}`);
  });
});

describe('the access list of a zone', () => {
  const zones = {
    'a.test': zoneOf('www A 192.0.2.2\nsub NS ns.sub\nns.sub A 192.0.2.3'),
    'sub.a.test': zoneOf(''),
    'b.test': zoneOf(''),
  };
  const policies = only('a.test.', { access: access(['192.0.2.0/24', '2001:db8::/32']) });

  it('refuses others alike, whether the name is there or not, and whatever the type', () => {
    const engine = from(engineOf(zones, {}, policies), [203, 0, 113, 1]);
    for (const name of ['a.test.', 'WWW.a.TEST.', 'nothing.a.test.', 'x.y.a.test.'])
      for (const type of ['A', 'SOA', 'NS', 'ANY', 'DS', 'TXT', 'RRSIG'])
        expect(ask(engine, name, type), `${name} ${type}`).toBe(`${REFUSED} ${PROHIBITED}`);
  });

  it('holds for that zone, not for zones below or beside it; DS of the one below is its own', () => {
    const engine = from(engineOf(zones, {}, policies), [203, 0, 113, 1]);
    expect(ask(engine, 'sub.a.test.', 'SOA')).toBe('0 -');
    expect(ask(engine, 'b.test.', 'SOA')).toBe('0 -');
    expect(ask(engine, 'sub.a.test.', 'DS')).toBe(`5 ${PROHIBITED}`);
  });

  it('lets those in whom it names', () => {
    const engine = engineOf(zones, {}, policies);
    expect(ask(from(engine, [192, 0, 2, 255]), 'www.a.test.')).toBe('0 -');
    expect(ask(from(engine, [0x20, 1, 0xd, 0xb8, ...new Array<number>(12).fill(255)]), 'www.a.test.')).toBe('0 -');
    expect(ask(from(engine, [0x20, 1, 0xd, 0xb9, ...new Array<number>(12).fill(0)]), 'www.a.test.')).toBe(
      `5 ${PROHIBITED}`,
    );
  });

  it('does not let in whom the server keeps out', () => {
    const both = { ...policies, access: access([], ['192.0.2.7']) };
    const engine = engineOf(zones, {}, both);
    expect(ask(from(engine, [192, 0, 2, 7]), 'www.a.test.')).toBe(`5 ${PROHIBITED}`);
    expect(ask(from(engine, [192, 0, 2, 8]), 'www.a.test.')).toBe('0 -');
  });

  it('refuses others also when the zone could not be loaded', () => {
    const engine = engineOf({ 'a.test': undefined }, {}, policies);
    expect(ask(from(engine, [203, 0, 113, 1]), 'a.test.')).toBe(`5 ${PROHIBITED}`);
    expect(engine.query({ name: 'a.test.' }).rcode).toBe(REFUSED);
    expect(from(engine, [192, 0, 2, 1]).query({ name: 'a.test.' }).rcode).toBe(2);
  });
});

describe('a zone that requires TLS', () => {
  const policies = only('secret.test.', { tlsOnly: true });
  const zones = { 'secret.test': zoneOf('www A 192.0.2.2\n* TXT x'), 'open.test': zoneOf('www A 192.0.2.3') };

  it('is refused over UDP and TCP with the extended error 18 and a text, and answered inside TLS, after STARTTLS too', () => {
    const engine = engineOf(zones, {}, policies);
    for (const transport of [Transport.UDP, Transport.TCP]) {
      engine.facts.transport = transport;
      const response = engine.query({ name: 'www.secret.test.', edns: {} });
      expect(verdict(response)).toBe(`5 ${PROHIBITED}`);
      const text = Buffer.from(response.edns!.options.find(({ code }) => code === EDE)!.data.subarray(2)).toString();
      expect(text).toBe('this zone is answered over TLS only');
      expect([response.answer, response.authority, response.flags.aa]).toEqual([[], [], false]);
      expect(engine.query({ name: 'www.open.test.' }).rcode).toBe(0);
    }
    for (const transport of [Transport.TLS, Transport.STARTTLS]) {
      engine.facts.transport = transport;
      expect(engine.query({ name: 'www.secret.test.' }).answer).toHaveLength(1);
    }
  });

  it('is refused with the same octets for every name and type, those that are not there among them', () => {
    const engine = engineOf(zones, {}, policies);
    const tails = new Set<string>();
    for (const label of ['www', 'ns1', 'nix', 'zzz'])
      for (const type of ['A', 'TXT', 'SOA', 'NS', 'DS', 'ANY', 'CNAME', 'DNSKEY', 'NSEC']) {
        const query = buildQuery({ name: `${label}.secret.test.`, type, edns: { dnssecOk: true } });
        const response = engine.ask(query);
        tails.add(Buffer.concat([response.subarray(2, 12), response.subarray(12 + 21)]).toString('hex'));
      }
    expect(tails.size).toBe(1);
  });

  it('that could not be loaded is refused too: SERVFAIL is for those inside TLS', () => {
    const engine = engineOf({ 'secret.test': undefined }, {}, policies);
    expect(engine.query({ name: 'secret.test.' }).rcode).toBe(REFUSED);
    engine.facts.transport = Transport.TLS;
    expect(engine.query({ name: 'secret.test.' }).rcode).toBe(2);
  });

  it('names the upgrade in its refusal, so that a client with the TO bit can start TLS at once', () => {
    const engine = engineOf(zones, {}, policies);
    engine.facts.transport = Transport.TCP;
    engine.facts.upgradeBit = UpgradeBit.IF_ASKED;
    engine.facts.upgradeOnOffer = 1;
    const response = engine.query({ name: 'www.secret.test.', edns: { flags: 0x4000 } });
    expect([response.rcode, response.edns?.flags]).toEqual([REFUSED, 0x4000]);
    expect(engine.responder.outcome.upgrade).toBe(1);
    const starttls = engine.query({ name: 'STARTTLS.', type: 'TXT', class: 'CH' });
    expect(Buffer.from(starttls.answer[0]!.rdata, 'hex').toString('latin1')).toContain('STARTTLS');
  });

  it('leaves the text out where it has no room, and the client without EDNS without any', () => {
    const reportAgent = nameFromText(`${'r'.repeat(58)}.`);
    const engine = engineOf(zones, { nsid: new Uint8Array(128), reportAgent }, policies);
    const label = 'a'.repeat(63);
    const name = `${label}.${label}.${label}.${'a'.repeat(49)}.secret.test.`;
    const edns = { udpSize: 512, options: [{ code: 3, data: new Uint8Array(0) }] };
    const request = buildQuery({ name, edns });
    const response = engine.ask(request);
    expect(response.length).toBeGreaterThan(512 - 37);
    expect(response.length).toBeLessThanOrEqual(512);
    expect(decodeMessage(response).edns?.options.map(({ code, data }) => [code, data.length])).toEqual([
      [3, 128],
      [18, 60],
      [EDE, 2],
    ]);
    const plain = engine.query({ name });
    expect([plain.rcode, plain.edns]).toEqual([REFUSED, undefined]);
  });

  it('leaves its text to its own refusals', () => {
    const engine = engineOf(zones, {}, policies);
    engine.query({ name: 'www.secret.test.', edns: {} });
    const other = engine.query({ name: 'example.org.', edns: {} });
    expect(other.edns?.options.map(({ data }) => Buffer.from(data).toString('hex'))).toEqual(['0014']);
  });
});

describe('no record of a zone that requires TLS', () => {
  // Only the secret zone has addresses in 203.0.113.0/24, and texts with this mark.
  const MARK = 'sEcReT';
  const SECRET = `$TTL 3600
@ SOA ns1 ${MARK}-soa 1 7200 900 1209600 300
@ NS ns1
@ NS ns.child
@ MX 10 mail
@ TXT ${MARK}-apex
ns1 A 203.0.113.1
mail A 203.0.113.2
mail AAAA 2001:db8:5ec::2
www A 203.0.113.3
txt TXT ${MARK}-txt
alias CNAME www
* TXT ${MARK}-wildcard
dn DNAME www
child NS ns.child
ns.child A 203.0.113.4
_srv._tcp SRV 0 0 53 mail`;
  const PARENT = zoneOf(`secret NS ns1.secret
@ MX 10 mail.secret
@ NS ns1.secret
ns1.secret A 192.0.2.53
a CNAME www.secret
b CNAME nothing.secret
c CNAME secret
d DNAME secret
e CNAME txt.d
*.w CNAME mail.secret
srv SRV 0 0 53 mail.secret
svc SVCB 1 mail.secret
loop CNAME alias.secret`);
  const OTHER = zoneOf(
    'x CNAME www.secret.example.test.\ny DNAME secret.example.test.\n@ MX 10 mail.secret.example.test.',
  );
  const ROOT = zoneOf('test NS ns.test.\nns.test. A 192.0.2.1\nr CNAME www.secret.example.test.');
  const names = [
    '',
    'a.',
    'b.',
    'c.',
    'd.',
    'www.d.',
    'txt.d.',
    'e.',
    'q.w.',
    'srv.',
    'svc.',
    'loop.',
    'secret.',
    'www.secret.',
    'ns1.secret.',
    'mail.secret.',
    'alias.secret.',
    'x.dn.secret.',
    'nix.secret.',
    'child.secret.',
    'x.child.secret.',
    'ns.child.secret.',
    '_srv._tcp.secret.',
  ];
  const questions = [
    ...names.map((name) => `${name}example.test.`),
    ...['x.', 'www.y.', 'txt.y.', 'y.', ''].map((name) => `${name}other.test.`),
    'r.',
    'test.',
    '.',
  ];
  const types = [
    'A',
    'AAAA',
    'NS',
    'SOA',
    'MX',
    'TXT',
    'CNAME',
    'DNAME',
    'DS',
    'ANY',
    'SRV',
    'SVCB',
    'RRSIG',
    'NSEC',
    'DNSKEY',
    'TYPE65280',
  ];
  const zones = {
    '.': ROOT,
    'example.test': PARENT,
    'other.test': OTHER,
    'secret.example.test': SECRET,
    'child.secret.example.test': zoneOf(''),
  };

  /** Names and types whose responses have something of the secret zone in them. */
  function leaks(transport: Transport, settings: { minimalResponses: boolean; anyFull: boolean }): string[] {
    const engine = engineOf(zones, settings, only('secret.example.test.', { tlsOnly: true }));
    engine.facts.transport = transport;
    engine.facts.payloadLimit = 4096;
    return questions.flatMap((name) =>
      types.flatMap((type) =>
        [
          {},
          {
            edns: {
              dnssecOk: true,
              udpSize: 4096,
              options: [9, 19].map((code) => ({ code, data: new Uint8Array(0) })),
            },
          },
        ].flatMap((how) => {
          const response = Buffer.from(engine.ask(buildQuery({ name, type, ...how })));
          const found = [MARK, Buffer.from([203, 0, 113]), Buffer.from('20010db805ec', 'hex')].some((mark) =>
            response.includes(mark),
          );
          return found ? [`${name} ${type}`] : [];
        }),
      ),
    );
  }

  it.each([
    [true, false],
    [false, true],
  ])('is in any section of any response in cleartext (minimal %j, ANY full %j)', (minimalResponses, anyFull) => {
    for (const transport of [Transport.UDP, Transport.TCP])
      expect(leaks(transport, { minimalResponses, anyFull })).toEqual([]);
    // The same questions bring plenty of them inside TLS.
    expect(new Set(leaks(Transport.TLS, { minimalResponses, anyFull })).size).toBeGreaterThan(60);
  });

  it('is the DS record at its cut, or its denial: those are the zone above’s, and answered', () => {
    const engine = engineOf(zones, {}, only('secret.example.test.', { tlsOnly: true }));
    const ds = engine.query({ name: 'secret.example.test.', type: 'DS' });
    expect([ds.rcode, ds.authority.length]).toEqual([0, 1]);
    const below = engine.query({ name: 'child.secret.example.test.', type: 'DS' });
    expect(below.rcode).toBe(REFUSED);
  });
});
