/** The mistakes that a schema finds, in words: the found value, and the expected one. */
import { inspect } from 'node:util';
import type * as z from 'zod/mini';
import { AdotdError, counted, ErrorCode } from '../errors.js';
import { nearest } from './nearest.js';
import { removalOf } from './removed-keys.js';
import { configSchema } from './schema.js';

/** Keys and indexes, outermost first. */
export type Path = readonly PropertyKey[];

/** ADOTD_CONFIG for mistakes in a value that comes from no file. `schema`: the schema that found them. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  schema: z.core.$ZodType = configSchema,
): AdotdError {
  const lines = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey(issue.path, key, schema))
      : [describe(issue, value)],
  );
  return new AdotdError(ErrorCode.CONFIG, lines.join('\n'));
}

/** `sessions.max`, `zones.files[0].file`. */
function pathText(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** The message for a key that the schema does not know. */
export function unknownKey(path: Path, key: string, schema: z.core.$ZodType = configSchema): string {
  const removal = removalOf([...path, key]);
  if (removal !== undefined) return `${pathText([...path, key])}: ${removal}`;
  const known = knownKeys(path, schema);
  const near = nearest(key, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
  return `${pathText([...path, key])}: unknown key; ${hint}`;
}

/** The keys that the schema knows at `path`. */
function knownKeys(path: Path, whole: z.core.$ZodType): string[] {
  let def = definitionOf(whole);
  for (const key of path) {
    const { element, shape, valueType } = def;
    const named = isRecord(shape) ? shape[String(key)] : valueType;
    def = definitionOf(typeof key === 'number' ? element : named);
  }
  return isRecord(def.shape) ? Object.keys(def.shape) : [];
}

/** The definition of a schema, without `_default()`, `optional()` and the like around it; of several choices, that of the map. */
function definitionOf(schema: unknown): Record<string, unknown> {
  let def = isRecord(schema) && isRecord(schema.def) ? schema.def : {};
  while (isRecord(def.innerType) && isRecord(def.innerType.def)) def = def.innerType.def;
  const choices: unknown[] = Array.isArray(def.options) ? def.options : [];
  return choices.map(definitionOf).find(({ shape }) => shape !== undefined) ?? def;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The message for any other mistake. `whole`: the value that was checked. */
export function describe(issue: z.core.$ZodIssue, whole: unknown): string {
  const path = pathText(issue.path);
  return path === '' ? foundAndExpected(issue, whole) : `${path}: ${foundAndExpected(issue, whole)}`;
}

/** The same without the path. */
export function foundAndExpected(issue: z.core.$ZodIssue, whole: unknown): string {
  let value = whole;
  for (const key of issue.path) value = isRecord(value) ? value[String(key)] : undefined;
  if (value === undefined) return `missing; ${expected(issue)}`;
  return `found ${shown(value)}, ${expected(issue)}${isUnquoted(issue, value) ? ': put it in quotes' : ''}`;
}

/**
 * Whether quotes are missing: if unquoted text looks like a number or a truth value, YAML takes it for one. A secret may have no letters.
 */
function isUnquoted(issue: z.core.$ZodIssue, value: unknown): boolean {
  return issue.code === 'invalid_type' && issue.expected === 'string' && ['number', 'boolean'].includes(typeof value);
}

/** The expectation in our words: messages of the schema's library are shown only if we have given them. */
function expected(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith('expected ')) return issue.message;
  switch (issue.code) {
    case 'custom':
      return issue.message;
    case 'invalid_type':
      return `expected ${issue.expected === 'int' ? 'a whole number' : article(issue.expected)}`;
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return `expected at least ${amount(Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `expected at most ${amount(Number(issue.maximum), issue.origin)}`;
    case 'invalid_key':
      return issue.issues.map(expected).join(', or ') || 'expected another name';
    case 'invalid_union': {
      const branches = issue.errors.flatMap((issues) => issues.slice(0, 1).map(expected));
      return [...new Set(branches)].join(', or ').replaceAll(', or expected', ' or') || 'expected another value';
    }
    default:
      return 'expected another value';
  }
}

/** `3 characters`, `1 entry`, `65535`. */
function amount(count: number, origin: string): string {
  if (origin === 'string') return counted(count, 'character');
  return origin === 'array' ? counted(count, 'entry', 'entries') : String(count);
}

function article(type: string): string {
  if (type === 'object' || type === 'record') return 'a map of keys and values';
  if (type === 'array') return 'a list';
  if (type === 'boolean') return 'true or false';
  return type === 'string' ? 'text' : `a ${type}`;
}

/** The value as JSON if possible. Callers of the API may give values that have no JSON. */
function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // It contains itself, or a BigInt.
  }
  text ??= inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
