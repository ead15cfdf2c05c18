import { describe, expect, it } from 'vitest';
import { type LineDefaults, readCommand } from '../../../src/cli/update/update-command.js';
import { ClientError } from '../../../src/client/errors.js';
import { WordError } from '../../../src/client/wire/rdata/rdata-words.js';

const DEFAULTS: LineDefaults = { class: 1, ttl: undefined };
const read = (line: string, defaults = DEFAULTS) => readCommand(line, defaults);
const record = (name: string, type: number, classNumber: number, ttl: number, hex = '') => ({
  name,
  type,
  class: classNumber,
  ttl,
  rdata: Uint8Array.from(Buffer.from(hex, 'hex')),
});

describe('a command of adotd update', () => {
  it.each([
    ['server 192.0.2.1', { kind: 'server', address: '192.0.2.1', port: undefined }],
    ['server ns1.example 5353', { kind: 'server', address: 'ns1.example', port: 5353 }],
    ['ZONE example.', { kind: 'zone', name: 'example.' }],
    ['class ch', { kind: 'class', class: 3 }],
    ['ttl 1h30m', { kind: 'ttl', ttl: 5400 }],
    ['ttl none', { kind: 'ttl', ttl: undefined }],
    [
      'key k.example. YWJj',
      { kind: 'key', key: { name: 'k.example.', algorithm: 'hmac-sha256', secret: Buffer.from('abc') } },
    ],
    [
      'key HMAC-SHA512:k.example. YWJj',
      { kind: 'key', key: { name: 'k.example.', algorithm: 'hmac-sha512', secret: Buffer.from('abc') } },
    ],
    ['prereq nxdomain a.example.', { kind: 'prerequisite', record: record('a.example.', 255, 254, 0) }],
    ['yxdomain a.example.', { kind: 'prerequisite', record: record('a.example.', 255, 255, 0) }],
    ['prereq nxrrset a.example. IN A', { kind: 'prerequisite', record: record('a.example.', 1, 254, 0) }],
    ['prereq yxrrset a.example. A', { kind: 'prerequisite', record: record('a.example.', 1, 255, 0) }],
    [
      'prereq yxrrset a.example. A 192.0.2.1',
      { kind: 'prerequisite', record: record('a.example.', 1, 1, 0, 'c0000201') },
    ],
    ['update add a.example. 60 A 192.0.2.1', { kind: 'change', record: record('a.example.', 1, 1, 60, 'c0000201') }],
    ['add a.example. 1h IN A 192.0.2.1', { kind: 'change', record: record('a.example.', 1, 1, 3600, 'c0000201') }],
    ['update delete a.example.', { kind: 'change', record: record('a.example.', 255, 255, 0) }],
    ['update del a.example. A', { kind: 'change', record: record('a.example.', 1, 255, 0) }],
    ['delete a.example. 60 IN A', { kind: 'change', record: record('a.example.', 1, 255, 0) }],
    ['del a.example. ANY', { kind: 'change', record: record('a.example.', 255, 255, 0) }],
    ['del a.example. A 192.0.2.1', { kind: 'change', record: record('a.example.', 1, 254, 0, 'c0000201') }],
    [
      'add a.example. 60 TXT "two words" one',
      { kind: 'change', record: record('a.example.', 16, 1, 60, '0974776f20776f726473036f6e65') },
    ],
    ['send', { kind: 'send' }],
    ['', { kind: 'send' }],
    ['   ', { kind: 'send' }],
    ['; nothing', { kind: 'nothing' }],
    ['check-names no', { kind: 'nothing' }],
    ['quit', { kind: 'quit' }],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual(expected);
  });

  it('takes the TTL and the class that earlier lines have set', () => {
    expect(read('add a.example. A 192.0.2.1', { class: 3, ttl: 7 })).toEqual({
      kind: 'change',
      record: record('a.example.', 1, 3, 7, 'c0000201'),
    });
  });

  it.each([
    ['ad a.example. 60 A 192.0.2.1', 0, 'found ad, expected a command; did you mean add?'],
    ['local 192.0.2.1', 0, 'found local: the system chooses the address to send from; leave the line out'],
    ['gsstsig', 0, 'found gsstsig: there is no GSS-TSIG here; use a TSIG key: key [ALGORITHM:]NAME SECRET'],
    ['prereq add a.example. 60 A 192.0.2.1', 7, 'found add, expected nxdomain, yxdomain, nxrrset or yxrrset'],
    ['update nxdomain a.example.', 7, 'found nxdomain, expected add or delete'],
    ['add a.example. A 192.0.2.1', 15, 'found no TTL, expected one behind the name, or a line "ttl SECONDS" before'],
    ['add a.example. 60 WHAT 192.0.2.1', 18, 'found WHAT, expected a type such as A or TYPE123'],
    ['add a.example. 60 A 192.0.2', 20, 'found 192.0.2, expected an IPv4 address'],
    ['add a.example. 60 A', 19, 'found the end of the record, expected an IPv4 address'],
    ['add a..example. 60 A 192.0.2.1', 4, '"a..example." is no domain name: it has an empty label'],
    ['add a.example. 3000000000 A 192.0.2.1', 15, 'found 3000000000, expected a TTL of at most 2147483647'],
    ['server 192.0.2.1 99999', 17, 'found 99999, expected a port from 1 to 65535'],
    ['send now', 5, 'found now, expected the end of the line'],
    ['key k.example. se!cret', 15, 'found no secret, expected it in base64'],
    ['zone', 4, 'found the end of the line, expected a domain name'],
  ])('%s is refused at its place', (line, at, message) => {
    let error: unknown;
    try {
      read(line);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(WordError);
    expect(error).toMatchObject({ at, message });
  });

  it('throws nothing but errors of its own, whatever the line is', () => {
    const pieces = [
      'add',
      'del',
      'prereq',
      'a.example.',
      '60',
      'IN',
      'ANY',
      'A',
      'TXT',
      '"',
      '\\',
      '\\#',
      ';',
      '192.0.2.1',
      'x'.repeat(300),
      'key',
      '\u00e9',
      '=',
    ];
    for (let i = 0; i < 5000; i++) {
      const line = Array.from(
        { length: i % 7 },
        (_, j) => pieces[(i * 31 + j * 17 + ((i >> 3) ^ j)) % pieces.length],
      ).join(' ');
      try {
        read(line);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
      }
    }
  });
});
