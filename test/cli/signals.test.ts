import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN } from '../support/cli.js';
import { signalled } from '../support/signalled.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-signals-'));
const config = join(folder, 'adotd.yaml');
const serve = ['serve', '--config', config];
const fixture = ['fixture', '--no-tls'];
/** Takes longer than the signals need. */
const check = ['check', join(folder, 'large.test.zone')];

beforeAll(() => {
  writeFileSync(config, 'port: 0\ntls: { enabled: false }\nworkers: embedded\nzones: { folder: . }\n');
  const records = Array.from({ length: 600_000 }, (_, i) => `n${i} A 192.0.2.1\n`).join('');
  writeFileSync(check[1] ?? '', `@ 60 SOA n1 n1 1 2 3 4 5\n@ NS n1\n${records}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('signals from the first user code on', () => {
  it.each([
    { signal: 'SIGHUP', words: serve, end: undefined, line: /^ready / },
    { signal: 'SIGUSR1', words: serve, end: undefined, line: /^ready / },
    { signal: 'SIGTERM', words: serve, end: 0, line: /^$/ },
    { signal: 'SIGINT', words: serve, end: 0, line: /^$/ },
    { signal: 'SIGUSR1', words: fixture, end: undefined, line: /^\{"address"/ },
    { signal: 'SIGTERM', words: fixture, end: 0, line: /^$/ },
    { signal: 'SIGINT', words: fixture, end: 0, line: /^$/ },
    { signal: 'SIGUSR1', words: check, end: 0, line: /^$/ },
    { signal: 'SIGTERM', words: check, end: 'SIGTERM', line: /^$/ },
    { signal: 'SIGINT', words: check, end: 'SIGINT', line: /^$/ },
    { signal: 'SIGHUP', words: check, end: 'SIGHUP', line: /^$/ },
  ] as const)('$signal every 20 ms: adotd $words.0 ends with $end', async ({ signal, words, end, line }) => {
    const more = words === check ? { unhandled: true, most: 5 } : {};
    const found = await signalled({ signal, words, ...more });
    expect(found).toMatchObject({ end, inspected: false });
    expect(found.line).toMatch(line);
    expect(found.count).toBeGreaterThan(0);
  });

  it('HUP ends a fixture, as it did before', async () => {
    // It may have been ready before the first signal: then it has ended after it.
    const { end, line } = await signalled({ signal: 'SIGHUP', words: fixture });
    expect(end === 0 || line.startsWith('{')).toBe(true);
  });

  it('leave an inspector alone that the command line asks for', async () => {
    const { inspected } = await signalled({ signal: 'SIGUSR1', words: serve, options: ['--inspect'] });
    expect(inspected).toBe(true);
  });
});

describe('the program', () => {
  it('loads next to nothing before it handles signals', () => {
    const loaded = new Map<string, string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      const text = readFileSync(file, 'utf8');
      loaded.set(file, text);
      for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*"([^"]+)"/g)) {
        // Modules of Node are in it already; a package would have to be found and read.
        if (name.startsWith('.')) load(join(dirname(file), name));
        else expect(name).toMatch(/^node:/);
      }
    };
    load(MAIN);
    expect(loaded.size).toBeLessThanOrEqual(4);
    expect([...loaded.values()].join('').length).toBeLessThan(8000);
    const main = loaded.get(MAIN) ?? '';
    expect(main).toContain('handleSignals(');
    expect(main.indexOf('import(')).toBeGreaterThan(main.lastIndexOf('handleSignals('));
  });
});
