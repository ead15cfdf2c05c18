import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTANTS, mutate } from './mutants.js';

it.each(MUTANTS)('still changes its file: $name', (mutant) => {
  const source = readFileSync(new URL(`../../src/${mutant.file}`, import.meta.url), 'utf8');
  expect(mutate(mutant, source)).not.toBe(source);
});

it('refuses a mutant whose text is not there exactly once', () => {
  const mutant = { name: 'M', file: 'm.ts', find: 'one', replace: 'two' };
  expect(() => mutate(mutant, 'three')).toThrow('mutant "M": its text occurs 0 times in src/m.ts, not once');
  expect(() => mutate(mutant, 'one one')).toThrow('2 times');
});
