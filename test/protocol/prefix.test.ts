import { describe, expect, it } from 'vitest';
import { prefixFromText, prefixToText } from '../../src/protocol/prefix.js';

describe('an address prefix', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['::/0', '::/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['2001:db8::/33', '2001:db8::/33'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
    ['::/95', '::/95'],
  ])('%s is %s', (text, canonical) => {
    expect(prefixToText(prefixFromText(text))).toBe(canonical);
  });

  it.each([
    '',
    '/',
    '/24',
    '192.0.2.0/',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/024',
    '192.0.2.0/2 4',
    '192.0.2.0/24/24',
    '192.0.2/24',
    '192.0.2.0.0/24',
    '192.0.2.256',
    '2001:db8::/129',
    '2001:db8/32',
    'fe80::1%eth0',
    'localhost',
    '*',
    'any',
    ' 192.0.2.1',
  ])('is not %j', (text) => {
    expect(() => prefixFromText(text)).toThrow(/^expected an? /);
  });

  it('has no bits behind its length: it is not clear what they mean', () => {
    expect(() => prefixFromText('192.0.2.1/24')).toThrow('expected 192.0.2.0/24, or an address alone');
    expect(() => prefixFromText('128.0.0.0/0')).toThrow('expected 0.0.0.0/0');
    expect(() => prefixFromText('2001:db8::1/64')).toThrow('expected 2001:db8::/64');
  });

  it('is not one of IPv4 in the clothes of IPv6: no client has such an address here', () => {
    expect(() => prefixFromText('::ffff:192.0.2.0/120')).toThrow('expected it as IPv4: 192.0.2.0/24');
    expect(() => prefixFromText('::ffff:0:0/96')).toThrow('expected it as IPv4: 0.0.0.0/0');
  });
});
