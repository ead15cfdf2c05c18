import { describe, expect, test } from 'vitest';
import { read } from './read.js';

/** Reads text that has to be right. */
function records(text: string, files: Record<string, string> = {}): string[] {
  const { records, messages } = read(text, files);
  expect(messages).toEqual([]);
  return records;
}

describe('readZone: records', () => {
  test('reads owner, TTL, class, type and RDATA', () =>
    expect(records('www 300 IN A 192.0.2.1\n')).toEqual(['www.example. 300 A 192.0.2.1']));

  test('takes TTL and class in either order, and without class', () =>
    expect(records('a 1 IN A 192.0.2.1\na IN 2 A 192.0.2.1\na 3 A 192.0.2.1\na CLASS1 4 type1 192.0.2.1')).toEqual([
      'a.example. 1 A 192.0.2.1',
      'a.example. 2 A 192.0.2.1',
      'a.example. 3 A 192.0.2.1',
      'a.example. 4 A 192.0.2.1',
    ]));

  test('takes any letter case of class, type and units', () =>
    expect(records('a 1H in a 192.0.2.1')).toEqual(['a.example. 3600 A 192.0.2.1']));

  test('takes the owner before when there is none', () =>
    expect(records('a 1 A 192.0.2.1\n 1 A 192.0.2.2\n\n; comment\n\t1 A 192.0.2.3')).toEqual([
      'a.example. 1 A 192.0.2.1',
      'a.example. 1 A 192.0.2.2',
      'a.example. 1 A 192.0.2.3',
    ]));

  test('takes owners that look like something else', () =>
    expect(
      records('1 1 A 192.0.2.1\nIN 1 A 192.0.2.1\nA 1 A 192.0.2.1\n\\@ 1 A 192.0.2.1\n\\$TTL 1 A 192.0.2.1'),
    ).toEqual([
      '1.example. 1 A 192.0.2.1',
      'IN.example. 1 A 192.0.2.1',
      'A.example. 1 A 192.0.2.1',
      '\\@.example. 1 A 192.0.2.1',
      '\\$TTL.example. 1 A 192.0.2.1',
    ]));

  test('takes absolute, relative and root owners, and the origin', () =>
    expect(records('a.b 1 A 192.0.2.1\na.b. 1 A 192.0.2.1\n. 1 A 192.0.2.1\n@ 1 A 192.0.2.1')).toEqual([
      'a.b.example. 1 A 192.0.2.1',
      'a.b. 1 A 192.0.2.1',
      '. 1 A 192.0.2.1',
      'example. 1 A 192.0.2.1',
    ]));

  test('takes the same text behind the first label for another name when the origin is another', () => {
    const lines = ['$TTL 1', 'a.b.c A 192.0.2.1', 'A2.b.c A 192.0.2.1', 'x.b.c. A 192.0.2.1', 'y.b.c. A 192.0.2.1'];
    expect(
      records([...lines, '$INCLUDE sub o.', '$ORIGIN d', 'a3.b.c A 192.0.2.1'].join('\n'), { sub: 'z.b.c TXT x' }),
    ).toEqual([
      'a.b.c.example. 1 A 192.0.2.1',
      'A2.b.c.example. 1 A 192.0.2.1',
      'x.b.c. 1 A 192.0.2.1',
      'y.b.c. 1 A 192.0.2.1',
      'z.b.c.o. 1 TXT "x"',
      'a3.b.c.d.example. 1 A 192.0.2.1',
    ]);
  });

  test('refuses a name that its suffix makes too long', () => {
    const suffix = `${'abcdefghi.'.repeat(24)}a.`;
    const lines = ['a', 'x'.repeat(11), 'x'.repeat(12), 'b'].map((label) => `${label}.${suffix} 1 A 192.0.2.1`);
    const { records, messages } = read(lines.join('\n'));
    expect(records).toHaveLength(3);
    expect(messages).toEqual([expect.stringMatching(/^3:1: .* it has 256 octets, more than 255$/)]);
  });

  test('reads escapes in owners', () =>
    expect(records('a\\.b\\032\\000\\255 1 A 192.0.2.1\n"x y" 1 A 192.0.2.1')).toEqual([
      'a\\.b\\032\\000\\255.example. 1 A 192.0.2.1',
      'x\\032y.example. 1 A 192.0.2.1',
    ]));

  test('takes octets above 127 as they are', () =>
    expect(records('\xc3\xa4 1 TXT \xe2\x82\xac')).toEqual(['\\195\\164.example. 1 TXT "\\226\\130\\172"']));

  test('reads the generic forms of RFC 3597', () =>
    expect(records('a 1 CLASS1 TYPE731 \\# 3 abcdef\na 1 A \\# 4 c0000201\na 1 TYPE1 192.0.2.2')).toEqual([
      'a.example. 1 TYPE731 \\# 3 ABCDEF',
      'a.example. 1 A 192.0.2.1',
      'a.example. 1 A 192.0.2.2',
    ]));

  test('reads records in parentheses, CRLF and tabs', () =>
    expect(records('@\t1\tSOA\tns host ( 1 ; serial\r\n\t2\r\n\t3 4 5 )\r\nb 1 A 192.0.2.1\r\n')).toEqual([
      'example. 1 SOA ns.example. host.example. 1 2 3 4 5',
      'b.example. 1 A 192.0.2.1',
    ]));

  test('says so when there is a byte order mark', () => {
    const { records, messages } = read('\xef\xbb\xbfa 1 A 192.0.2.1');
    expect(records).toEqual(['a.example. 1 A 192.0.2.1']);
    expect(messages).toEqual([
      '1:1: found UTF-8 with a byte order mark, expected text without one; save it as UTF-8 without BOM',
    ]);
  });

  test('keeps the letter case in which a name is first written', () =>
    expect(records('AbC 1 A 192.0.2.1\naBc 1 A 192.0.2.2')).toEqual([
      'AbC.example. 1 A 192.0.2.1',
      'AbC.example. 1 A 192.0.2.2',
    ]));

  test('knows the place of every record', () => {
    const { store } = read('a 1 A 192.0.2.1\n  1 A (\n192.0.2.2 )\nb 1 A 192.0.2.1');
    expect(Array.from(store.line.subarray(0, 3))).toEqual([1, 2, 4]);
    expect(Array.from(store.column.subarray(0, 3))).toEqual([1, 3, 1]);
  });
});

describe('readZone: TTLs', () => {
  test('reads units', () => expect(records('a 1w2d3h4m5s A 192.0.2.1')).toEqual(['a.example. 788645 A 192.0.2.1']));

  test('takes $TTL for records without', () =>
    expect(records('$TTL 1h\na A 192.0.2.1\na 5 A 192.0.2.2\na A 192.0.2.3\n$TTL 6\na A 192.0.2.4')).toEqual([
      'a.example. 3600 A 192.0.2.1',
      'a.example. 5 A 192.0.2.2',
      'a.example. 3600 A 192.0.2.3',
      'a.example. 6 A 192.0.2.4',
    ]));

  test('takes the last TTL without $TTL (RFC 1035)', () =>
    expect(records('a 7 A 192.0.2.1\na A 192.0.2.2')).toEqual([
      'a.example. 7 A 192.0.2.1',
      'a.example. 7 A 192.0.2.2',
    ]));

  test('takes MINIMUM when the SOA has no TTL and there is none before, as BIND does', () =>
    expect(records('@ SOA ns h 1 2 3 4 900\na A 192.0.2.1\na 5 A 192.0.2.2\na A 192.0.2.3')).toEqual([
      'example. 900 SOA ns.example. h.example. 1 2 3 4 900',
      'a.example. 900 A 192.0.2.1',
      'a.example. 5 A 192.0.2.2',
      'a.example. 900 A 192.0.2.3',
    ]));

  test('takes a TTL above 2^31 - 1 as 0 with a warning (RFC 2181 §8)', () => {
    const { records, messages } = read('a 2147483648 A 192.0.2.1\n$TTL 4294967295\na A 192.0.2.2');
    expect(records).toEqual(['a.example. 0 A 192.0.2.1', 'a.example. 0 A 192.0.2.2']);
    expect(messages).toEqual([
      '1:3: warning: found a TTL of 2147483648, expected at most 2147483647; it is taken as 0',
      '2:6: warning: found a TTL of 4294967295, expected at most 2147483647; it is taken as 0',
    ]);
  });
});

describe('readZone: directives', () => {
  test('$ORIGIN may be relative to the one before', () =>
    expect(records('$ORIGIN a\n@ 1 A 192.0.2.1\n$origin b\nc 1 A 192.0.2.1\n$ORIGIN .\nd 1 A 192.0.2.1')).toEqual([
      'a.example. 1 A 192.0.2.1',
      'c.b.a.example. 1 A 192.0.2.1',
      'd. 1 A 192.0.2.1',
    ]));

  test('$INCLUDE reads a file, whose $ORIGIN and owner end with it (RFC 1035 §5.1; NSD, BIND)', () => {
    const files = { sub: 'a A 192.0.2.1\n$ORIGIN q.\nb A 192.0.2.1' };
    expect(records('$TTL 1\nx A 192.0.2.1\n$INCLUDE sub\n A 192.0.2.2\ny A 192.0.2.1', files)).toEqual([
      'x.example. 1 A 192.0.2.1',
      'a.example. 1 A 192.0.2.1',
      'b.q. 1 A 192.0.2.1',
      'x.example. 1 A 192.0.2.2',
      'y.example. 1 A 192.0.2.1',
    ]);
  });

  test('$TTL of an included file goes on behind it (RFC 2308 §4), at any depth', () => {
    const files = { one: '$INCLUDE two\na A 192.0.2.1', two: '$TTL 7200' };
    expect(records('$TTL 1\nx A 192.0.2.1\n$INCLUDE one\ny A 192.0.2.1', files)).toEqual([
      'x.example. 1 A 192.0.2.1',
      'a.example. 7200 A 192.0.2.1',
      'y.example. 7200 A 192.0.2.1',
    ]);
    expect(records('@ 100 SOA ns h 1 2 3 4 5\n$INCLUDE two\n@ NS ns', files)).toEqual([
      'example. 100 SOA ns.example. h.example. 1 2 3 4 5',
      'example. 7200 NS ns.example.',
    ]);
  });

  test('the last TTL of an included file goes on behind it (RFC 1035 §5.1), $GENERATE and the SOA among them', () => {
    const files = { one: 'a 9 A 192.0.2.1', many: '$GENERATE 1-1 g$ 8 A 192.0.2.$', soa: '@ SOA ns h 1 2 3 4 50' };
    expect(records('x 7 A 192.0.2.1\n$INCLUDE one\ny A 192.0.2.1\n$INCLUDE many\nz A 192.0.2.1', files)).toEqual([
      'x.example. 7 A 192.0.2.1',
      'a.example. 9 A 192.0.2.1',
      'y.example. 9 A 192.0.2.1',
      'g1.example. 8 A 192.0.2.1',
      'z.example. 8 A 192.0.2.1',
    ]);
    expect(records('$INCLUDE soa\na 5 A 192.0.2.1\nb A 192.0.2.1', files)).toEqual([
      'example. 50 SOA ns.example. h.example. 1 2 3 4 50',
      'a.example. 5 A 192.0.2.1',
      'b.example. 50 A 192.0.2.1',
    ]);
  });

  test('an included file begins with the owner of the file above (NSD, BIND), a malformed one among them', () => {
    expect(records('$TTL 1\nx A 192.0.2.1\n$INCLUDE sub o.\n A 192.0.2.3', { sub: ' A 192.0.2.2' })).toEqual([
      'x.example. 1 A 192.0.2.1',
      'x.example. 1 A 192.0.2.2',
      'x.example. 1 A 192.0.2.3',
    ]);
    expect(read('$TTL 1\nx..y A 192.0.2.1\n$INCLUDE sub', { sub: ' A 192.0.2.2' }).messages).toHaveLength(1);
  });

  test('$INCLUDE takes an origin, for that file only', () =>
    expect(records('$TTL 1\n$INCLUDE "sub" o\ny A 192.0.2.1', { sub: 'a A 192.0.2.1' })).toEqual([
      'a.o.example. 1 A 192.0.2.1',
      'y.example. 1 A 192.0.2.1',
    ]));

  test('included files see the $TTL before them, and may be included twice', () =>
    expect(records('$TTL 1\n$INCLUDE sub\n$INCLUDE sub o.', { sub: 'a A 192.0.2.1' })).toEqual([
      'a.example. 1 A 192.0.2.1',
      'a.o. 1 A 192.0.2.1',
    ]));
});

describe('readZone: errors', () => {
  test.each([
    ['a 1 A', '1:6: found the end of the record, expected the address: an IPv4 address such as 192.0.2.1'],
    ['a 1 FOO x', '1:5: found "FOO", expected a TTL, the class IN or a type such as A'],
    ['a', '1:2: found the end of the record, expected TTL, class or type'],
    ['a IN', '1:5: found the end of the record, expected its type'],
    ['a 1 IN 2 A 192.0.2.1', '1:8: found a second TTL "2", expected a class or a type'],
    ['a 1x A 192.0.2.1', '1:3: found "1x", expected a TTL such as 3600 or 1h30m, a class or a type'],
    ['a 4294967296 A 192.0.2.1', '1:3: found "4294967296", expected a TTL such as 3600 or 1h30m, a class or a type'],
    ['a 1 CH A 192.0.2.1', '1:5: found class "CH", expected IN: only that class is served'],
    ['a 1 CLASS3 A 192.0.2.1', '1:5: found class "CLASS3", expected IN: only that class is served'],
    ['a 1 NONE A 192.0.2.1', '1:5: found class "NONE", expected IN: only that class is served'],
    ['a 1 "A" 192.0.2.1', '1:5: found "A", expected a TTL, the class IN or a type such as A'],
    ['a A 192.0.2.1', '1:14: found a record without TTL, and no $TTL, SOA or TTL before it; expected one of these'],
    [' 1 A 192.0.2.1', '1:2: found a record without owner, and none before it; expected an owner in column 1'],
    ['a..b 1 A 192.0.2.1', '1:1: found "a..b", expected a domain name: it has an empty label'],
    ['a\\256 1 A 192.0.2.1', expect.stringContaining('1:1: found "a\\\\256", expected a domain name: ')],
    [`${'a'.repeat(64)} 1 A 192.0.2.1`, expect.stringContaining('it has a label of 64 octets, more than 63')],
    [`${'abcdefghi.'.repeat(25)} 1 A 192.0.2.1`, []],
    [
      `${'abcdefghi.'.repeat(25)}abcd 1 A 192.0.2.1`,
      expect.stringContaining('with its origin it has 264 octets, more than 255'),
    ],
    [
      '$FOO 1',
      '1:1: found "$FOO", expected one of $ORIGIN, $TTL, $INCLUDE, $GENERATE (an owner that begins with $ is written \\$)',
    ],
    ['$TTL', '1:5: found $TTL without value, expected a TTL such as 3600 or 1h30m'],
    ['$TTL x', '1:6: found "x", expected a TTL such as 3600 or 1h30m'],
    ['$TTL 1 2', '1:8: found "2", expected the end of $TTL'],
    ['$ORIGIN', '1:8: found $ORIGIN without value, expected a domain name'],
    ['$ORIGIN a b', '1:11: found "b", expected the end of $ORIGIN'],
    ['$INCLUDE', '1:9: found $INCLUDE without value, expected the name of a file'],
    ['$INCLUDE f', '1:10: cannot include "f": no such file'],
    ['$INCLUDE f a b', '1:14: found "b", expected the end of $INCLUDE'],
    ['$INCLUDE f.zone', '1:10: cannot include "f.zone": that file includes this one'],
    [' $TTL 1', '1:2: found a record without owner, and none before it; expected an owner in column 1'],
  ])('%j', (text, message) => {
    expect(read(text, { 'f.zone': '' }).messages).toEqual(
      typeof message === 'object' && Array.isArray(message) ? [] : [message],
    );
  });

  test('goes on behind an error', () => {
    const { records, messages } = read(
      'a 1 A x\nb 1 A 192.0.2.1\n\nc 1 A ( 192.0.2.1\n1 )\nd 1 A 192.0.2.1\n)\ne 1 A 192.0.2.1',
    );
    expect(records).toEqual(['b.example. 1 A 192.0.2.1', 'd.example. 1 A 192.0.2.1', 'e.example. 1 A 192.0.2.1']);
    expect(messages.map((message) => message.slice(0, 4))).toEqual(['1:7:', '5:1:', '7:1:']);
  });

  test('does not complain of what continues a wrong owner', () => {
    const { records, messages } = read('a 1 A 192.0.2.1\na..b 1 A 192.0.2.1\n 1 A 192.0.2.2\nc 1 A 192.0.2.1');
    expect(records).toEqual(['a.example. 1 A 192.0.2.1', 'c.example. 1 A 192.0.2.1']);
    expect(messages).toHaveLength(1);
  });

  test('names the included file', () => {
    const { messages } = read('$INCLUDE sub\na 1 A y', { sub: '\n x' });
    expect(messages.map((message) => message.replace(/: .*/, ''))).toEqual(['sub:2:2', '2:7']);
  });

  test('stops at the limit of diagnostics', () => {
    const { store, messages } = read(`${'a 1 A x\n'.repeat(100)}b 1 A 192.0.2.1`, {}, { limit: 5 });
    expect(messages).toHaveLength(5);
    expect(store.recordCount).toBe(0);
  });
});
