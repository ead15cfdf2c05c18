import { describe, expect, it } from 'vitest';
import { anchorsFor, isVerified, trustAnchors, verifiedKeys } from '../../../src/client/trust/dnssec.js';
import type { ResourceRecord } from '../../../src/client/wire/message.js';
import { textToName } from '../../../src/client/wire/names.js';
import { rdataFromText } from '../../../src/client/wire/rdata/from-text.js';

const TYPES = { A: 1, MX: 15, RRSIG: 46, DNSKEY: 48 };

function record(name: string, type: keyof typeof TYPES, data: string): ResourceRecord {
  return {
    owner: textToName(name),
    name,
    type: TYPES[type],
    class: 1,
    ttl: 3600,
    rdata: rdataFromText(TYPES[type], data),
    data,
  };
}

/** Examples of RFC 6605 §6.1 and RFC 8080 §6.1: key, DS, record, RRSIG, and a moment at which that is valid. */
const EXAMPLES = [
  {
    zone: 'example.net.',
    key: '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
    record: record('WWW.example.net.', 'A', '192.0.2.1'),
    other: record('WWW.example.net.', 'A', '192.0.2.2'),
    rrsig:
      'A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
    now: Date.UTC(2010, 7, 20) / 1000,
  },
  {
    zone: 'example.com.',
    key: '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    ds: '3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b',
    record: record('example.com.', 'MX', '10 mail.example.com.'),
    other: record('example.com.', 'MX', '11 mail.example.com.'),
    rrsig:
      'MX 15 2 3600 20150819220000 20150729220000 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    now: Date.UTC(2015, 7, 1) / 1000,
  },
];

describe('an RRset', () => {
  it.each(EXAMPLES)('of $zone is verified as its RFC says, and not with another record, key or time', (example) => {
    const zone = textToName(example.zone);
    const keys = [rdataFromText(TYPES.DNSKEY, example.key)];
    const [{ record: good, other, now }, rrsig] = [example, record(example.record.name, 'RRSIG', example.rrsig)];
    expect(isVerified([good], [good, rrsig], zone, keys, now)).toBe(true);
    expect(isVerified([other], [other, rrsig], zone, keys, now)).toBe(false);
    expect(isVerified([good, other], [good, other, rrsig], zone, keys, now)).toBe(false);
    expect(isVerified([good], [good], zone, keys, now)).toBe(false);
    expect(isVerified([], [rrsig], zone, keys, now)).toBe(false);
    expect(isVerified([good], [good, rrsig], zone, keys, now + 86_400 * 40)).toBe(false);
    expect(isVerified([good], [good, rrsig], zone, keys, now - 86_400 * 40)).toBe(false);
    expect(isVerified([good], [good, rrsig], textToName('net.'), keys, now)).toBe(false);
    for (const [from, to] of [
      ['257', '256'],
      ['257', '385'],
      ['257', '1'],
      [' 3 ', ' 2 '],
    ] as const)
      expect(isVerified([good], [good, rrsig], zone, [rdataFromText(48, example.key.replace(from, to))], now)).toBe(
        false,
      );
    for (let at = 0; at < rrsig.rdata.length; at++) {
      const broken = Uint8Array.from(rrsig.rdata, (octet, index) => (index === at ? octet ^ 1 : octet));
      expect(isVerified([good], [good, { ...rrsig, rdata: broken }], zone, keys, now), `octet ${at}`).toBe(false);
    }
    for (let length = 0; length < rrsig.rdata.length; length++)
      expect(isVerified([good], [good, { ...rrsig, rdata: rrsig.rdata.subarray(0, length) }], zone, keys, now)).toBe(
        false,
      );
  });

  it.each(EXAMPLES)('of $zone needs keys that an anchor names', ({ zone, key, ds, now }) => {
    const anchors = trustAnchors(`${zone} 3600 IN DS ${ds} ; the key\n\n`);
    // Nothing has signed the DNSKEY RRset itself.
    expect(verifiedKeys(anchors, [record(zone, 'DNSKEY', key)], now)).toEqual([]);
    expect(verifiedKeys([], [record(zone, 'DNSKEY', key)], now)).toEqual([]);
  });
});

describe('trust anchors', () => {
  it('are those of the closest zone above a name', () => {
    const anchors = trustAnchors('a.test. DS 1 13 2 00\nb.a.test. 60 DNSKEY 257 3 13 AAAA\n. IN DS 2 13 2 00\n');
    const zones = (name: string): number[] => anchorsFor(anchors, textToName(name)).map(({ zone }) => zone.length);
    expect([zones('x.B.A.test.'), zones('xb.a.test.'), zones('other.')]).toEqual([[10], [8], [1]]);
    expect(anchorsFor(anchors.slice(0, 2), textToName('other.'))).toEqual([]);
  });

  it.each(['', '; nothing', 'a.test. A 192.0.2.1', 'a.test. DS 1 13 2'])('are not %j', (text) => {
    expect(() => trustAnchors(text)).toThrow(expect.objectContaining({ code: 'CLIENT_INPUT' }));
  });
});
