import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base32hexToText, decodeBase32hex, encodeBase32hex } from '../../src/protocol/base32hex.js';
import { SEED } from '../support/seed.js';

function decoded(text: string): number[] | undefined {
  const out = new Uint8Array(text.length);
  const octets = Buffer.from(text, 'latin1');
  const length = decodeBase32hex(octets, 0, octets.length, out, 0);
  return length < 0 ? undefined : [...out.subarray(0, length)];
}

describe('base32hex', () => {
  // RFC 4648 §10, without padding.
  it.each([
    ['', ''],
    ['f', 'CO'],
    ['fo', 'CPNG'],
    ['foo', 'CPNMU'],
    ['foob', 'CPNMUOG'],
    ['fooba', 'CPNMUOJ1'],
    ['foobar', 'CPNMUOJ1E8'],
  ])('of %j is %j', (octets, text) => {
    const source = Buffer.from(`--${octets}`, 'latin1');
    expect(base32hexToText(source, 2, octets.length)).toBe(text);
    expect(decoded(text)).toEqual([...source.subarray(2)]);
    expect(decoded(text.toLowerCase())).toEqual([...source.subarray(2)]);
  });

  it.each(['C', 'CPN', 'CPNMUO', 'CP', 'W0', 'c=', 'C ', 'C\u00ff'])('is not %j', (text) => {
    expect(decoded(text)).toBeUndefined();
  });

  it('is read as it was written, and nothing around it is touched', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (octets) => {
        const text = new Uint8Array(412).fill(0xee);
        const length = encodeBase32hex(octets, 0, octets.length, text, 2);
        expect(length).toBe(Math.ceil((octets.length * 8) / 5));
        expect([text[1], text[2 + length]]).toEqual([0xee, 0xee]);
        const out = new Uint8Array(260);
        expect(decodeBase32hex(text, 2, 2 + length, out, 3)).toBe(octets.length);
        expect(out.subarray(3, 3 + octets.length)).toEqual(octets);
      }),
      { seed: SEED },
    );
  });
});
