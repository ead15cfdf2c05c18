import { describe, expect, test } from 'vitest';
import { nameToText } from '../../src/protocol/name.js';
import { isZoneFileName, originOfFile } from '../../src/zone/filename.js';

describe('isZoneFileName', () => {
  test.each(['example.test.zone', '@.zone', 'zone.zone', '#.zone', '~a.zone', 'a b.zone'])('%s is one', (name) =>
    expect(isZoneFileName(name)).toBe(true),
  );
  test.each([
    ['of Emacs, a lock', '.#example.test.zone'],
    ['of Emacs, unsaved changes', '#example.test.zone#'],
    ['of Emacs, backups', 'example.test.zone~'],
    ['of Emacs, numbered backups', 'example.test.zone.~1~'],
    ['of vi', '.example.test.zone.swp'],
    ['of macOS', '._example.test.zone'],
    ['of rsync', '.example.test.zone.a8Xk2Q'],
    ['of NFS', '.nfs000000000000a1b20000c3d4'],
    ['of Kubernetes', '..data'],
    ['with a dot before a name', '.example.test.zone'],
    ['without a name', '.zone'],
    ['without an ending', 'example.test'],
    ['with another ending', 'example.test.zones'],
  ])('%s: %s is none', (_, name) => expect(isZoneFileName(name)).toBe(false));
});

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
