import { describe, expect, it } from 'vitest';
import { Limited, Transport } from '../../src/answer/facts.js';
import { limitedResponder, type RateLimitSettings, rateLimitWords } from '../../src/answer/rate-limit.js';
import { configSchema } from '../../src/config/schema.js';
import { compileAccess } from '../../src/image/access.js';
import { NO_POLICIES, type Policies } from '../../src/image/policy.js';
import { prefixFromText } from '../../src/protocol/prefix.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { Random } from '../differential/random.js';
import { buildQuery, decodeMessage, type Query } from '../support/message.js';
import { signQuery } from '../support/tsig.js';
import { engineOf, NOW, zoneOf } from './support.js';

const LIMIT: RateLimitSettings = {
  responses: 5,
  all: 0,
  window: 4,
  slip: 0,
  ipv4Prefix: 24,
  ipv6Prefix: 56,
  exempt: undefined,
  logOnly: false,
  secret: Int32Array.of(0x3243f6a8, 0x85a308d3 | 0),
};
const SECRET = new Uint8Array(16).fill(9);
const ZONES = {
  'example.test': zoneOf(`www A 192.0.2.2
mail A 192.0.2.3
*.wild A 192.0.2.4
sub NS ns.sub
ns.sub A 192.0.2.5
other NS ns.other
ns.other A 192.0.2.6
dn DNAME www
alias1 CNAME www
alias2 CNAME www
out1 CNAME a.example.org.
out2 CNAME b.example.org.`),
  'second.test': zoneOf(''),
};
const COOKIE = 10;
const KEY = { name: 'k.', algorithm: 'hmac-sha256', secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=' };
const TSIG_KEYS = configuredKeys(configSchema.parse({ tsig: [KEY] }));

function limiter(
  settings: Partial<RateLimitSettings> = {},
  { words = rateLimitWords(4096), policies = NO_POLICIES }: { words?: Int32Array; policies?: Policies } = {},
) {
  const engine = engineOf(ZONES, { cookieSecrets: [SECRET], version: 'x', tsigKeys: TSIG_KEYS }, policies);
  const { facts } = engine;
  const responder = limitedResponder(engine.responder, { ...LIMIT, ...settings }, words);
  const out = new Uint8Array(1500);
  facts.client.set([192, 0, 2, 7]);
  const ask = (query: Query): Uint8Array => {
    const request = buildQuery(query);
    const at = 3;
    out.fill(0xa5);
    const length = responder.respond(request, 0, request.length, facts, out, at, out.length - at);
    return out.slice(at, at + length);
  };
  /** How many of `count` responses were not touched. */
  const passed = (count: number, query: Query | ((i: number) => Query) = { name: 'www.example.test.' }): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      ask(typeof query === 'function' ? query(i) : query);
      if (responder.outcome.limited === Limited.NONE) sum++;
    }
    return sum;
  };
  return { ask, passed, facts, outcome: responder.outcome };
}

const random = (i: number, below: string): Query => ({ name: `r${i}.${below}` });

describe('a limit of the rate of responses', () => {
  it('lets as many alike responses a second through as it says', () => {
    const { passed, facts } = limiter();
    expect(passed(5)).toBe(5);
    expect(passed(1)).toBe(0);
    facts.now++;
    expect(passed(3)).toBe(3);
    facts.now++;
    expect(passed(5)).toBe(5);
  });

  it('never limits whoever stays within it, however long', () => {
    const { passed, facts } = limiter();
    for (let second = 0; second < 1000; second++, facts.now++) expect(passed(5)).toBe(5);
  });

  it('lets nothing through while a flood lasts, and forgives it a window later', () => {
    const { passed, facts } = limiter();
    expect(passed(1000)).toBe(5);
    for (let second = 0; second < 20; second++) {
      facts.now++;
      expect(passed(100)).toBe(0);
    }
    facts.now += LIMIT.window;
    expect(passed(1)).toBe(0);
    facts.now += LIMIT.window + 1;
    expect(passed(10)).toBe(5);
  });

  it('counts a network, not an address', () => {
    const { passed, facts } = limiter();
    expect(passed(5)).toBe(5);
    facts.client[3] = 255;
    expect(passed(5)).toBe(0);
    facts.client[2] = 3;
    expect(passed(5)).toBe(5);
    facts.client.set([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    facts.clientLength = 16;
    expect(passed(5)).toBe(5);
    facts.client.fill(255, 7);
    expect(passed(5)).toBe(0);
    facts.client[6] = 1;
    expect(passed(5)).toBe(5);
  });

  it.each([0, 1, 31, 32])('counts by as many bits of an IPv4 address as it says: %i', (ipv4Prefix) => {
    const { passed, facts } = limiter({ ipv4Prefix });
    const flip = (bit: number): void => void (facts.client[bit >> 3]! ^= 0x80 >> (bit & 7));
    expect(passed(5)).toBe(5);
    for (let bit = ipv4Prefix; bit < 32; bit++) {
      flip(bit);
      expect(passed(1), `bit ${bit}`).toBe(0);
      flip(bit);
    }
    if (ipv4Prefix > 0) {
      flip(ipv4Prefix - 1);
      expect(passed(5)).toBe(5);
    }
  });

  it.each([1, 31, 32, 33, 64, 65, 127, 128])(
    'counts by as many bits of an IPv6 address as it says: %i',
    (ipv6Prefix) => {
      const { passed, facts } = limiter({ ipv6Prefix });
      facts.clientLength = 16;
      const flip = (bit: number): void => void (facts.client[bit >> 3]! ^= 0x80 >> (bit & 7));
      expect(passed(5)).toBe(5);
      for (const bit of [ipv6Prefix, 127].filter((b) => b < 128 && b >= ipv6Prefix)) {
        flip(bit);
        expect(passed(1), `bit ${bit}`).toBe(0);
        flip(bit);
      }
      flip(ipv6Prefix - 1);
      expect(passed(5)).toBe(5);
    },
  );

  it('goes by the name that the zone has: random names below it bring nothing', () => {
    const names = (below: string) => limiter().passed(100, (i) => random(i, below));
    expect(names('wild.example.test.'), 'wildcard').toBe(5);
    expect(names('sub.example.test.'), 'referral').toBe(5);
    expect(names('dn.example.test.'), 'DNAME').toBe(5);
    expect(names('nothing.example.test.'), 'NXDOMAIN').toBe(5);
    expect(names('example.org.'), 'REFUSED').toBe(5);
    expect(limiter().passed(100, { name: 'WwW.eXample.test.' })).toBe(5);
  });

  it('keeps different names, kinds and zones apart', () => {
    const { passed } = limiter();
    for (const name of ['www', 'mail', 'r1.wild', 'x.sub', 'x.other', 'alias1', 'alias2', 'out1', 'out2', 'x.nothing'])
      expect(passed(9, { name: `${name}.example.test.` }), name).toBe(5);
    expect(passed(9, { name: 'www.example.test.', type: 'TXT' }), 'NODATA').toBe(5);
    expect(passed(9, { name: 'x.second.test.' }), 'NXDOMAIN of another zone').toBe(5);
    expect(passed(9, { name: 'example.org.' }), 'REFUSED').toBe(5);
    expect(passed(9, { name: 'www.example.test.', opcode: 4 }), 'errors, with refusals').toBe(0);
    expect(passed(9, { name: 'version.bind.', type: 'TXT', class: 'CH' }), 'class CH, with refusals').toBe(0);
  });

  it('counts NXDOMAIN by zone, whatever name is closest', () => {
    const below = ['www', 'mail', 'ns1', 'here.nothing', 'nothing'];
    expect(limiter().passed(100, (i) => random(i, `${below[i % below.length]}.example.test.`))).toBe(5);
  });

  it('counts refusals by policy among the errors, those of all zones together', () => {
    const policy = { tlsOnly: true, access: undefined };
    const policies = { access: undefined, zones: new Map(['example.test.', 'second.test.'].map((n) => [n, policy])) };
    const names = ['example.test.', 'second.test.', 'example.org.'];
    const { passed } = limiter({}, { policies });
    expect(passed(100, (i) => random(i, names[i % names.length] ?? ''))).toBe(5);
  });

  it('may hold for all responses to a network together, whatever they say', () => {
    const { passed, facts } = limiter({ all: 20, responses: 1000 });
    const anything = (i: number): Query => ({ name: `${['www', 'mail', 'x.sub', `r${i}`][i % 4]}.example.test.` });
    expect(passed(100, anything)).toBe(20);
    facts.client[2] = 9;
    expect(passed(100, anything)).toBe(20);
  });

  it('is for UDP only', () => {
    const { passed, facts } = limiter();
    for (const transport of [Transport.TCP, Transport.TLS]) {
      facts.transport = transport;
      expect(passed(50)).toBe(50);
    }
    facts.transport = Transport.UDP;
    expect(passed(50)).toBe(5);
  });

  it('is lifted by a valid server cookie, and by no other', () => {
    const { ask, passed } = limiter({ responses: 1 });
    const client = new Uint8Array(8).fill(1);
    const edns = (data: Uint8Array) => ({ name: 'www.example.test.', edns: { options: [{ code: COOKIE, data }] } });
    const { edns: opt } = decodeMessage(ask(edns(client)));
    const cookie = opt!.options.find(({ code }) => code === COOKIE)!.data;
    expect(passed(50, edns(client))).toBe(0);
    expect(passed(50, edns(cookie.map((o, i) => (i === 23 ? o ^ 1 : o))))).toBe(0);
    expect(passed(50, edns(cookie))).toBe(50);
  });

  it('is lifted by a valid signature, and by no other', () => {
    const { passed } = limiter({ responses: 1 });
    const signed = (isForged: boolean): Query => {
      const query = { name: 'www.example.test.' };
      const bare = buildQuery(query);
      const { message } = signQuery(bare, KEY, { time: NOW, isForged });
      return { ...query, additional: [message.subarray(bare.length)] };
    };
    expect(passed(50)).toBe(1);
    expect(passed(50, signed(false))).toBe(50);
    expect(passed(50, signed(true))).toBeLessThan(2);
  });

  it('is not for exempt networks', () => {
    const exempt = compileAccess(['192.0.2.0/25', '2001:db8::/32'].map(prefixFromText), []);
    const { passed, facts } = limiter({ exempt });
    expect(passed(50)).toBe(50);
    facts.client[3] = 128;
    expect(passed(50)).toBe(5);
  });

  it('only says what it would do, where it is to be logged only', () => {
    const { ask, passed, outcome } = limiter({ logOnly: true });
    expect(passed(5)).toBe(5);
    const response = decodeMessage(ask({ name: 'www.example.test.' }));
    expect([outcome.limited, response.answer.length, response.flags.tc]).toEqual([Limited.LOGGED, 1, false]);
  });

  it('says nothing any more once it is gone, although the outcome is the same record', () => {
    const engine = engineOf(ZONES);
    const limited = limitedResponder(engine.responder, { ...LIMIT, responses: 1 }, rateLimitWords(1024));
    const request = buildQuery({ name: 'www.example.test.' });
    const out = new Uint8Array(512);
    for (let i = 0; i < 2; i++) limited.respond(request, 0, request.length, engine.facts, out, 0, 512);
    expect(engine.responder.outcome.limited).toBe(Limited.DROPPED);
    engine.ask(request);
    expect(engine.responder.outcome.limited).toBe(Limited.NONE);
  });

  it('says nothing of messages that get no response', () => {
    const { ask, outcome, passed } = limiter({ slip: 1 });
    passed(6);
    expect(outcome.limited).toBe(Limited.SLIPPED);
    expect(ask({ name: 'www.example.test.', flagBits: 0x8000 })).toHaveLength(0);
    expect(outcome.limited).toBe(Limited.NONE);
  });
});

describe('what slips through a limit', () => {
  const flooded = (slip: number, query: Query) => {
    const made = limiter({ slip, responses: 1 });
    made.ask(query);
    return made;
  };

  it('has TC, no AA, no data, the question as it was asked, RD and ID', () => {
    const query: Query = { name: 'WwW.example.test.', id: 0x1234, rd: true };
    const { ask, outcome } = flooded(1, query);
    const response = ask(query);
    const message = decodeMessage(response);
    expect([message.rcode, message.flags.tc, message.flags.aa, message.flags.rd]).toEqual([0, true, false, true]);
    expect([message.answer, message.authority, message.additional]).toEqual([[], [], []]);
    expect(response).toHaveLength(buildQuery(query).length);
    expect([...response.subarray(12)]).toEqual([...buildQuery(query).subarray(12)]);
    expect(outcome).toMatchObject({ limited: Limited.SLIPPED, rcode: 0, truncated: 1 });
  });

  it('is NOERROR where the answer was NXDOMAIN: it says nothing', () => {
    const query = { name: 'nothing.example.test.', edns: { dnssecOk: true } };
    const message = decodeMessage(flooded(1, query).ask(query));
    expect([message.rcode, message.flags.tc, message.authority.length]).toEqual([0, true, 0]);
    expect(message.edns).toMatchObject({ dnssecOk: true, options: [] });
  });

  it('keeps of OPT the cookie, which lifts the limit for whoever gets it, and nothing else', () => {
    const options = [
      { code: COOKIE, data: new Uint8Array(8).fill(5) },
      { code: 19, data: new Uint8Array(0) },
    ];
    const query = { name: 'www.example.test.', edns: { options, flags: 0x4000 } };
    const { ask, outcome } = flooded(1, query);
    const message = decodeMessage(ask(query));
    expect(message.edns!.options.map(({ code, data }) => [code, data.length])).toEqual([[COOKIE, 24]]);
    expect(message.additional).toEqual([]);
    const cookie = message.edns!.options[0]!.data;
    const again = ask({ name: 'www.example.test.', edns: { options: [{ code: COOKIE, data: cookie }] } });
    expect([decodeMessage(again).answer.length, outcome.limited]).toEqual([1, Limited.NONE]);
  });

  it('is no longer than the query but for what OPT takes, so that forging gains nothing', () => {
    for (const type of ['A', 'ANY', 'TXT', 'SOA', 'NS'])
      for (const edns of [undefined, {}, { dnssecOk: true, options: [{ code: COOKIE, data: new Uint8Array(8) }] }]) {
        const query: Query = { name: 'example.test.', type, ...(edns && { edns }) };
        const { ask, passed } = flooded(1, query);
        passed(3, query);
        expect(ask(query).length).toBeLessThanOrEqual(buildQuery(query).length + (edns?.options ? 16 : 0));
      }
  });

  it('is a whole error where the response is one', () => {
    const query = { name: 'example.org.', edns: {} };
    const message = decodeMessage(flooded(1, query).ask(query));
    expect([message.rcode, message.flags.tc, message.edns?.options.length]).toEqual([5, false, 1]);
  });

  it('answers a request for a cookie alone without a question', () => {
    const query: Query = { noQuestion: true, edns: { options: [{ code: COOKIE, data: new Uint8Array(8) }] } };
    const message = decodeMessage(flooded(1, query).ask(query));
    expect([message.question.length, message.flags.tc, message.edns?.options.length]).toEqual([0, true, 1]);
  });

  it.each([
    [0, 0, 0],
    [1, 1000, 1000],
    [2, 400, 600],
    [10, 60, 140],
  ])('is one in %i, at random', (slip, least, most) => {
    const { ask, outcome } = flooded(slip, { name: 'www.example.test.' });
    const pattern = Array.from({ length: 1000 }, () => {
      const { length } = ask({ name: 'www.example.test.' });
      expect(length > 0).toBe(outcome.limited === Limited.SLIPPED);
      return length > 0 ? 1 : 0;
    });
    const slipped = pattern.filter(Boolean).length;
    expect(slipped).toBeGreaterThanOrEqual(least);
    expect(slipped).toBeLessThanOrEqual(most);
    // No period that a forger could fall in with.
    if (slip > 1)
      for (let period = 2; period <= 20; period++)
        expect(pattern.slice(period).every((bit, i) => bit === pattern[i])).toBe(false);
  });
});

describe('the accounts of a limit', () => {
  const network = (client: Uint8Array, number: number): void => client.set([number >> 16, number >> 8, number, 1]);

  it('are not pushed out by a flood from forged networks, however few buckets there are', () => {
    const { passed, facts } = limiter({ responses: 20 }, { words: rateLimitWords(64) });
    expect(passed(2000)).toBeLessThanOrEqual(20);
    const victim = facts.client.slice(0, 4);
    const forged = new Random(3);
    for (let second = 0; second < 10; second++) {
      facts.now++;
      for (let i = 0; i < 300; i++) {
        network(facts.client, forged.below(1 << 24));
        passed(1);
        facts.client.set(victim);
        expect(passed(1)).toBe(0);
      }
    }
  });

  it('of others stay open while a few networks flood', () => {
    const { passed, facts } = limiter({}, { words: rateLimitWords(4096) });
    for (let flood = 0; flood < 100; flood++) {
      network(facts.client, flood);
      passed(200);
    }
    let limited = 0;
    for (let other = 1000; other < 5000; other++) {
      network(facts.client, other);
      if (passed(1) === 0) limited++;
    }
    // 100 in 4096 buckets of two rows: 0.06 % of others share both.
    expect(limited).toBeLessThan(20);
  });

  it('share buckets only by chance that another secret changes', () => {
    const limitedBy = (secret: Int32Array): number[] => {
      const { passed, facts } = limiter({ secret }, { words: rateLimitWords(16) });
      for (let flood = 0; flood < 8; flood++) {
        network(facts.client, flood);
        passed(200);
      }
      return Array.from({ length: 200 }, (_, i) => i + 1000).filter((other) => {
        network(facts.client, other);
        return passed(1) === 0;
      });
    };
    const [one, another] = [limitedBy(Int32Array.of(1, 2)), limitedBy(Int32Array.of(3, 4))];
    expect(one.length).toBeGreaterThan(0);
    expect(another).not.toEqual(one);
  });

  it('survive a clock that is set back: nobody is limited for longer, nobody let off', () => {
    const { passed, facts } = limiter();
    passed(1000);
    facts.now -= 86_400;
    expect(passed(5)).toBe(0);
    facts.now += LIMIT.window + 1;
    expect(passed(9)).toBe(5);
  });

  it('do not fill up twice when two threads disagree about the second', () => {
    const { passed, facts } = limiter();
    let sum = 0;
    for (let i = 0; i < 50; i++) {
      facts.now = NOW + (i % 2);
      sum += passed(1);
    }
    expect(sum).toBeLessThanOrEqual(10);
  });

  it('work after 2038, and at the turn of 32 bits', () => {
    for (const now of [2 ** 31 - 1, 2 ** 31 + 5, 2 ** 32 - 1]) {
      const { passed, facts } = limiter();
      facts.now = now;
      expect(passed(9)).toBe(5);
      facts.now += LIMIT.window + 2;
      expect(passed(9)).toBe(5);
    }
  });

  it('are shared by all responders over the same memory', () => {
    const words = rateLimitWords(1024);
    const [one, other] = [limiter({}, { words }), limiter({}, { words })];
    expect(one.passed(3) + other.passed(9) + one.passed(9)).toBe(5);
  });

  it('take memory that does not depend on what is asked', () => {
    expect(rateLimitWords(1000).byteLength).toBe(4 * 1024 * 8);
    expect(rateLimitWords(1024).byteLength).toBe(4 * 1024 * 8);
    expect(rateLimitWords(1).byteLength).toBe(4 * 8);
  });
});
