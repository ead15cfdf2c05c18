import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { stateMistakes } from '../../../src/server/checks/state-check.js';
import { openStore } from '../../state/open-store.js';
import { imageOf } from '../../state/stored.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-state-check-'));
  folders.push(folder);
  return folder;
};

function found(folder: string, catalogs: object[] = [], more: object = {}): string[] {
  const config = configSchema.parse({
    ...more,
    state: { folder },
    remotes: [{ name: 'first', addresses: ['192.0.2.1'] }],
    zones: { secondary: [{ zones: ['a.test', 'B.test'], from: ['first'] }], catalogs },
  });
  const served = new Set(['a.test.', 'b.test.', 'file.test.']);
  const placeOf = (): { file: string; line: number; column: number } => ({ file: 'adotd.yaml', line: 1, column: 1 });
  return stateMistakes(config, { served, now: 0, isForced: false }, placeOf).map(
    ({ severity, message }) => `${severity}: ${message}`,
  );
}

describe('the state folder of a configuration', () => {
  it('has nothing to say before the first start', () => {
    const folder = newFolder();
    expect([found(folder), found(join(folder, 'missing')), readdirSync(folder)]).toEqual([[], [], []]);
  });

  it('is looked at while a server uses it: zones that are missing, and zones too many', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    for (const zone of ['a.test.', 'file.test.', 'old.test.', 'gone.test.'])
      await store.commit(zone, { generation: imageOf(zone, 1) });
    await store.commit('gone.test.', { remove: true });
    await store.note('b.test.', { role: 'secondary' });
    const before = readFileSync(join(folder, 'ledger-1'));
    const missing = 'warning: zone b.test. was never transferred: nothing of it is stored';
    expect(found(folder)).toEqual([
      missing,
      'warning: zone old.test. is stored, and no configuration names it: it is not served',
    ]);
    const catalog = { zone: 'file.test', from: ['first'] };
    expect(found(folder, [catalog])).toEqual([missing]);
    expect(readFileSync(join(folder, 'ledger-1'))).toEqual(before);
    await store.close();
  });

  it('is of the user that the server becomes, or cannot be used', () => {
    const folder = newFolder();
    expect(found(folder, [], { user: 'nobody' })).toEqual([
      expect.stringMatching(/^error: state \S+: the folder belongs to user \d+, the server runs as user \d+; /),
    ]);
    // Root makes it, and the folders above it, and gives it to the user.
    chmodSync(folder, 0o755);
    expect(found(join(folder, 'new', 'state'), [], { user: 'nobody' })).toEqual([]);
    expect(found(join(folder, 'new', 'state'))).toEqual([
      expect.stringMatching(/^error: .*create the folder above it/),
    ]);
    chmodSync(folder, 0o700);
    expect(found(join(folder, 'state'), [], { user: 'nobody' })).toEqual([
      expect.stringMatching(/^error: .*nobody may not enter a folder above it/),
    ]);
  });

  it.each(['mark', 'ledger-1', 'lock'])('is not waited for where %s is a pipe', (name) => {
    const folder = newFolder();
    execFileSync('mkfifo', [join(folder, name)]);
    expect(found(folder)).toEqual([expect.stringMatching(/^error: .*expected a file, found a pipe/)]);
  });

  it('that is damaged, or cannot be used, is an error', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    for (const zone of ['a.test.', 'b.test.']) await store.commit(zone, { generation: imageOf(zone, 1) });
    await store.close();
    const ledger = join(folder, 'ledger-1');
    const octets = readFileSync(ledger);
    writeFileSync(ledger, octets.fill(0, 0, Math.floor(octets.length / 2)));
    expect(found(folder)[0]).toMatch(/^error: state .*ledger-1: octets 0 to [0-9]+ are damaged; .*accept-loss/);
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(found(file)).toEqual([expect.stringContaining('expected a folder, found a file')]);
    chmodSync(folder, 0o500);
    // Root may do everything.
    if (process.geteuid?.() !== 0)
      expect(found(folder)[0]).toMatch(/^error: .*give the folder and its files to the user/);
    chmodSync(folder, 0o700);
  });
});
