import { describe, expect, test } from 'vitest';
import { Tokens, ZoneSyntaxError } from '../../src/protocol/tokens.js';

/** All entries of a text as lists of tokens, `!` before an error; a leading `_` stands for a leading blank. */
function split(text: string | Uint8Array): string[][] {
  const tokens = new Tokens(typeof text === 'string' ? Buffer.from(text) : text, 'f.zone');
  const entries: string[][] = [];
  const attempt = (step: () => boolean, words: string[]): boolean => {
    for (;;) {
      try {
        return step();
      } catch (error) {
        if (!(error instanceof ZoneSyntaxError)) throw error;
        words.push(`!${error.line}:${error.column}: ${error.message}`);
      }
    }
  };
  for (let errors: string[] = []; attempt(() => tokens.nextEntry(), errors) || errors.length > 0; errors = []) {
    const words = [...errors, ...(tokens.leadingSpace ? ['_'] : [])];
    while (attempt(() => tokens.next(), words)) words.push(tokens.quoted ? `"${tokens.text()}"` : tokens.text());
    entries.push(words);
  }
  return entries;
}

/** Line and column of each token. */
function places(text: string): string[] {
  const tokens = new Tokens(Buffer.from(text), 'f.zone');
  const found: string[] = [];
  while (tokens.nextEntry()) while (tokens.next()) found.push(`${tokens.text()}@${tokens.line}:${tokens.column}`);
  return found;
}

describe('Tokens', () => {
  test('splits lines at blanks', () => {
    expect(split('a  IN\tA 192.0.2.1\n\tb c\n')).toEqual([
      ['a', 'IN', 'A', '192.0.2.1'],
      ['_', 'b', 'c'],
    ]);
  });

  test('needs no line break at the end', () => expect(split('a b')).toEqual([['a', 'b']]));

  test('takes CRLF, and a CR alone as a blank', () =>
    expect(split('a b\r\nc\rd\r\n')).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]));

  test('skips comments and lines of blanks', () =>
    expect(split('; first\n \t\n a ; rest (\n;\nb;c\n;last')).toEqual([['_', 'a'], ['b']]));

  test('forgets the blanks of an empty line', () => expect(split('a\n \nb\n')).toEqual([['a'], ['b']]));

  test('joins lines within parentheses', () =>
    expect(split('a (b ; comment )\n c\n)d\ne')).toEqual([['a', 'b', 'c', 'd'], ['e']]));

  test('ends a word at a parenthesis', () => expect(split('a(b)c')).toEqual([['a', 'b', 'c']]));

  test('keeps quoted strings together', () =>
    expect(split('a "b ; (c" "" "d\\"e" f')).toEqual([['a', '"b ; (c"', '""', '"d\\"e"', 'f']]));

  test('keeps a line break of a quoted string inside parentheses', () =>
    expect(split('a ("b\nc" d)\ne')).toEqual([['a', '"b\nc"', 'd'], ['e']]));

  test('ends a word at a quote, and begins one behind a quote, where that is allowed', () => {
    const tokens = new Tokens(Buffer.from('k="a ;b"c"d"e f "g"'), 'f.zone');
    tokens.nextEntry();
    tokens.apart = false;
    const seen: (string | boolean)[][] = [];
    while (tokens.next()) seen.push([tokens.text(), tokens.quoted, tokens.adjoinsString, tokens.adjoinsMore]);
    expect(seen).toEqual([
      ['k=', false, true, false],
      ['a ;b', true, false, true],
      ['c', false, true, false],
      ['d', true, false, true],
      ['e', false, false, false],
      ['f', false, false, false],
      ['g', true, false, false],
    ]);
  });

  test.each(['a"b"', 'a "b"c', 'a "b""c"', 'a "b c"d"e f"', 'a (b"c\nd" e)'])(
    'wants strings to stand apart, and reads on behind one that does not: %s',
    (text) => {
      const [first, second] = split(`${text}\nx`);
      expect(first).toContainEqual(
        expect.stringMatching(/^!1:\d+: found a (quote within a word|word directly behind)/),
      );
      expect(second).toEqual(['x']);
    },
  );

  test('says once that strings have to stand apart when the rest of the entry is skipped', () => {
    const tokens = new Tokens(Buffer.from('a"b" c"d" e"f\n x'), 'f.zone');
    tokens.nextEntry();
    tokens.next();
    expect(() => tokens.next()).toThrow(/a quote within a word/);
    expect(() => tokens.nextEntry()).toThrow(/does not end on its line/);
    expect(tokens.nextEntry()).toBe(true);
    expect([tokens.leadingSpace, tokens.apart]).toEqual([true, true]);
  });

  test('keeps escaped octets in their word', () =>
    expect(split('a\\ b\\;c\\(d\\"e\\\\ f\\046')).toEqual([['a\\ b\\;c\\(d\\"e\\\\', 'f\\046']]));

  test('does not escape a line break', () => expect(split('a\\\nb')).toEqual([['a\\'], ['b']]));

  test('says whether a token is escaped or quoted', () => {
    const tokens = new Tokens(Buffer.from('a\\.b "c" "d\\e" f'), 'f.zone');
    tokens.nextEntry();
    const seen: boolean[][] = [];
    while (tokens.next()) seen.push([tokens.escaped, tokens.quoted]);
    expect(seen).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [false, false],
    ]);
  });

  test('knows the place of every token', () =>
    expect(places('a b\n  "c" (\nd "e\nf" g)\nh')).toEqual([
      'a@1:1',
      'b@1:3',
      'c@2:3',
      'd@3:1',
      'e\nf@3:3',
      'g@4:4',
      'h@5:1',
    ]));

  test('skips what is left of an entry', () => {
    const tokens = new Tokens(Buffer.from('a b (\nc\n) d\ne'), 'f.zone');
    tokens.nextEntry();
    tokens.next();
    tokens.nextEntry();
    tokens.next();
    expect(tokens.text()).toBe('e');
  });

  test('takes octets above 127 as they are', () => {
    const tokens = new Tokens(Uint8Array.of(0xff, 0xc3, 0x20, 0x41), 'f.zone');
    tokens.nextEntry();
    tokens.next();
    expect([tokens.start, tokens.end]).toEqual([0, 2]);
  });

  test('fails at the current token, or at the end of the entry', () => {
    const tokens = new Tokens(Buffer.from('a\n bc d \n'), 'f.zone');
    tokens.nextEntry();
    tokens.nextEntry();
    tokens.next();
    expect(() => tokens.fail('no')).toThrow(expect.objectContaining({ line: 2, column: 2, message: 'no' }));
    tokens.next();
    tokens.next();
    expect(() => tokens.fail('end')).toThrow(expect.objectContaining({ line: 2, column: 7 }));
  });
});

describe('Tokens of broken text', () => {
  test.each([
    ['a )b\nc', [['a', '!1:3: found ")" without a "(" before it', 'b'], ['c']]],
    ['a (b\nc', [['a', 'b', 'c', '!1:3: found "(" that is never closed, expected ")"']]],
    ['a ( (b)\nc', [['a', '!1:5: found "(" within the parentheses that line 1 opens, expected ")"', 'b'], ['c']]],
    [
      'a "b\nc "d" e',
      [
        ['a', '!1:3: found a string that does not end on its line, expected a closing quote'],
        ['c', '"d"', 'e'],
      ],
    ],
    [
      'a ("b\n',
      [
        [
          'a',
          '!1:4: found a string that is still open at the end of the file, expected a closing quote',
          '!1:3: found "(" that is never closed, expected ")"',
        ],
      ],
    ],
    ['a k="b\nc', [['a', 'k=', '!1:5: found a string that does not end on its line, expected a closing quote'], ['c']]],
    ['a b\0c\nd', [['a', '!1:4: found an octet of value 0, expected text (write \\000 when it is meant)', 'c'], ['d']]],
    [
      'a "\0" b',
      [
        [
          'a',
          '!1:4: found an octet of value 0, expected text (write \\000 when it is meant)',
          '!1:5: found a string that is still open at the end of the file, expected a closing quote',
        ],
      ],
    ],
    ['a b\\', [['a', 'b\\']]],
    ['a "b\\', [['a', '!1:3: found a string that is still open at the end of the file, expected a closing quote']]],
    [
      'a k="b\\',
      [['a', 'k=', '!1:5: found a string that is still open at the end of the file, expected a closing quote']],
    ],
  ])('%j', (text, expected) => expect(split(text).slice(0, 2)).toMatchObject(expected));

  test('reads a megabyte of any one octet in linear time', () => {
    for (const octet of [0x20, 0x28, 0x29, 0x22, 0x3b, 0x5c, 0x3d, 0x0a, 0x61]) {
      const tokens = new Tokens(new Uint8Array(1 << 20).fill(octet), 'f.zone');
      let steps = 0;
      for (let more = true; more; steps++) {
        try {
          more = tokens.nextEntry();
        } catch (error) {
          expect(error).toBeInstanceOf(ZoneSyntaxError);
          if (steps > 1000) break;
        }
      }
    }
  });
});
