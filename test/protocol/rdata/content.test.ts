/**
 * Content that the specification of a type rules out, one step to each side of the limit. It is refused in zone files, in the
 * generic form too, and is well formed on the wire: a zone that was transferred can have it.
 */
import { describe, expect, test } from 'vitest';
import { checkRdata } from '../../../src/protocol/rdata/wire.js';
import { fromHex, hex, scan, typeNumber } from './support.js';

const octets = (count: number): string => 'ab'.repeat(count);
const base64 = (digits: string): string => Buffer.from(digits, 'hex').toString('base64');
const generic = (digits: string): string => `\\# ${digits.length / 2} ${digits}`;
const rrsig = (labels: number, signer: string): string =>
  `A 13 ${labels} 60 20360101000000 20260101000000 1 ${signer} AAAA`;

describe('is taken', () => {
  test.each([
    ['SSHFP', `1 1 ${octets(20)}`],
    ['SSHFP', `1 2 ${octets(32)}`],
    ['SSHFP', `1 3 ${octets(1)}`],
    ['NSEC', 'a NSEC'],
    ['NSEC3', '1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S'],
    ['NSEC3', '2 0 0 - 2VPTU5TI'],
    ['DNSKEY', `257 3 253 ${base64('0161016200')}`],
    ['DNSKEY', `257 3 254 ${base64('06062b0601040105cc')}`],
    ['DNSKEY', `257 3 254 ${base64('0106')}`],
    ['CDNSKEY', '0 3 0 AA=='],
    ['KEY', '49152 3 13'],
    ['KEY', '256 3 13 AA=='],
    ['KEY', '32768 3 13 AA=='],
    ['RKEY', '0 3 13 AA=='],
    ['RRSIG', rrsig(2, 'a.example.')],
    ['RRSIG', rrsig(0, '.')],
    ['IPSECKEY', '1 0 0 .'],
    ['IPSECKEY', '1 3 2 gateway AA=='],
    ['X25', '3110'],
    ['LOC', '42 N 71 W 0m 0m 0m 0m'],
    ['WKS', '192.0.2.1 6'],
    ['WKS', '192.0.2.1 6 0 7'],
    ['NXT', 'a TYPE1 TYPE127'],
    ['NXT', 'a'],
    ['NAPTR', '1 1 "" "" "" a'],
    ['NAPTR', '1 1 "U" "E2U+sip" "!^.*$!sip:info@example.com!" .'],
    ['SVCB', '1 a dohpath=/q{?a,dns:3,b}'],
  ])('%s %s', (type, text) => {
    const rdata = scan(type, text);
    expect(hex(scan(type, generic(hex(rdata))))).toBe(hex(rdata));
  });
});

describe('is refused', () => {
  test.each([
    ['SSHFP', `0101${octets(19)}`, 'a fingerprint of 19 octets; one of type 1 has 20'],
    ['SSHFP', `0401${octets(21)}`, 'a fingerprint of 21 octets; one of type 1 has 20'],
    ['SSHFP', `0102${octets(20)}`, 'a fingerprint of 20 octets; one of type 2 has 32'],
    ['NSEC', '016100', 'no types; an NSEC record lists at least NSEC and RRSIG'],
    ['NSEC3', '01000000000103', 'a next hashed owner of 1 octets; one of algorithm 1 has 20'],
    ['DNSKEY', '010103fdc3aabb', 'a key of algorithm 253 that does not begin with a domain name'],
    ['DNSKEY', '010103fd0161', 'a key of algorithm 253 that does not begin with a domain name'],
    ['CDNSKEY', '010103fe00', 'a key of algorithm 254 that does not begin with an OID'],
    ['DNSKEY', '010103fe022b', 'a key of algorithm 254 that does not begin with an OID'],
    ['KEY', 'c001030daa', 'a key although its flags say that there is none'],
    ['KEY', '0100030d', 'no key although its flags say that there is one'],
    ['KEY', '8000030d', 'no key although its flags say that there is one'],
    ['KEY', '010003fd05', 'a key of algorithm 253 that does not begin with a domain name'],
    ['RKEY', '0100030daa', 'flags of 256, which are reserved; expected 0'],
    ['RRSIG', '00010d010000003c7c2e3f80694d7f8000010161016200aa', 'an owner of 1 labels; its signer alone has 2'],
    ['IPSECKEY', '010002', 'no key; only algorithm 0 has none, not 2'],
    ['IPSECKEY', '010302016100', 'no key; only algorithm 0 has none, not 2'],
    ['IPSECKEY', `010202${octets(16)}`, 'no key; only algorithm 0 has none, not 2'],
    ['X25', '03333131', 'an address other than 4 or more digits'],
    ['X25', '0433313161', 'an address other than 4 or more digits'],
    ['LOC', '0002161380000000800000000098 9680'.replace(' ', ''), 'a size or precision of zero with an exponent'],
    ['LOC', '00121602800000008000000000989680', 'a size or precision of zero with an exponent'],
    ['WKS', 'c00002010600', 'a bitmap that ends in a zero octet'],
    ['NXT', '016100c0', 'type 0 in its bitmap'],
    ['NAPTR', '00010001000001 21 00'.replaceAll(' ', ''), 'a regular expression without its three delimiters'],
  ])('%s %s', (type, digits, reason) => {
    expect(() => scan(type, generic(digits))).toThrow(`found ${type} with ${reason}`);
    expect(checkRdata(typeNumber(type), fromHex(digits), 0, digits.length / 2)).toBeUndefined();
  });

  test('in presentation format, too', () => {
    expect(() => scan('SSHFP', '1 1 aabb')).toThrow('found SSHFP with a fingerprint of 2 octets');
    expect(() => scan('NSEC', 'a')).toThrow('found NSEC with no types');
    expect(() => scan('KEY', '256 3 13')).toThrow('found KEY with no key');
  });

  test.each([
    '/q',
    'q{?dns}',
    '/q{?x-dns}',
    '/q{?dnsx}',
    '/q{?DNS}',
    '/q{?dns',
    '/q}{?dns}',
    '/q{?dns:x}',
    '/q{{?dns}}',
  ])('dohpath=%s', (path) =>
    expect(() => scan('SVCB', `1 a dohpath=${path}`)).toThrow('expected dohpath with a path with the variable dns'),
  );
});
