/** Reads YAML, and tells the place of each value and key: mistakes are reported with their line and column. */
import { type Document, isMap, isNode, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import type { Diagnostic } from '../zone/diagnostics.js';
import { ConfigError } from './config-error.js';
import type { Path } from './issues.js';
import { yamlMistake } from './yaml-mistakes.js';

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

/** The YAML in `text`; messages name `file`. */
export function openYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  // Otherwise the library writes warnings of its own to standard error, about keys that are lists or maps.
  const quiet = { stringKeys: true, logLevel: 'error' } as const;
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, ...quiet });
  const { contents } = document;
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const mistake = (offset: number, message: string): Diagnostic => ({ severity: 'error', ...at(offset), message });
  return {
    value() {
      const found = [
        ...[...document.errors, ...document.warnings].map((error) =>
          mistake(error.pos[0], `not YAML: ${yamlMistake(error)}`),
        ),
        ...aliasMistakes(document).map(({ source, offset, message }) => mistake(offset, `*${source}: ${message}`)),
      ];
      if (found.length > 0) throw new ConfigError(found);
      try {
        return document.toJS({ maxAliasCount: MAX_ALIASES });
      } catch {
        // Nothing else is left that the library could refuse.
        const message = `aliases (*name) stand for more than ${MAX_ALIASES} values; expected fewer: write the values out`;
        throw new ConfigError([mistake(0, message)]);
      }
    },
    placeOf: (path) => at(startOf(nodeAt(contents, path))),
    placeOfKey: (path) => at(keyOffset(contents, path)),
  };
}

interface AliasMistake {
  readonly source: string;
  readonly offset: number;
  readonly message: string;
}

/** Aliases that stand for nothing, or within their own anchor's value (`&a [*a]`): YAML allows these, but such a value has no end. */
function aliasMistakes(document: Document): AliasMistake[] {
  const found: AliasMistake[] = [];
  visit(document, {
    // An anchor stands before its aliases: the node of a cycle is among those around the alias.
    Alias(_, alias, path) {
      const target = alias.resolve(document);
      const message =
        target === undefined
          ? `found an alias that stands for nothing; expected &${alias.source} before it, or the text in quotes`
          : 'found an alias within what it stands for; expected a value that ends';
      if (target === undefined || path.includes(target)) {
        found.push({ source: alias.source, offset: alias.range?.[0] ?? 0, message });
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
