import { describe, expect, it } from 'vitest';
import { ClientError, ClientErrorCode } from '../../../src/client/errors.js';
import { textToType } from '../../../src/client/wire/mnemonics.js';
import { readRdata } from '../../../src/client/wire/rdata/table.js';
import { cases } from '../../protocol/rdata/cases.js';

const read = (type: number, hex: string) => {
  const octets = Buffer.from(hex, 'hex');
  return readRdata(type, octets, 0, octets.length);
};

describe('the RDATA of the client', () => {
  it.each(cases.filter(({ type }) => !/^(TYPE|CLASS)/.test(type)).map((one) => [one.type, one] as const))(
    '%s reads as the zone file said',
    (type, one) => {
      const { text, rdata } = read(textToType(type) ?? 0, one.wire);
      expect(text).toBe(one.printed);
      expect(Buffer.from(rdata).toString('hex')).toBe(one.wire);
    },
  );

  it('of unknown types is printed as in RFC 3597', () => {
    expect(read(65280, '0a0b0c').text).toBe('\\# 3 0A0B0C');
    expect(read(65280, '').text).toBe('\\# 0');
  });

  it.each([
    [
      'hmac-sha256.',
      '0b686d61632d73686132353600',
      '00006b0e1edd012c0004aabbccdd246a00000000',
      '1796087517 300 4 qrvM3Q== 9322 NOERROR 0',
    ],
    [
      'hmac-sha1.',
      '09686d61632d7368613100',
      '00000000000100000000ffff001200060000000000ff',
      '1 0 0 65535 BADTIME 6 AAAAAAD/',
    ],
    ['.', '00', '00000000000000000000000000630000', '0 0 0 0 99 0'],
  ])('of TSIG is printed as dig does: %s', (algorithm, name, rest, text) => {
    expect(read(250, `${name}${rest}`).text).toBe(`${algorithm} ${text}`);
  });

  it('that was cut off anywhere, or goes on, is malformed or reads as something else', () => {
    const codes = new Set<unknown>();
    for (const { type, wire } of cases) {
      for (let end = 0; end <= wire.length + 2; end += 2) {
        try {
          read(textToType(type) ?? 0, `${wire}00`.slice(0, end));
        } catch (error) {
          codes.add(error instanceof ClientError ? error.code : error);
        }
      }
    }
    expect([...codes]).toEqual([ClientErrorCode.MALFORMED]);
  });

  it.each([
    [1, 'c00002', /has 3 octets, expected 4/],
    [1, 'c000020101', /has 5 octets, expected 4/],
    [28, '20010db8', /ends 12 octets too early/],
    [2, 'c000', /compressed name|not backwards/],
    [39, '016103c00c', /label|compressed/],
    [16, '05616263', /ends 2 octets too early/],
    [47, '00000100', /malformed type bitmap/],
    [64, '00010000010002', /ends 2 octets too early/],
    [64, '00010000030002003500010000', /not in rising order/],
    [45, '0a0402', /gateway of unknown type 4/],
    [42, '0001210400000000', /prefix length of 33/],
    [250, '00000000000000000000100000', /too early/],
    [257, '00012d', /tag that is not/],
  ])('of type %i, %s, is malformed', (type, hex, reason) => {
    expect(() => read(type, hex)).toThrow(reason);
  });
});
