import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonSchema, referenceMarkdown } from '../../src/config/reference.js';
import { defaultConfig } from '../../src/config/schema.js';

/** Every key with a value of its own, as `a.b`. */
function keys(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keys(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}

describe('the configuration reference', () => {
  it('stands in README.md as `npm run docs` writes it', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(referenceMarkdown());
  });

  it('has every key, with a meaning', () => {
    const rows = referenceMarkdown().trimEnd().split('\n').slice(2);
    for (const row of rows) expect(row).toMatch(/^\| `[a-z0-9_.[\]]+` \|.*\|.*\| .{10,} \|$/);
    for (const key of keys(defaultConfig()))
      expect(
        rows.some((row) => row.startsWith(`| \`${key}\` |`)),
        key,
      ).toBe(true);
  });

  it('gives every number bounds and a default in the schema', () => {
    const check = (schema: Record<string, unknown>, path: string): void => {
      if (schema.type === 'integer' && !path.endsWith('workers')) {
        expect(schema, path).toMatchObject({ minimum: expect.any(Number), maximum: expect.any(Number) });
        expect(schema.default, path).toBeGreaterThanOrEqual(Number(schema.minimum));
        expect(schema.default, path).toBeLessThanOrEqual(Number(schema.maximum));
      }
      for (const [key, inner] of Object.entries(schema.properties ?? {})) check(inner, `${path}.${key}`);
    };
    check(jsonSchema(), '');
  });
});
