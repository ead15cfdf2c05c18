import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../src/client/wire/message.js';
import { NameReader, nameToText, readName, sameName, textToName } from '../../../src/client/wire/names.js';
import { chanceOf } from '../../reference/generate.js';
import { SEED } from '../../support/seed.js';

const at12 = (...octets: number[]): Uint8Array => Uint8Array.from([...Array<number>(12).fill(0), ...octets]);

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toMatchObject({ code: 'CLIENT_MALFORMED' });
    return undefined;
  }
}

/** One name by itself, read in the obvious way; undefined if it is malformed. */
function slowly(message: Uint8Array, at: number, end: number, compressed: boolean) {
  const name: number[] = [];
  let [from, limit, part, after] = [at, end, at, -1];
  for (;;) {
    const length = from < limit ? (message[from] ?? 0) : -1;
    if (length < 0) return undefined;
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (message[from + 1] ?? 0);
      if (!compressed || from + 2 > limit || target >= part || target < 12) return undefined;
      if (after < 0) after = from + 2;
      [limit, part, from] = [part, target, target];
      continue;
    }
    if (length > 63 || from + 1 + length > limit || name.length + 1 + length > 255) return undefined;
    name.push(...message.subarray(from, from + 1 + length));
    from += 1 + length;
    if (length === 0) return { name, end: after < 0 ? from : after };
  }
}

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

  it('are shared by all records that point to them', () => {
    const long = Buffer.from(`${'\x01a'.repeat(126)}\x01z\0`, 'latin1');
    const header = Buffer.from([0, 1, 0x84, 0, 0, 1, 0x10, 0, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12]);
    const message = Buffer.concat([header, long, Buffer.from([0, 2, 0, 1]), ...Array<Buffer>(0x1000).fill(record)]);
    const { questions, answers } = decodeMessage(message);
    expect(answers).toHaveLength(0x1000);
    expect(answers[0]).toMatchObject({ name: `${'a.'.repeat(126)}z.`, data: `${'a.'.repeat(126)}z.` });
    expect(new Set([...questions, ...answers].map(({ owner }) => owner)).size).toBe(1);
    expect(new Set(answers.map(({ rdata }) => rdata)).size).toBe(1);
  });

  it('are read by a reader of the whole message as each is by itself', () => {
    const chance = chanceOf(SEED);
    let read = 0;
    for (let round = 0; round < 300; round++) {
      const message = at12(...Array.from({ length: 12 }, () => someParts()).flat());
      const reader = new NameReader(message);
      for (let i = 0; i < 40; i++) {
        const [at, end] = [12 + chance.below(message.length - 12), message.length - chance.below(3)];
        const compressed = chance.percent(80);
        const wanted = slowly(message, at, end, compressed);
        const got = attempt(() => reader.read(at, end, compressed));
        expect(got === undefined, `seed ${SEED}, round ${round}, at ${at} to ${end}`).toBe(wanted === undefined);
        if (wanted === undefined) continue;
        read++;
        expect({ ...got, name: [...(got?.name ?? [])] }, `seed ${SEED}`).toEqual({
          name: wanted.name,
          text: nameToText(Uint8Array.from(wanted.name)),
          end: wanted.end,
        });
      }
    }
    expect(read, `seed ${SEED}`).toBeGreaterThan(500);

    function someParts(): number[] {
      const labels = Array.from({ length: chance.below(4) }, () => {
        const length = chance.percent(5) ? 60 : 1 + chance.below(3);
        return [length, ...Array.from({ length }, () => chance.of([0, 1, 0x2e, 0x61, 0x41, 0xc0, 0xff]))];
      });
      const end = chance.percent(60) ? [0xc0, 12 + chance.below(80)] : [0];
      return [...labels.flat(), ...end];
    }
  });

  it('are compared without regard to case', () => {
    expect(sameName(textToName('Example.TEST'), textToName('example.test'))).toBe(true);
    expect(sameName(textToName('a.test'), textToName('b.test'))).toBe(false);
    expect(sameName(textToName('[.test'), textToName('{.test'))).toBe(false);
  });
});
