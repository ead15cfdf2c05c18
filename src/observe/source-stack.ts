/**
 * Stacks in terms of src/. The package holds bundles, and Node.js would read their source maps at every start (measured: 20 to 37
 * ms). So a map is read only when a stack is shown.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A place in a stack: `file:///opt/adotd/dist/chunks/serve-ABC.js:12:34`. */
const PLACE = /file:\/\/[^\s():]+\.m?js:\d+:\d+/g;

/** The stack of an error, its places in the sources where a map tells them. */
export function sourceStack(error: Error): string {
  const maps = new Map<string, SourceMap | undefined>();
  return (error.stack ?? String(error)).replace(PLACE, (place) => {
    const [, url = '', line = '', column = ''] = /^(.*):(\d+):(\d+)$/.exec(place) ?? [];
    const file = fileURLToPath(url);
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return place;
    const source = join(dirname(file), entry.originalSource);
    return `${relative(packageFolder(file), source)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    // Not ours, or its map was left out: the place is shown as it is.
    return undefined;
  }
}

function packageFolder(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/dist/')));
}
