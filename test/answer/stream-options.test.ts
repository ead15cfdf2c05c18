import { describe, expect, it } from 'vitest';
import { Padding, Transport } from '../../src/answer/facts.js';
import { engineOf, zoneOf } from './support.js';

const KEEPALIVE = 11;
const PADDING = 12;

function ask(facts: { transport: number; padding?: number; keepalive?: number }, ...codes: number[]) {
  const engine = engineOf({ 'example.test': zoneOf('www A 192.0.2.7') });
  Object.assign(engine.facts, facts);
  const options = codes.map((code) => ({ code, data: new Uint8Array(0) }));
  return engine.query({ name: 'www.example.test.', edns: { options } });
}

const optionCodes = (response: ReturnType<typeof ask>): number[] =>
  (response.edns?.options ?? []).map(({ code }) => code);

describe('padding (RFC 7830, RFC 8467)', () => {
  it.each([
    ['if-edns', Padding.IF_EDNS, [], true],
    ['if-edns', Padding.IF_EDNS, [PADDING], true],
    ['if-asked', Padding.IF_ASKED, [], false],
    ['if-asked', Padding.IF_ASKED, [PADDING], true],
    ['never', Padding.NEVER, [PADDING], false],
  ] as const)('%s (%i): a query with options %j', (_name, padding, codes, padded) => {
    for (const transport of [Transport.TLS, Transport.STARTTLS]) {
      const response = ask({ transport, padding }, ...codes);
      expect(optionCodes(response).includes(PADDING)).toBe(padded);
      if (padded) expect(response.size % 468).toBe(0);
    }
  });

  it('is for TLS only, and is the last option', () => {
    expect(optionCodes(ask({ transport: Transport.TCP, keepalive: 100 }, PADDING))).toEqual([]);
    expect(optionCodes(ask({ transport: Transport.UDP }, PADDING))).toEqual([]);
    expect(optionCodes(ask({ transport: Transport.TLS, keepalive: 50 }, PADDING, KEEPALIVE))).toEqual([
      KEEPALIVE,
      PADDING,
    ]);
  });

  it('pads no answer to a query without EDNS', () => {
    const engine = engineOf({ 'example.test': zoneOf('www A 192.0.2.7') });
    engine.facts.transport = Transport.TLS;
    const response = engine.query({ name: 'www.example.test.' });
    expect([response.edns, response.size]).toEqual([undefined, 12 + 22 + 16]);
  });
});

describe('keepalive (RFC 7828)', () => {
  it.each([
    ['TCP', Transport.TCP],
    ['STARTTLS', Transport.STARTTLS],
    ['TLS', Transport.TLS],
  ])('answers with the idle time over %s, in units of 100 ms', (_name, transport) => {
    const response = ask({ transport, padding: Padding.NEVER, keepalive: 100 }, KEEPALIVE);
    expect(response.edns?.options.map(({ code, data }) => [code, ...data])).toEqual([[KEEPALIVE, 0, 100]]);
  });

  it('says 0 to everybody with EDNS while the server wants sessions to end', () => {
    const response = ask({ transport: Transport.TCP, keepalive: 0 });
    expect(response.edns?.options.map(({ code, data }) => [code, ...data])).toEqual([[KEEPALIVE, 0, 0]]);
  });

  it('is not for UDP, and not told to those who do not ask', () => {
    expect(optionCodes(ask({ transport: Transport.UDP, keepalive: 0 }, KEEPALIVE))).toEqual([]);
    expect(optionCodes(ask({ transport: Transport.TCP, keepalive: 100 }))).toEqual([]);
  });
});
