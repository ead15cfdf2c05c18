/** The tables of docs/configuration.md, and the JSON Schema for editors. Both are made from the schema. */
import * as z from 'zod/mini';
import { configSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of adotd.yaml, as it is before defaults are filled in. */
export function jsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'adotd.yaml' };
}

/** The place of a table: the top-level keys that it describes stand in the comment before it. */
const TABLE = /<!-- keys: ([a-z0-9_, ]+) -->\n.*?<!-- end of keys -->/gs;

/**
 * `page` with each of its tables written anew. Throws when a top-level key is described nowhere or twice, or when a table
 * names a key that does not exist.
 */
export function withReferenceTables(page: string): string {
  const rows = referenceRows();
  const missing = new Set(rows.map(([key]) => topLevel(key)));
  const written = page.replace(TABLE, (_, list: string) => {
    const names = list.split(', ');
    for (const name of names) {
      if (!missing.delete(name)) throw new Error(`docs/configuration.md: ${name} is no key, or is described twice`);
    }
    const own = rows.filter(([key]) => names.includes(topLevel(key))).map(([, row]) => row);
    const table = ['| key | default | allowed | meaning |', '|---|---|---|---|', ...own].join('\n');
    return `<!-- keys: ${list} -->\n\n${table}\n\n<!-- end of keys -->`;
  });
  if (missing.size > 0) throw new Error(`docs/configuration.md describes no ${[...missing].join(', ')}`);
  return written;
}

/** `zones.files[].name` → `zones`. */
function topLevel(key: string): string {
  return key.replace(/[.[].*/, '');
}

/** Every key, such as `tls.padding`, with its row of a table. */
export function referenceRows(): (readonly [key: string, row: string])[] {
  return rowsOf('', jsonSchema());
}

function rowsOf(prefix: string, schema: Record<string, unknown>): (readonly [key: string, row: string])[] {
  return Object.entries(record(schema.properties)).flatMap(([name, value]) => {
    const property = record(value);
    const key = `${prefix}${name}`;
    if (property.properties !== undefined) return rowsOf(`${key}.`, property);
    const fallback = property.default === undefined ? '' : `\`${JSON.stringify(property.default)}\``;
    const row = `| \`${key}\` | ${fallback} | ${allowed(property)} | ${property.description ?? ''} |`;
    const inner = property.type === 'array' ? rowsOf(`${key}[].`, record(property.items)) : [];
    return [[key, row] as const, ...inner, ...rowsOf(`${key}.NAME.`, record(property.additionalProperties))];
  });
}

function allowed(property: Record<string, unknown>): string {
  if (typeof property.range === 'string') return property.range;
  if (Array.isArray(property.anyOf)) return property.anyOf.map((option) => allowed(record(option))).join(', ');
  if (Array.isArray(property.enum)) return property.enum.map((value) => `\`${value}\``).join(', ');
  if (property.const !== undefined) return `\`${String(property.const)}\``;
  if (property.type === 'integer') {
    const unit = typeof property.unit === 'string' && property.unit !== 'port' ? ` ${property.unit}` : '';
    return `${property.minimum}–${property.maximum}${unit}`;
  }
  if (property.type === 'boolean') return '`true`, `false`';
  if (property.type === 'object') return 'map';
  return property.type === 'array' ? 'list' : 'text';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
