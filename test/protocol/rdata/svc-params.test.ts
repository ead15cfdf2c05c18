import { describe, expect, test } from 'vitest';
import { rdataToText } from '../../../src/protocol/rdata/print.js';
import { checkRdata } from '../../../src/protocol/rdata/wire.js';
import { fromHex, hex, scan } from './support.js';

const SVCB = 64;

describe('test vectors of RFC 9460 appendix D', () => {
  test.each([
    ['0 foo.example.com.', '0000 03666f6f076578616d706c6503636f6d00'],
    ['1 .', '0001 00'],
    ['16 foo.example.com. port=53', '0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035'],
    ['1 foo.example.com. key667=hello', '0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f'],
    [
      '1 foo.example.com. key667="hello\\210qoo"',
      '0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f',
    ],
    [
      '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
      '0001 03666f6f076578616d706c6503636f6d00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001',
    ],
    [
      '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
      '0001 076578616d706c6503636f6d00 0006 0010 20010db80122034400000000c0000221',
    ],
    [
      '16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)',
      '0010 03666f6f076578616d706c65036f726700 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201',
    ],
    [
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      '0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832',
    ],
    [
      '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
      '0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832',
    ],
  ])('%s', (text, wire) => {
    expect(hex(scan('SVCB', text))).toBe(wire.replaceAll(' ', ''));
    expect(hex(scan('SVCB', rdataToText(SVCB, fromHex(wire))))).toBe(wire.replaceAll(' ', ''));
  });

  test.each([
    ['key123=abc key123=def', /malformed service parameters: key123 is given twice/],
    ['mandatory', /expected mandatory with a list of different keys/],
    ['alpn=', /expected alpn with a list of protocols/],
    ['port', /expected port with a port from 0 to 65535/],
    ['ipv4hint', /expected ipv4hint with a list of IPv4 addresses/],
    ['ipv6hint', /expected ipv6hint with a list of IPv6 addresses/],
    ['alpn=h2 no-default-alpn=abc', /expected no-default-alpn with no value/],
    ['mandatory=key123', /key123 is mandatory, but missing/],
    ['mandatory=mandatory', /expected mandatory with a list/],
    ['mandatory=key123,key123 key123=abc', /expected mandatory with a list of different keys/],
  ])('failure: %s', (parameters, message) => {
    expect(() => scan('SVCB', `1 foo.example.com. ${parameters}`)).toThrow(message);
  });
});

test.each([
  ['no-default-alpn', /no-default-alpn is there without alpn/],
  ['port=65536', /expected port with/],
  ['ech=!!', /expected ech with base64/],
  ['ech=AA', /expected ech with base64/],
  ['dohpath=/x', /expected dohpath with a path with the variable dns/],
  ['ohttp=1', /expected ohttp with no value/],
  ['tls-supported-groups=29,29', /expected tls-supported-groups with a list of different/],
  ['ipv4hint=192.0.2.1,', /expected ipv4hint/],
  ['alpn=a,,b', /expected alpn/],
  ['alpn=a\\\\b', /expected alpn/],
  ['key667="a"b"', /expected a blank behind the closing quote/],
  ['alpn="h2', /expected a closing quote/],
  ['ALPN=h2', /^found "ALPN=h2", expected a service parameter key: mandatory, alpn/],
  ['key03=a', /expected a service parameter key/],
  ['key65536=a', /expected a service parameter key/],
  ['key3=\\000', /the value of port is malformed/],
  ['key1=\\003h2', /the value of alpn is malformed/],
])('%s is refused', (parameters, message) => {
  expect(() => scan('SVCB', `1 . ${parameters}`)).toThrow(message);
});

test.each([
  ['0001 00 0003 0002 0035 0001 0003 026832', 'keys not in rising order'],
  ['0001 00 0003 0002 0035 0003 0002 0035', 'a key twice'],
  ['0001 00 0003 0003 0035', 'a value longer than the RDATA'],
  ['0001 00 0003 00', 'a key cut off'],
  ['0001 00 0001 0000', 'alpn without a protocol'],
  ['0001 00 0004 0003 c00002', 'ipv4hint that is not a multiple of four octets'],
  ['0001 00 0000 0004 0003 0001 0001 0003 026832 0003 0002 0035', 'mandatory not in rising order'],
])('wire format %s: %s', (wire) => {
  const rdata = fromHex(wire);
  expect(checkRdata(SVCB, rdata, 0, rdata.length)).toMatch(/from 3 on are no valid parameters/);
  expect(rdataToText(SVCB, rdata)).toMatch(/^\\# /);
});
