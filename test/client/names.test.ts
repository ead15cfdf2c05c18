import { describe, expect, it } from 'vitest';
import { nameToText, readName, sameName, textToName } from '../../src/client/names.js';

const at12 = (...octets: number[]): Uint8Array => Uint8Array.from([...Array<number>(12).fill(0), ...octets]);

describe('names of the client', () => {
  it.each([
    ['.', '.'],
    ['example.test', 'example.test.'],
    ['example.test.', 'example.test.'],
    ['a\\.b.test', 'a\\.b.test.'],
    ['\\065\\000\\255.test', 'A\\000\\255.test.'],
    ['quo\\"te.test', 'quo\\"te.test.'],
    ['münchen.test', 'm\\195\\188nchen.test.'],
    ['*.example', '*.example.'],
    [`${'a'.repeat(63)}.test`, `${'a'.repeat(63)}.test.`],
  ])('go from text to octets and back: %s', (text, printed) => {
    expect(nameToText(textToName(text))).toBe(printed);
  });

  it.each([
    ['', /it is empty/],
    ['a..b', /empty label/],
    ['.a', /empty label/],
    ['a\\', /wrong escape/],
    ['a\\256', /wrong escape/],
    ['a'.repeat(64), /more than 63 octets/],
    [Array(64).fill('abc').join('.'), /more than 255 octets/],
  ])('that are none are refused: %s', (text, reason) => {
    expect(() => textToName(text)).toThrow(reason);
    expect(() => textToName(text)).toThrow(expect.objectContaining({ code: 'CLIENT_INPUT' }));
  });

  it('are read through pointers, and reading goes on behind the first one', () => {
    const message = at12(1, 0x61, 0, 1, 0x62, 0xc0, 12, 9);
    const { name, end } = readName(message, 15, message.length, true);
    expect([nameToText(name), end]).toEqual(['b.a.', 19]);
  });

  it.each([
    ['a pointer to itself', at12(0xc0, 12), true, /not backwards/],
    ['a pointer to a label that leads back to it', at12(1, 0x61, 0xc0, 12), true, /not backwards/],
    ['a pointer forwards', at12(0xc0, 14, 0), true, /not backwards/],
    ['a pointer into the header', at12(0xc0, 0), true, /into the header/],
    ['a pointer where none may be', at12(0xc0, 12), false, /none is allowed/],
    ['half a pointer', at12(0xc0), true, /runs past its end/],
    ['a label of type 01', at12(0x41, 0), true, /unknown kind 0x41/],
    ['a label past the end', at12(5, 0x61), true, /runs past its end/],
    ['no end', at12(1, 0x61), true, /runs past its end/],
  ])('with %s are malformed', (_what, message, compressed, reason) => {
    expect(() => readName(message, 12, message.length, compressed)).toThrow(reason);
  });

  it('that grow past 255 octets through pointers are malformed', () => {
    const octets: number[] = [0];
    let target = 12;
    for (let i = 0; i < 10; i++) {
      const here = 12 + octets.length;
      octets.push(30, ...Array<number>(30).fill(0x61), 0xc0 | (target >> 8), target & 255);
      target = here;
    }
    const message = at12(...octets);
    expect(() => readName(message, target, message.length, true)).toThrow(/longer than 255/);
  });

  it('are compared without regard to case', () => {
    expect(sameName(textToName('Example.TEST'), textToName('example.test'))).toBe(true);
    expect(sameName(textToName('a.test'), textToName('b.test'))).toBe(false);
    expect(sameName(textToName('[.test'), textToName('{.test'))).toBe(false);
  });
});
