import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { counted } from '../src/errors.js';

describe('a count', () => {
  it('has the noun in the singular for one, in the plural for any other number', () => {
    expect([0, 1, 2].map((count) => counted(count, 'zone'))).toEqual(['0 zones', '1 zone', '2 zones']);
    expect([0, 1, 2].map((count) => counted(count, 'query', 'queries'))).toEqual(['0 queries', '1 query', '2 queries']);
  });

  it('is written by counted() wherever the number may be 1', () => {
    const nouns =
      'zones|rules|records|errors|warnings|files|queries|sessions|connections|lines|messages|entries|iterations';
    // Limits, and counts of at least two, stand in capitals or in lists.
    const careless = new RegExp(
      `\\$\\{(?![^}]*(?:MAX|limits\\.|keys\\.length|rows\\.length|asked|limit\\}))[^}]+\\} (?:(?!has )\\w+ )?(?:${nouns})\\b(?!=)`,
    );
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const found = sources.flatMap((file) =>
      readFileSync(`src/${file}`, 'utf8')
        .split('\n')
        .flatMap((line, index) => (careless.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});
