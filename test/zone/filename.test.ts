import { describe, expect, test } from 'vitest';
import { nameToText } from '../../src/protocol/name.js';
import { originOfFile } from '../../src/zone/filename.js';

describe('originOfFile', () => {
  test.each([
    ['example.com.zone', 'example.com.'],
    ['example.com..zone', 'example.com.'],
    ['zones/sub.d/Example.COM.zone', 'Example.COM.'],
    ['example.com', 'example.com.'],
    ['0%2F25.2.0.192.in-addr.arpa.zone', '0/25.2.0.192.in-addr.arpa.'],
    ['0%2f25.2.0.192.in-addr.arpa.zone', '0/25.2.0.192.in-addr.arpa.'],
    ['a%5C.b.zone', 'a\\.b.'],
    ['%FF%20.zone', '\\255\\032.'],
    ['%C3%A4.zone', '\\195\\164.'],
    ['@.zone', '.'],
    ['..zone', '.'],
    ['_dns.example.zone', '_dns.example.'],
  ])('%s is %s', (file, name) => expect(nameToText(originOfFile(file))).toBe(name));

  test.each([
    ['a%2.zone', /found a file called "a%2.zone", expected .*: "%" is not followed by two hexadecimal digits/],
    ['a%zz.zone', /is not followed by two hexadecimal digits/],
    ['a...zone', /it has an empty label/],
    ['.zone', /it is empty/],
    [`${'a'.repeat(64)}.zone`, /longer than 63 octets/],
    [`${'abcdefg.'.repeat(32)}zone`, /longer than 255 octets/],
  ])('%s is an error', (file, message) =>
    expect(() => originOfFile(file)).toThrow(
      expect.objectContaining({ code: 'ADOTD_PRESENTATION', message: expect.stringMatching(message) }),
    ),
  );
});
