import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textOf } from './files.js';

const STATIC = /^(?:import|export)\s(?!type\s)(?:[^;']*?from\s+)?'([^']+)';/gms;

/** All that is loaded with a module of ours, and the packages among it; what it imports later is not. */
function loadedWith(entry: string): { readonly own: ReadonlySet<string>; readonly packages: readonly string[] } {
  const own = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (own.has(path)) return;
    own.add(path);
    for (const [, name = ''] of textOf(path).matchAll(STATIC)) {
      if (name.startsWith('.')) visit(normalize(join(dirname(path), name.replace(/\.js$/, '.ts'))));
      else if (!name.startsWith('node:')) packages.add(name);
    }
  };
  visit(entry);
  return { own, packages: [...packages].sort() };
}

/** Every test file that uses the package pays for what it loads. Measured: 0.5 ms for each module. */
describe('importing the package', () => {
  it('loads what a fixture has a use for', () => {
    const { own, packages } = loadedWith('src/index.ts');
    expect(packages).toEqual(['zod/mini']);
    expect([...own]).toContain('src/server/plane/embedded.ts');
    const others = [
      'src/server/plane/threads.ts',
      'src/server/tls-service.ts',
      'src/observe/tap/tap.ts',
      'src/config/load.ts',
    ];
    expect(others.filter((path) => own.has(path))).toEqual([]);
  });

  it('loads dns-packet, and no more, with the client', () => {
    expect(loadedWith('src/client/index.ts').packages).toEqual(['dns-packet']);
  });
});
