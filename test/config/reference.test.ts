import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { jsonSchema, referenceRows, withReferenceTables } from '../../src/config/reference.js';
import { defaultConfig } from '../../src/config/schema.js';
import { textOf } from '../repository/files.js';

/** Every key with a value of its own, as `a.b`. */
function keys(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keys(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}

describe('the configuration reference', () => {
  const page = textOf('docs/configuration.md');

  it('stands in docs/configuration.md as `npm run docs` writes it', () => {
    expect(page).toBe(withReferenceTables(page));
  });

  it('has every key, with a meaning', () => {
    const rows = referenceRows();
    for (const [key, row] of rows) {
      expect(row).toMatch(/^\| `(?:[a-z0-9_.[\]]|\.NAME\.)+` \|.*\|.*\| .{10,} \|$/);
      expect(page, key).toContain(row);
    }
    for (const key of keys(defaultConfig())) expect(rows.map(([name]) => name)).toContain(key);
  });

  it('has a text for each key of a group that no other one of it has', () => {
    const texts = referenceRows().map(([key, row]) =>
      [key.replace(/[^.]+$/, ''), row.split('|').at(-2)?.trim()].join(),
    );
    expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([]);
  });

  it('describes each key once', () => {
    const table = (list: string): string => `<!-- keys: ${list} -->\n<!-- end of keys -->`;
    const all = Object.keys(jsonSchema().properties ?? {}).join(', ');
    expect(withReferenceTables(table(all))).toContain('| `tls.padding` |');
    expect(() => withReferenceTables(table(all.replace(', tls,', ',')))).toThrow('describes no tls');
    expect(() => withReferenceTables(table(`${all}, tls`))).toThrow('tls is no key, or is described twice');
    expect(() => withReferenceTables(table(`${all}, colour`))).toThrow('colour is no key');
  });

  it('has before each table an example that is a configuration and sets one of its keys', () => {
    const groups = page.split(/^## /m).slice(1);
    expect(groups.length).toBeGreaterThan(10);
    for (const group of groups) {
      const title = group.split('\n', 1)[0];
      const [, example = '', list = ''] = /```yaml\n(.*?)```.*<!-- keys: (.*?) -->/s.exec(group) ?? [];
      const set = Object.keys(parseConfig(example, title ?? '')).filter((key) => list.split(', ').includes(key));
      expect(set.filter((key) => new RegExp(`^${key}:`, 'm').test(example)).length, title).toBeGreaterThan(0);
    }
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
