import { expect, test } from 'vitest';
import { substitutionMistake } from '../../src/protocol/substitution.js';

const judge = (text: string): string | undefined => substitutionMistake(Buffer.from(text, 'latin1'));

test.each([
  '',
  '!^.*$!sip:info@example.com!',
  '!a!!',
  '!a!\\!!i',
  '/(a|b)(c)/\\2\\1/ii',
  '|[]a]+|x|',
  '![^]a]*!x!',
  '![[:alpha:]]{1,3}!x!',
  '!a{2}b{3,}!x!',
  '!a)b{c!x!',
  '!()!x!',
  '!(a)\\1!x!',
  '!\\!!x!',
])('%s', (text) => expect(judge(text)).toBeUndefined());

test.each([
  ['\0a\0b\0', 'a NUL octet'],
  ['1a1b1', 'the delimiter "1"'],
  ['iaibi', 'the delimiter "i"'],
  ['\\a\\b\\', 'the delimiter "\\\\"'],
  ['!a!b', 'without its three delimiters; expected !expression!replacement!'],
  ['!a!b!!', 'without its three delimiters'],
  ['!a!b\\!', 'without its three delimiters'],
  ['!a!b\\', 'without its three delimiters'],
  ['!a!b!g', 'the flag "g" behind its regular expression'],
  ['!!b!', 'a regular expression that is malformed'],
  ['!*!b!', 'malformed'],
  ['!a**!b!', 'malformed'],
  ['!^*!b!', 'malformed'],
  ['!(a!b!', 'malformed'],
  ['!(a|)!b!', 'malformed'],
  ['!|a!b!', 'malformed'],
  ['![a!b!', 'malformed'],
  ['![^]!b!', 'malformed'],
  ['![[:alpha]!b!', 'malformed'],
  ['!a{3,2}!b!', 'malformed'],
  ['!a{256}!b!', 'malformed'],
  ['!a{1!b!', 'malformed'],
  ['!\\1(a)!b!', 'malformed'],
  ['!(a)!\\2!', 'the reference \\2 behind a regular expression of 1 groups'],
  ['!(a)!\\0!', 'the reference \\0'],
])('%s is refused', (text, reason) => expect(judge(text)).toContain(reason));
