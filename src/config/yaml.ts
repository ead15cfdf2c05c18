/** Reads YAML, and tells the place of each value and key: mistakes are reported with their line and column. */
import { type Document, isMap, isNode, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import { messageOf } from '../errors.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import { ConfigError } from './config-error.js';
import type { Path } from './issues.js';

export type Place = Pick<Diagnostic, 'file' | 'line' | 'column'>;

interface YamlFile {
  /** The value of the file; null when it is empty. Throws ConfigError when it is no YAML, or when an alias contains itself. */
  value(): unknown;
  /** The place of the value at a path. If it is missing: the place of the map or list that lacks it. */
  placeOf(path: Path): Place;
  /** The place of the key at the end of a path. If it is missing: the place of the map that lacks it. */
  placeOfKey(path: Path): Place;
}

/** Limits nested aliases, so that a short text cannot become a huge value. The default of the library. */
const MAX_ALIASES = 100;

/** The YAML in `text`; `file` is what messages name. */
export function openYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const { contents } = document;
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const mistake = (offset: number, message: string): Diagnostic => ({ severity: 'error', ...at(offset), message });
  return {
    value() {
      const found = [
        ...[...document.errors, ...document.warnings].map(({ pos, message }) =>
          mistake(pos[0], `not YAML: ${message}`),
        ),
        ...aliasCycles(document).map(({ source, offset }) =>
          mistake(offset, `*${source}: found an alias within what it stands for; expected a value that ends`),
        ),
      ];
      if (found.length > 0) throw new ConfigError(found);
      try {
        return document.toJS({ maxAliasCount: MAX_ALIASES });
      } catch (error) {
        throw new ConfigError([mistake(0, `not YAML: ${messageOf(error)}`)]);
      }
    },
    placeOf: (path) => at(startOf(nodeAt(contents, path))),
    placeOfKey: (path) => at(keyOffset(contents, path)),
  };
}

/** Aliases that stand within their own anchor's value (`&a [*a]`). YAML allows them, but such a value has no end. */
function aliasCycles(document: Document): { readonly source: string; readonly offset: number }[] {
  const found: { source: string; offset: number }[] = [];
  visit(document, {
    // An anchor stands before its aliases: the node of a cycle is among those around the alias.
    Alias(_, alias, path) {
      const target = alias.resolve(document);
      if (target !== undefined && path.includes(target)) {
        found.push({ source: alias.source, offset: alias.range?.[0] ?? 0 });
      }
    },
  });
  return found;
}

function nodeAt(contents: ParsedNode | null, path: Path): ParsedNode | undefined {
  let node: ParsedNode | undefined = contents ?? undefined;
  for (const key of path) {
    if (!node || !('get' in node)) return node;
    const next: unknown = node.get(typeof key === 'symbol' ? String(key) : key, true);
    if (!isNode(next) || !next.range) return node;
    node = next as ParsedNode;
  }
  return node;
}

function keyOffset(contents: ParsedNode | null, path: Path): number {
  const key = path.at(-1);
  const map = nodeAt(contents, path.slice(0, -1));
  // The items of a list have no keys.
  if (!isMap(map)) return startOf(nodeAt(contents, path));
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return isNode(pair?.key) ? startOf(pair.key) : startOf(map);
}

function startOf(node: ParsedNode | undefined): number {
  return node?.range[0] ?? 0;
}
