import { describe, expect, test } from 'vitest';
import { encodingOf } from '../../src/zone/mistakes/encoding.js';
import { read } from './read.js';

const ZONE = '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nt TXT "Grüße; aus" ; €\n';

/** UTF-16 in the other order of octets. */
const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

describe('encodings of zone files', () => {
  test.each([
    [
      'UTF-16LE',
      Buffer.from(`\ufeff${ZONE}`, 'utf16le'),
      /^1:1: found text in UTF-16LE, .* iconv -f UTF-16LE -t UTF-8/,
    ],
    ['UTF-16BE', swapped(`\ufeff${ZONE}`), /^1:1: found text in UTF-16BE, .* iconv -f UTF-16BE -t UTF-8/],
    ['UTF-16LE', Buffer.from(ZONE, 'utf16le'), /UTF-16LE/],
    ['UTF-16BE', swapped(ZONE), /UTF-16BE/],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${ZONE}`), /^1:1: found UTF-8 with a byte order mark/],
    ['CR line ends', Buffer.from(ZONE.replaceAll('\n', '\r')), /^1:1: found lines that end in CR alone, .* tr /],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex'), /^1:1: found a compressed file \(gzip\), .* gunzip/],
    [
      'not UTF-8',
      Buffer.from(ZONE.replace('€', 'x'), 'latin1'),
      /^5:10: warning: found octet 0xFC, .* iconv -f ISO-8859-1/,
    ],
  ])('%s is named once, with the remedy', (encoding, bytes, message) => {
    expect(encodingOf(bytes)).toBe(encoding);
    const { messages } = read(bytes);
    expect(messages).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    ['UTF-8', Buffer.from(ZONE)],
    ['CRLF', Buffer.from(ZONE.replaceAll('\n', '\r\n'))],
    ['an empty file', Buffer.alloc(0)],
    ['two octets', Buffer.from('a\0')],
    ['one line without an end', Buffer.from('a 1 A 192.0.2.1')],
    ['one line that ends in CR', Buffer.from('a 1 A 192.0.2.1\r')],
    ['one NUL among text', Buffer.from('a 1 A 192.0.2.1\0\n')],
  ])('%s is none of them', (_, bytes) => expect(encodingOf(bytes)).toBeUndefined());

  test('Latin-1 in comments does no harm', () => {
    const text = Buffer.from('; \xe4\na 1 TXT "x\\"; y" ; \xf6\n', 'latin1');
    expect(encodingOf(text)).toBe('not UTF-8');
    expect(read(text).messages).toEqual([]);
  });

  test.each([
    ['a cut character', [0x61, 0x20, 0xe2, 0x82], '1:3'],
    ['a character too long', [0x61, 0x0a, 0x22, 0x3b, 0xf8, 0x88], '2:3'],
    ['an escaped octet', [0x5c, 0xff], '1:2'],
  ])('%s is found at its place', (_, octets, place) =>
    expect(read(Uint8Array.from(octets)).messages[0]).toMatch(new RegExp(`^${place}: warning: found octet`)),
  );

  test.each([
    ['{\n  "ResourceRecordSets": [', /^1:1: found JSON, .* adotd import/],
    ['[ { "Name": "example.com."', /^1:1: found JSON/],
    ['<!DOCTYPE html><html>', /^1:1: found a web page/],
    ['\n<html lang="en">', /^1:1: found a web page/],
  ])('%j is no zone file', (text, message) => expect(read(text).messages).toEqual([expect.stringMatching(message)]));

  test.each(['{ 1 A 192.0.2.1', '[ 1 A 192.0.2.1', '<html 1 A 192.0.2.1', '{} 1 A 192.0.2.1'])(
    '%j is a record',
    (text) => expect(read(text).records).toHaveLength(text.startsWith('<') ? 0 : 1),
  );

  test('an included file is judged as well', () => {
    const { records, messages } = read('a 1 A 192.0.2.1\n$INCLUDE sub\nb 1 A 192.0.2.2\n', { sub: '\xff\xfea\0' });
    expect(messages).toEqual([expect.stringMatching(/^sub:1:1: found text in UTF-16LE/)]);
    expect(records).toHaveLength(2);
  });
});
