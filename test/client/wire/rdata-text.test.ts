import { describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { textToType } from '../../../src/client/wire/mnemonics.js';
import { rdataFromText, rdataFromWords } from '../../../src/client/wire/rdata/from-text.js';
import { WordError, wordsOf } from '../../../src/client/wire/rdata/rdata-words.js';
import { fieldsOf, readRdata } from '../../../src/client/wire/rdata/table.js';
import { cases } from '../../protocol/rdata/cases.js';

/** Types whose RDATA is given in the form of RFC 3597 only. */
const GENERIC = ['A6', 'AMTRELAY', 'APL', 'ATMA', 'HIP', 'IPSECKEY', 'LOC', 'NSAP', 'WKS'];
const known = cases.map(({ type, wire }) => ({ type, number: textToType(type)!, wire: Buffer.from(wire, 'hex') }));

function placeOf(type: string, text: string): [number, string] {
  try {
    rdataFromWords(textToType(type)!, wordsOf(text), text.length);
    return [-1, ''];
  } catch (error) {
    if (error instanceof WordError) return [error.at, error.message];
    throw error;
  }
}

describe('RDATA from presentation format', () => {
  it.each(known.filter(({ type, number }) => !GENERIC.includes(type) && fieldsOf(number) !== undefined))(
    'is what the printed text of a $type record says',
    ({ number, wire }) => {
      const { text, rdata } = readRdata(number, wire, 0, wire.length);
      expect(Buffer.from(rdataFromText(number, text)).toString('hex')).toBe(Buffer.from(rdata).toString('hex'));
    },
  );

  it.each(known)('may be in the form of RFC 3597: $type', ({ number, wire }) => {
    expect(Buffer.from(rdataFromText(number, `\\# ${wire.length} ${wire.toString('hex')}`))).toEqual(Buffer.from(wire));
  });

  it('of other types has to be in that form, and says so', () => {
    for (const type of [...GENERIC, 'TYPE65280'])
      expect(placeOf(type, '1')[1]).toBe(`the data of ${type} has to be written as \\# LENGTH HEXADECIMAL (RFC 3597)`);
  });

  it.each([
    ['A', '192.0.2', 0, 'found 192.0.2, expected an IPv4 address'],
    ['A', '192.0.2.1 more', 10, 'found more behind the last field of A'],
    ['AAAA', '192.0.2.1', 0, 'found 192.0.2.1, expected an IPv6 address'],
    ['MX', '10', 2, 'found the end of the record, expected a domain name'],
    ['MX', 'ten www.example.', 0, 'found ten, expected a number from 0 to 65535'],
    ['MX', '10  a..b', 4, 'found a..b, expected a domain name: "a..b" is no domain name: it has an empty label'],
    ['TXT', '"a', 0, 'found a quotation mark that is not closed'],
    ['TXT', 'x'.repeat(256), 0, `found ${'x'.repeat(256)}, expected at most 255 octets`],
    ['TXT', 'a \\999', 2, 'found \\999, expected escapes from \\000 to \\255'],
    ['TLSA', '3 1 1 8cb0X', 6, 'found 8cb0X, expected pairs of hexadecimal digits'],
    ['HTTPS', '1 . alpn=h2 alpn=h3', 12, 'found alpn=h3, expected alpn once'],
    ['HTTPS', '1 . colour=red', 4, 'found colour=red, expected a parameter such as alpn=h2 or key123=…'],
    ['CAA', '0 is-sue "x"', 2, 'found is-sue, expected a tag of letters and digits'],
    ['DNSKEY', '257 3 13 ****', 9, 'found ****, expected octets in base64'],
    ['A', '\\# 4 c00002', 5, 'found c00002, expected 4 octets in hexadecimal, as the length says'],
  ])('with a mistake in %s %s is refused at its place', (type, text, at, message) => {
    expect(placeOf(type, text)).toEqual([at, message]);
  });

  it('is an error of the caller in the library', () => {
    expect(() => rdataFromText(1, 'nowhere')).toThrow(
      expect.objectContaining({
        code: ClientErrorCode.INPUT,
        message: 'A nowhere: found nowhere, expected an IPv4 address',
      }),
    );
  });
});
