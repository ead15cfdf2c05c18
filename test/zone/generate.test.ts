// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what $GENERATE looks like
import { describe, expect, test } from 'vitest';
import { read } from './read.js';

/** The records of a $GENERATE directive, without `.example.` and class. The expected values of the first table are BIND's. */
function generated(directive: string): string[] {
  const { records, messages } = read(`$TTL 300\n$GENERATE ${directive}`);
  expect(messages).toEqual([]);
  return records.map((record) => record.replace('.example. 300 ', ' '));
}

describe('$GENERATE makes what BIND makes', () => {
  test.each([
    ['1-3 a$ A 192.0.2.$', ['a1 A 192.0.2.1', 'a2 A 192.0.2.2', 'a3 A 192.0.2.3']],
    ['0-5/2 a$ TXT $', ['a0 TXT "0"', 'a2 TXT "2"', 'a4 TXT "4"']],
    ['5-6/5 a$ TXT $', ['a5 TXT "5"']],
    ['001-002 a$ TXT $', ['a1 TXT "1"', 'a2 TXT "2"']],
    ['7-7 a${0} TXT ${1}', ['a7 TXT "8"']],
    ['7-7 a${-7,4} TXT ${-9,4,d}', ['a0000 TXT "-002"']],
    ['7-7 a${+1} TXT ${5,0,o}|${5,4,x}|${250,2,X}', ['a8 TXT "14|000c|101"']],
    ['250-250 a TXT ${5,0,x}|${5,2,X}|${0,6,o}', ['a TXT "ff|FF|000372"']],
    ['250-250 a TXT ${0,1,n}|${0,3,N}|${0,8,N}|${0,7,n}', ['a TXT "a.f|A.F|A.F.0.0.|a.f.0.0"']],
    ['0-0 a${0,0,n} TXT ${0,3,n}|${0,4,n}', ['a0 TXT "0.0|0.0."']],
    ['1-1 a TXT $$x', ['a TXT "$x"']],
    ['1-1 a TXT \\$x$', ['a TXT "$x1"']],
    ['1-1 a$ IN 300 TXT "two words$"', ['a1 TXT "two" "words1"']],
    ['1-1 a$ 300 IN MX "10 m$.x"', ['a1 MX 10 m1.x.example.']],
    ['1-1 a$ TYPE65280 "\\# 1 0$"', ['a1 TYPE65280 \\# 1 01']],
    ['1-2 @ TXT m$', ['example. 300 TXT "m1"', 'example. 300 TXT "m2"']],
    ['1-1 a$.b CNAME c$', ['a1.b CNAME c1.example.']],
    ['1-1 a TXT "x;y"', ['a TXT "x"']],
  ])('%s', (directive, expected) => expect(generated(directive)).toEqual(expected));
});

describe('$GENERATE', () => {
  test('takes RDATA of several tokens as it is written', () =>
    expect(generated('1-1 a$ TXT "x $" "y" $')).toEqual(['a1 TXT "x 1" "y" "1"']));

  test('keeps quotes of owners', () => expect(generated('1-1 "a $" TXT x')).toEqual(['a\\0321 TXT "x"']));

  test('leaves the owner before as it is', () =>
    expect(read('o 1 A 192.0.2.1\n$GENERATE 1-1 a$ 1 A 192.0.2.1\n 1 A 192.0.2.2').records.at(-1)).toBe(
      'o.example. 1 A 192.0.2.2',
    ));

  test('places its records at the directive', () => {
    const { store } = read('\n\n$GENERATE 1-2 a$ 1 A 192.0.2.1\nb 1 A 192.0.2.1');
    expect(Array.from(store.line.subarray(0, 3))).toEqual([3, 3, 4]);
  });

  test('goes on with the file behind a record that is wrong', () => {
    const { records, messages } = read('$GENERATE 254-256 a$ 1 A 192.0.2.$\nb 1 A 192.0.2.1');
    expect(records).toEqual([
      'a254.example. 1 A 192.0.2.254',
      'a255.example. 1 A 192.0.2.255',
      'b.example. 1 A 192.0.2.1',
    ]);
    expect(messages).toEqual([
      '1:1: $GENERATE cannot make the record "a256 1 A 192.0.2.256" for 256: found "192.0.2.256", expected an IPv4 address such as 192.0.2.1',
    ]);
  });

  test.each([
    ['', /found \$GENERATE without range/],
    ['1 a A 192.0.2.1', /found "1", expected a range/],
    ['2-1 a A 192.0.2.1', /found "2-1", expected a range/],
    ['-1-2 a A 192.0.2.1', /found "-1-2", expected a range/],
    ['1-2/0 a A 192.0.2.1', /found "1-2\/0", expected a range/],
    ['1-2147483648 a A 192.0.2.1', /with numbers up to 2147483647/],
    ['1-2 a A', /found the end of \$GENERATE, expected an owner, a type and RDATA/],
    ['1-2 a${0,3,q} TXT x', /expected \$\{offset,width,base\}/],
    ['1-2 a${0,3 TXT x', /expected \$\{offset,width,base\}/],
    ['1-2 a${} TXT x', /expected \$\{offset,width,base\}/],
    ['1-2 a${0,256} TXT x', /found a width of 256, expected at most 255/],
    ['1-2 a${-5,0,x} TXT x', /for 1: only decimal numbers may be negative/],
    ['1-2 a ("TXT\nx" x y)', /cannot make the record/],
    ['1-2 a A ("192.0.2.1\nb 1 A 192.0.2.1")', /it is more than one line/],
  ])('refuses %j', (directive, message) =>
    expect(read(`$TTL 1\n$GENERATE ${directive}`).messages).toEqual([expect.stringMatching(message)]),
  );
});
