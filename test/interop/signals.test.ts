/** Signals of process 1, which the system ignores unless there is a handler: in a PID namespace. Needs root. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { signalled } from '../support/signalled.js';

const WITHIN = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const missing = withoutNamespaces();

/** Says why no PID namespace can be made here; with CI=true that is an error. */
function withoutNamespaces(): string {
  const { status, stderr, error } = spawnSync('unshare', [...WITHIN.slice(1), 'true'], { encoding: 'utf8' });
  if (status === 0) return '';
  const text = `no PID namespace can be made: ${error?.message ?? stderr.trim()}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-signals-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, 'adotd.yaml');
writeFileSync(config, 'port: 0\ntls: { enabled: false }\nworkers: embedded\nzones: { folder: . }\n');
const serve = ['serve', '--config', config];
const fixture = ['fixture', '--no-tls'];
/** Waits for an answer that never comes. */
const query = ['query', 'example.test', '@127.0.0.1', '--port', '9', '--tries', '1', '--timeout', '20'];

describe.skipIf(missing)(`signals of process 1${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each([
    { signal: 'SIGHUP', words: serve, end: undefined, line: /^ready / },
    { signal: 'SIGUSR1', words: serve, end: undefined, line: /^ready / },
    { signal: 'SIGTERM', words: serve, end: 0, line: /^$/ },
    { signal: 'SIGINT', words: serve, end: 0, line: /^$/ },
    { signal: 'SIGTERM', words: fixture, end: 0, line: /^$/ },
    { signal: 'SIGTERM', words: query, end: 143, line: /^$/ },
    { signal: 'SIGINT', words: query, end: 130, line: /^$/ },
    { signal: 'SIGHUP', words: query, end: 129, line: /^$/ },
  ] as const)('$signal every 20 ms: adotd $words.0 ends with $end', async ({ signal, words, end, line }) => {
    const found = await signalled({ signal, words, within: WITHIN });
    expect(found).toMatchObject({ end, inspected: false });
    expect(found.line).toMatch(line);
    expect(found.count).toBeGreaterThan(0);
  });
});
