import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOctets, endpointFromText, endpointText } from '../../src/transport/address.js';
import { SEED } from '../support/seed.js';

function octets(text: string): number[] {
  const out = new Uint8Array(16);
  return [...out.subarray(0, addressOctets(text, out))];
}

describe('addresses of clients', () => {
  it.each([
    ['192.0.2.1', [192, 0, 2, 1]],
    ['0.0.0.0', [0, 0, 0, 0]],
    ['::', new Array(16).fill(0)],
    ['::1', [...new Array(15).fill(0), 1]],
    ['2001:db8::a:1', [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 1]],
    ['2001:db8:1:2:3:4:5:6', [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]],
    ['1::', [0, 1, ...new Array(14).fill(0)]],
    ['fe80::1%eth0', [0xfe, 0x80, ...new Array(13).fill(0), 1]],
    ['::ffff:192.0.2.1', [192, 0, 2, 1]],
    ['64:ff9b::192.0.2.1', [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]],
  ])('reads %s', (text, wanted) => {
    expect(octets(text)).toEqual(wanted);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4%eth0',
    '1..2.3',
    'a.b.c.d',
    ':1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '00001::',
    '::1\u0131',
    '1111:2222:3333:4444:5555:6666:123.123.123.1234',
    'g::',
    '1:',
  ])('says that %j is no address', (text) => {
    expect(octets(text)).toEqual([]);
  });

  it('reads back every IPv6 address that was written without and with a gap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 0xffff }), { minLength: 8, maxLength: 8 }),
        fc.nat({ max: 7 }),
        (words, at) => {
          fc.pre(words[0] !== 0);
          const wanted = words.flatMap((word) => [word >> 8, word & 255]);
          expect(octets(words.map((word) => word.toString(16)).join(':'))).toEqual(wanted);
          const gapped = words.map((word, i) => (i === at && i > 0 ? 0 : word));
          const text = gapped.map((word, i) => (i === at && i > 0 ? '' : word.toString(16)));
          const joined = text.join(':') + (at === 7 ? ':' : '');
          expect(octets(joined)).toEqual(at === 0 ? wanted : gapped.flatMap((word) => [word >> 8, word & 255]));
        },
      ),
      { seed: SEED },
    );
  });

  it('writes an endpoint with brackets only around IPv6', () => {
    expect(endpointText('192.0.2.1', 53)).toBe('192.0.2.1:53');
    expect(endpointText('::1', 53)).toBe('[::1]:53');
  });
});

describe('an address with a port', () => {
  it.each([
    ['127.0.0.1:9153', { address: '127.0.0.1', port: 9153 }],
    ['0.0.0.0:0', { address: '0.0.0.0', port: 0 }],
    ['[::1]:65535', { address: '::1', port: 65_535 }],
    ['[fe80::1%eth0]:53', { address: 'fe80::1%eth0', port: 53 }],
    ['[::ffff:192.0.2.1]:1', { address: '::ffff:192.0.2.1', port: 1 }],
  ])('is read from %j, and written so', (text, endpoint) => {
    expect(endpointFromText(text)).toEqual(endpoint);
    expect(endpointText(endpoint.address, endpoint.port)).toBe(text);
  });

  it.each([
    ...['', ':53', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:53 ', ' 127.0.0.1:53'],
    ...[
      'localhost:53',
      '127.1:53',
      '::1:53',
      '[127.0.0.1]:53',
      '[]:53',
      '[::1]',
      '[::1]53',
      '[::g]:53',
      '1.2.3.4:0x35',
    ],
  ])('is not in %j', (text) => {
    expect(endpointFromText(text)).toBeUndefined();
  });
});
