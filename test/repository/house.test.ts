import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportsOf, imports, importsFromOutside, modules } from './modules.js';

/** Modules whose exports are for programs outside of the repository. */
const ENTRIES = ['src/index.ts', 'src/client/index.ts', 'src/testing/index.ts'];

/** Each circle once, as the paths of its modules in order of their names: the strongly connected parts (Tarjan 1972). */
function circles(): string[][] {
  const graph = new Map<string, Set<string>>(modules.map((path) => [path, new Set()]));
  for (const { from, to } of imports) graph.get(from)?.add(to);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (module: string): void => {
    index.set(module, index.size);
    low.set(module, index.size - 1);
    stack.push(module);
    for (const next of graph.get(module) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(module, Math.min(low.get(module) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(module) !== index.get(module)) return;
    const part = stack.splice(stack.indexOf(module));
    if (part.length > 1) found.push(part.sort());
  };
  for (const module of modules) if (!index.has(module)) visit(module);
  return found.sort();
}

function unusedExports(): string[] {
  const used = new Map<string, Set<string>>(modules.map((path) => [path, new Set()]));
  for (const { to, names } of [...imports, ...importsFromOutside]) for (const name of names) used.get(to)?.add(name);
  return modules
    .filter((path) => !ENTRIES.includes(path))
    .flatMap((path) => {
      const names = used.get(path) ?? new Set();
      return names.has('*')
        ? []
        : exportsOf(path)
            .filter((name) => !names.has(name))
            .map((name) => `${path}: ${name}`);
    });
}

/** Base names that stand twice within a folder of src: `client edns.ts`. */
function duplicateNames(): string[] {
  const seen = new Map<string, number>();
  for (const path of modules) {
    const key = `${path.split('/')[1]} ${basename(path)}`;
    if (basename(path) !== 'index.ts') seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen].filter(([, count]) => count > 1).map(([key]) => key);
}

describe('the house', () => {
  it('has no modules that import each other in a circle, types included', () => {
    expect(circles()).toEqual([]);
  });

  it('has a base name once within a folder of src', () => {
    expect(duplicateNames()).toEqual([]);
  });

  it('has no more than 25 files in a folder', () => {
    const folders = new Map<string, number>();
    for (const path of modules) folders.set(dirname(path), (folders.get(dirname(path)) ?? 0) + 1);
    expect([...folders].filter(([, count]) => count > 25)).toEqual([]);
  });

  it('exports nothing that nobody imports', () => {
    expect(unusedExports()).toEqual([]);
  });
});
