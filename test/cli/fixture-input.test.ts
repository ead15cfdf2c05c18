import { describe, expect, it } from 'vitest';
import { type InputLine, InputLines } from '../../src/cli/fixture-input.js';
import { randomFrom } from '../zone/random-zone.js';

function all(lines: InputLines): [number, string | undefined][] {
  const found: InputLine[] = [];
  for (let line = lines.take(); line !== undefined; line = lines.take()) found.push(line);
  return found.map(({ number, octets }) => [number, octets && Buffer.from(octets).toString('latin1')]);
}

describe('lines of an input', () => {
  it('are the same however they are cut into pieces', () => {
    const seed = Date.now() >>> 0;
    const random = randomFrom(seed);
    for (let round = 0; round < 300; round++) {
      const length = Math.floor(random() * 60);
      const text = Array.from({ length }, () => (random() < 0.2 ? '\n' : 'abc'[Math.floor(random() * 3)])).join('');
      const max = 1 + Math.floor(random() * 8);
      const ended = text.split('\n').slice(0, -1);
      // A line that has not ended is told as soon as it is too long.
      const rest = text.split('\n').at(-1) ?? '';
      const expected = ended.map((line, index) => [index + 1, line.length > max ? undefined : line]);
      if (rest.length > max) expected.push([ended.length + 1, undefined]);
      const lines = new InputLines(max);
      const found: unknown[] = [];
      for (let at = 0; at < text.length; ) {
        const octets = 1 + Math.floor(random() * 10);
        lines.push(Buffer.from(text.slice(at, at + octets), 'latin1'));
        at += octets;
        if (random() < 0.5) found.push(...all(lines));
      }
      found.push(...all(lines));
      expect(found, `seed ${seed}, round ${round}`).toEqual(expected);
      expect(lines.waiting, `seed ${seed}, round ${round}`).toBe(rest.length > max ? 0 : rest.length);
    }
  });

  it('that are too long are told once, and not kept', () => {
    const lines = new InputLines(1000);
    lines.push(Buffer.alloc(1001, 'a'));
    expect(all(lines)).toEqual([[1, undefined]]);
    for (let i = 0; i < 100; i++) {
      lines.push(Buffer.alloc(100_000, 'a'));
      expect(all(lines)).toEqual([]);
      expect(lines.waiting).toBe(0);
    }
    lines.push(Buffer.from('a\nb\n'));
    expect(all(lines)).toEqual([[2, 'b']]);
  });
});
