import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/client/client-settings.js';
import { CAPABILITY_TIMES, ClientErrorCode } from '../../src/client/index.js';
import { ROOT, textOf } from '../repository/files.js';
import { temporaryFolder } from '../tls/support.js';

const text = textOf('docs/client.md');
const blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1] ?? '');

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'node_modules'));
  symlinkSync(ROOT, join(folder.path, 'node_modules', 'adotd'));
});
afterAll(() => folder[Symbol.dispose]());

describe('docs/client.md', () => {
  it.each([
    [0, 'tls TLSv1.3 192.0.2.1\n'],
    [1, 'CLIENT_NOT_PRIVATE tls,starttls\n'],
    [2, 'false CLIENT_TSIG\n'],
  ])('shows program %d, which runs', (index, stdout) => {
    const file = folder.put(`example${index}.mjs`, blocks[index] ?? '');
    const ran = spawnSync(process.execPath, [file], { cwd: folder.path, encoding: 'utf8', timeout: 30_000 });
    expect(ran).toMatchObject({ status: 0, stderr: '', stdout });
  });

  it('names every error code', () => {
    for (const code of Object.values(ClientErrorCode)) expect(text).toContain(`\`${code}\``);
  });

  it('says the defaults as they are', () => {
    const { timeouts, udpTries, poolLimits } = settingsOf({});
    expect(CAPABILITY_TIMES).toEqual({ persistence: 3 * 86_400_000, failure: 3_600_000, damping: 86_400_000 });
    expect(text).toMatch(/`persistence`.*\| 3 days \|/);
    expect(text).toMatch(/`failure`.*\| 1 hour \|/);
    expect(text).toMatch(/`damping`.*\| 1 day \|/);
    for (const [name, value] of Object.entries(timeouts)) expect(text).toContain(`| \`${name}\` | ${value / 1000} s |`);
    expect(text).toContain(`\`udpTries\` (${udpTries})`);
    expect(text).toContain(`up to ${poolLimits.maxInFlight} outstanding`);
    expect(text).toContain(`up to ${poolLimits.maxConnections}.`);
    expect(poolLimits).toMatchObject({ idleMs: 10_000, maxIdleMs: 120_000 });
  });
});
