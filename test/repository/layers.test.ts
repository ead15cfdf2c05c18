import { describe, expect, it } from 'vitest';
import { imports, modules as sources } from './modules.js';

/** Each layer may import from itself and from those before it. */
const LAYERS = [
  'protocol',
  'zone',
  'dnssec',
  'image',
  'state',
  'answer',
  'transfer',
  'session',
  'native',
  'tls',
  'transport',
  'report',
  'page',
  'server',
  'fixture',
  'cli',
];
/** Imported by server, fixture, cli and the API only; they may import what is below server. */
const ASIDE = ['config', 'observe'];
/** The client judges the server: of all layers it shares the numbers of the IANA registries only. */
const CLIENT = 'client';
/** For everybody: the table of errors, the version of the package, and what is known of ports without DNS. */
const COMMON = ['errors.ts', 'version.ts', 'wrong-port.ts'];
/** Above the API, src/index.ts: helpers for tests. */
const TESTING = 'testing';

/** The folder below src, or the file itself when it lies in src. */
const layerOf = (path: string): string => path.split('/')[1] ?? '';

describe('the imports of src', () => {
  it('lead to files that are there', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.filter(({ to }) => !sources.includes(to))).toEqual([]);
  });

  it('go in one direction only', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [upper, lower] = [layerOf(from), layerOf(to)];
      if (upper === lower || COMMON.includes(lower) || upper === 'index.ts') return false;
      if (lower === 'index.ts') return upper !== TESTING;
      if (upper === CLIENT) return to !== 'src/protocol/iana.ts';
      if (lower === CLIENT) return upper !== 'cli';
      if (ASIDE.includes(lower)) return !['server', 'fixture', 'cli', ...ASIDE].includes(upper);
      const rank = ASIDE.includes(upper) ? LAYERS.indexOf('server') : LAYERS.indexOf(upper);
      return rank < 0 || LAYERS.indexOf(lower) < 0 || LAYERS.indexOf(lower) >= rank;
    });
    expect(wrong).toEqual([]);
  });

  it('name every layer that there is', () => {
    const folders = new Set(sources.map(layerOf).filter((name) => !name.endsWith('.ts')));
    for (const folder of folders) expect([...LAYERS, ...ASIDE, CLIENT, TESTING]).toContain(folder);
  });
});
