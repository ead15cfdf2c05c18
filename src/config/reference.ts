/** The configuration reference in Markdown, and the JSON Schema for editors, both made from the schema. */
import * as z from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of adotd.yaml, as it is before defaults are filled in. */
export function jsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'adotd.yaml' };
}

/** A Markdown table with a row for every key. */
export function referenceMarkdown(): string {
  const rows = ['| key | default | allowed | meaning |', '|---|---|---|---|'];
  addRows(rows, '', jsonSchema());
  return `${rows.join('\n')}\n`;
}

function addRows(rows: string[], prefix: string, schema: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(record(schema.properties))) {
    const property = record(value);
    const name = `${prefix}${key}`;
    if (property.properties !== undefined) {
      addRows(rows, `${name}.`, property);
      continue;
    }
    const fallback = property.default === undefined ? '' : `\`${JSON.stringify(property.default)}\``;
    rows.push(`| \`${name}\` | ${fallback} | ${allowed(property)} | ${property.description ?? ''} |`);
    if (property.type === 'array') addRows(rows, `${name}[].`, record(property.items));
  }
}

function allowed(property: Record<string, unknown>): string {
  if (Array.isArray(property.anyOf)) return property.anyOf.map((option) => allowed(record(option))).join(', ');
  if (Array.isArray(property.enum)) return property.enum.map((value) => `\`${value}\``).join(', ');
  if (property.type === 'integer') {
    const unit = typeof property.unit === 'string' && property.unit !== 'port' ? ` ${property.unit}` : '';
    return `${property.minimum}–${property.maximum}${unit}`;
  }
  if (property.type === 'boolean') return '`true`, `false`';
  return property.type === 'array' ? 'list' : 'text';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
