import { describe, expect, test } from 'vitest';
import { rdataToText } from '../../../src/protocol/rdata/print.js';
import { ROWS } from '../../../src/protocol/rdata/rows.js';
import { scanRdata } from '../../../src/protocol/rdata/scan.js';
import { isMetaType, typeToText } from '../../../src/protocol/rdata/table.js';
import { checkRdata, readRdata } from '../../../src/protocol/rdata/wire.js';
import { Tokens, ZoneSyntaxError } from '../../../src/protocol/tokens.js';
import { cases } from './cases.js';
import { fromHex, hex, ORIGIN, scan, typeNumber } from './support.js';

describe('presentation format and back', () => {
  test.each(cases)('$type $text', ({ type, text, wire, printed }) => {
    expect(hex(scan(type, text))).toBe(wire);
    expect(rdataToText(typeNumber(type), fromHex(wire))).toBe(printed);
    expect(hex(scan(type, printed))).toBe(wire);
    expect(checkRdata(typeNumber(type), fromHex(wire), 0, wire.length / 2)).toBeUndefined();
    expect(hex(readRdata(typeNumber(type), fromHex(wire), 0, wire.length / 2))).toBe(wire);
  });

  test.each(cases)('generic form of $type $text', ({ type, wire }) => {
    expect(hex(scan(type, `\\# ${wire.length / 2} ${wire}`))).toBe(wire);
  });

  test('every type with fields has a case', () => {
    const covered = new Set(cases.map((one) => typeNumber(one.type)));
    const missing = ROWS.filter((row) => row.fields !== undefined && !covered.has(row.type));
    expect(missing.map((row) => row.mnemonic)).toEqual([]);
  });
});

describe('refused with what was found and what was expected', () => {
  const LONG = 'a'.repeat(256);
  test.each<readonly [type: string, text: string, message: RegExp]>([
    ['A', '300.1.1.1', /^found "300\.1\.1\.1", expected an IPv4 address such as 192\.0\.2\.1$/],
    ['A', '192.0.2.01', /expected an IPv4 address/],
    ['A', '192.0.2', /expected an IPv4 address/],
    ['A', '192.0.2.1.', /expected an IPv4 address/],
    ['A', '', /^found the end of the record, expected the address: an IPv4 address/],
    ['A', '192.0.2.1 x', /^found "x", expected the end of the A record$/],
    ['AAAA', '1:2:3:4:5:6:7:8::', /expected an IPv6 address such as 2001:db8::1$/],
    ['AAAA', '12345::', /expected an IPv6 address/],
    ['AAAA', '1::2::3', /expected an IPv6 address/],
    ['AAAA', ':::', /expected an IPv6 address/],
    ['AAAA', '1:2:3:4:5:6:7:', /expected an IPv6 address/],
    ['AAAA', '::192.0.2.1:1', /expected an IPv6 address/],
    ['AAAA', '192.0.2.1', /expected an IPv6 address/],
    ['NS', 'a..b', /^found "a\.\.b", expected a domain name: it has an empty label$/],
    ['NS', '.a', /empty label/],
    ['NS', '""', /^found "", expected a domain name: it is empty$/],
    ['NS', '\\256', /three digits up to 255/],
    ['NS', '\\1', /three digits up to 255/],
    ['NS', 'a'.repeat(64), /a label of 64 octets, more than 63/],
    ['NS', `${'a.'.repeat(127)}b.`, /it has 257 octets, more than 255/],
    ['NS', 'a.'.repeat(124).slice(0, -1), /with its origin it has 257 octets, more than 255/],
    ['MX', '65536 a', /^found "65536", expected a number from 0 to 65535$/],
    ['MX', '-1 a', /expected a number from 0 to 65535/],
    ['MX', '10', /^found the end of the record, expected the exchange: a domain name$/],
    ['SOA', 'a b 1 2 3 4 1h30', /expected a number of seconds, or a time with units such as 1h30m/],
    ['SOA', 'a b 1 2 3 4 1x', /units such as 1h30m/],
    ['SOA', 'a b 4294967296 2 3 4 5', /expected a number from 0 to 4294967295/],
    ['SOA', 'a b 1 2 3 4 9999w', /units such as 1h30m/],
    ['TXT', '', /^found the end of the record, expected a character-string/],
    ['TXT', `"${LONG}"`, /^found a string of 256 octets, expected at most 255$/],
    ['TXT', '"\\9"', /three digits up to 255/],
    ['HINFO', 'PC', /expected the OS/],
    ['DS', '1 8 2 aabb', /^found 2 octets in hexadecimal, expected 32$/],
    ['DS', '1 8 9', /^found the end of the record, expected an even number of hexadecimal digits$/],
    ['DS', '1 8 9 abc', /^found an odd number of hexadecimal digits/],
    ['DS', '1 8 9 xy', /^found "xy", expected an even number of hexadecimal digits$/],
    ['DS', '1 RSA 2 aa', /expected a DNSSEC algorithm: a number from 0 to 255 or a mnemonic such as ECDSAP256SHA256/],
    ['DNSKEY', '257 3 8', /expected base64$/],
    ['DNSKEY', '257 3 8 AQM', /^found base64 that ends in the middle of an octet/],
    ['DNSKEY', '257 3 8 AQN=', /^found base64 that ends in the middle of an octet/],
    ['DNSKEY', '257 3 8 AR==', /^found base64 that ends in the middle of an octet/],
    ['DNSKEY', '257 3 8 AQ==AQ==', /expected base64$/],
    ['RRSIG', 'A 8 2 3600 20400230000000 0 1 e. AQMF', /expected a time YYYYMMDDHHMMSS/],
    ['RRSIG', 'A 8 2 3600 4294967296 0 1 e. AQMF', /expected a time YYYYMMDDHHMMSS/],
    ['RRSIG', 'FOO 8 2 3600 0 0 1 e. AQMF', /^found "FOO", expected a record type such as A or TYPE65280$/],
    ['NSEC', 'a TYPE65536', /^found "TYPE65536", expected a record type/],
    ['NSEC3', '1 0 0 "" 2t7b4g4v', /expected a salt in hexadecimal, or "-" for none/],
    ['NSEC3', '1 0 0 - 2t7b4g4w', /expected base32hex/],
    ['NSEC3', '1 0 0 - 2t7', /expected base32hex without padding of 1 to 255 octets/],
    ['NSEC3', '1 0 0 - 2', /expected base32hex without padding of 1 to 255 octets/],
    ['NSEC3', `1 0 0 ${'00'.repeat(256)} 2t7b4g4v`, /^found a salt of 256 octets, expected at most 255$/],
    ['NXT', 'a TYPE200', /expected a record type/],
    ['CAA', '0 is-sue x', /^found "is-sue", expected a tag of letters and digits such as issue$/],
    ['CAA', '256 issue x', /expected a number from 0 to 255/],
    ['LOC', '91 N 0 E 0', /expected a latitude such as 51 30 12\.748 N/],
    ['LOC', '90 0 0.001 N 0 E 0', /expected a latitude/],
    ['LOC', '60 60 N 0 E 0', /expected a latitude/],
    ['LOC', '0 N 0 0 60 E 0', /expected a longitude such as 0 7 39\.611 W/],
    ['LOC', '0 N 0 E -100000.01', /expected an altitude from -100000\.00m to 42849672\.95m/],
    ['LOC', '0 N 0 E 0 90000000.01', /expected a size or precision from 0m to 90000000\.00m/],
    ['LOC', '0 N 0 E', /^found the end of the record, expected an altitude/],
    ['APL', '1:10.0.0.0/33', /expected an address prefix such as 1:192\.0\.2\.0\/24/],
    ['APL', '3:10/1', /families 1 and 2 only/],
    ['APL', '1', /expected an address prefix/],
    ['IPSECKEY', '10 4 2 x', /^found gateway type 4, expected 0 to 3/],
    ['IPSECKEY', '10 0 2 0', /^found "0", expected "\." \(no gateway\)$/],
    ['AMTRELAY', '10 2 0 .', /expected the discovery bit, 0 or 1/],
    ['AMTRELAY', '10 0 4 .', /expected a relay type from 0 to 3/],
    ['A6', '129 ::', /expected a prefix length from 0 to 128/],
    ['A6', '0 :: a', /expected no prefix name/],
    ['A6', '64 1::1 a', /expected an IPv6 address whose prefix bits are 0/],
    ['WKS', '192.0.2.1 ABC', /expected a protocol/],
    ['WKS', '192.0.2.1 6 65536', /expected a port from 0 to 65535/],
    ['HIP', '2 "" AQMF', /^found a tag of 0 octets, expected 1 to 255$/],
    ['HIP', '2 aa', /expected a public key in base64/],
    ['NSAP', '47.00', /expected an NSAP address/],
    ['ATMA', '+12x', /expected an ATM address/],
    ...['+.358', '+358.', '+3..5', '.39', '39.', '3..9', '.', '+.'].map(
      (text) => ['ATMA', text, /single dots/] as const,
    ),
    ['DOA', '0 1 2 "" "-"', /expected base64 or "-", without quotes/],
    ['DOA', '0 1 2 "" "AAAA"', /expected base64 or "-", without quotes/],
    ['IPN', '1.4294967296', /expected a number from 0 to 18446744073709551615/],
    ['IPN', '1.', /expected a number from 0/],
    ['WKS', '192.0.2.1 tcp nosuch', /expected a port from 0 to 65535, or a service/],
    ['SVCB', '1 . docpath=a,,b', /expected docpath with the segments of a path/],
    ['SVCB', '1 . pvd=x', /expected pvd with no value/],
    ...['', 'do53', 'do53:', ':5', 'do53:101', 'do53:x', 'do53:05', 'dot:1,dot:2', 'DOT:1'].map(
      (text) => ['SVCB', `1 . oots="${text}"`, /expected oots with a list of different transports/] as const,
    ),
    ['SVCB', '\\# 10 0001 00 000c 0003 01 61 65', /found malformed RDATA/],
    ['EUI48', '00:00:5e:00:53:2a', /expected an EUI-48 address/],
    ['EUI48', '0-00-5e-00-53-2a', /expected an EUI-48 address/],
    ['NID', '1 1:2:3', /expected four groups/],
    ['NID', '1 1:2:3:4:5', /expected four groups/],
    ['IPN', '18446744073709551616', /expected a number from 0 to 18446744073709551615/],
    ['ZONEMD', '1 1 1 aabb', /expected 48$/],
    ['ZONEMD', '1 1 200 aabb', /expected at least 12$/],
    ['TXT', '\\#', /expected the length of the RDATA, from 0 to 65535/],
    ['TXT', '\\# 65536 00', /expected the length of the RDATA/],
    ['TXT', '\\# 0', /^found malformed RDATA of type TXT: the octets from 0 on are no valid text$/],
    ['A', '\\# 5 0102030405', /^found malformed RDATA of type A: 1 octet follows its last field$/],
    ['A', '\\# 3 01020304', /^found 4 octets in hexadecimal, expected 3 as the length says$/],
    ['MX', '\\# 4 000a0161', /from 2 on are no valid exchange/],
    ['TYPE1000', 'abc', /^found "abc", expected \\# and the RDATA in generic form/],
    ['NULL', '', /^found the end of the record, expected \\#/],
  ])('%s %s', (type, text, message) => {
    expect(() => scan(type, text)).toThrow(message);
    expect(() => scan(type, text)).toThrow(ZoneSyntaxError);
  });

  test.each(['ANY', 'AXFR', 'IXFR', 'OPT', 'TSIG', 'TKEY', 'MAILA', 'MAILB', 'NXNAME', 'TYPE0', 'TYPE200'])(
    '%s, which no zone can hold',
    (type) => {
      expect(isMetaType(typeNumber(type))).toBe(true);
      expect(() => scan(type, '\\# 0')).toThrow(
        `found type ${typeToText(typeNumber(type))}, which is for messages only`,
      );
    },
  );

  test('names of 255 octets are read, names of 256 are not', () => {
    const name = `${'a'.repeat(63)}.`.repeat(3);
    expect(scan('NS', `${name}${'a'.repeat(61)}.`)).toHaveLength(255);
    expect(() => scan('NS', `${name}${'a'.repeat(62)}.`)).toThrow(/it has 256 octets, more than 255$/);
    expect(scan('NS', `${name}${'a'.repeat(53)}`)).toHaveLength(255);
    expect(() => scan('NS', `${name}${'a'.repeat(54)}`)).toThrow(/with its origin it has 256 octets, more than 255$/);
  });

  test('RDATA of more than 65,535 octets', () => {
    expect(() => scan('TXT', `${'"" '.repeat(65_536)}`)).toThrow(
      /^found RDATA of 65536 octets, expected at most 65535$/,
    );
    expect(scan('TXT', `${'"" '.repeat(65_535)}`)).toHaveLength(65_535);
    expect(() => scan('OPENPGPKEY', 'AAAA'.repeat(100_000))).toThrow(/^found RDATA of 300000 octets/);
    expect(() => scan('SVCB', `1 . key9999=${'a'.repeat(65_530)}`)).toThrow(/more than 65535 octets/);
    expect(() => scan('NS', 'a'.repeat(1_000_000))).toThrow(/^found "a{60}…", expected a domain name/);
  });

  test('at the place of the token at fault', () => {
    const tokens = new Tokens(Buffer.from('( 10\n  a..b )\n'), 'test.zone');
    tokens.nextEntry();
    const place = { line: 2, column: 3 };
    expect(() => scanRdata(15, tokens, ORIGIN, new Uint8Array(70_000), 0)).toThrow(expect.objectContaining(place));
  });
});
