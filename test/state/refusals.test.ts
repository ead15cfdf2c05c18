import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EntryType, encodeEntry } from '../../src/state/entry.js';
import { scanFile } from '../../src/state/scan.js';
import { PLAN_FLAG } from '../../src/state/zone-facts.js';
import { newFolder, openStore } from './open-store.js';
import { between, imageOf } from './stored.js';

const ZONE = 'example.test.';
const NOBODY = 65534;

/** The error of opening a folder. */
async function refusal(folder: string): Promise<{ code: string; message: string }> {
  return openStore(folder).then(
    () => ({ code: '', message: 'it was opened' }),
    ({ code, message }) => ({ code, message }),
  );
}

describe('a state folder', () => {
  it('is for its user only, with all that is in it', async () => {
    const folder = newFolder();
    mkdirSync(folder, { mode: 0o755 });
    const { store } = await openStore(folder);
    await store.commit(ZONE, { generation: imageOf(ZONE, 1, 2000) });
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    await store.close();
    expect(mode(folder)).toBe('700');
    const inside = readdirSync(folder, { recursive: true, withFileTypes: true });
    const modes = inside.map((entry) => [
      entry.isDirectory() ? '700' : '600',
      mode(join(entry.parentPath, entry.name)),
    ]);
    expect(modes.length).toBeGreaterThan(6);
    expect(modes.filter(([expected, found]) => expected !== found)).toEqual([]);
  });

  it('is refused while another server uses it, and free again afterwards', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    expect(await refusal(folder)).toEqual({
      code: 'ADOTD_STATE',
      message: `state ${folder}: another adotd uses this folder; stop it, or give each server a state.folder of its own`,
    });
    await store.commit(ZONE, { generation: imageOf(ZONE, 1) });
    await store.close();
    expect((await openStore(folder)).store.zone(ZONE)?.serial).toBe(1);
  });

  it('is refused while another server uses it, also where its path is long', async () => {
    const folder = join(newFolder(), '..', 'a'.repeat(120));
    await openStore(folder);
    expect((await refusal(folder)).message).toContain('another adotd uses this folder');
  });

  it('is taken over from a process that has ended', async () => {
    const folder = newFolder();
    await (await openStore(folder)).store.close();
    // A socket that nobody listens on any more, as it stays behind when a process is killed.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'lock'), resolve));
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(join(folder, 'lock'), '');
    await openStore(folder);
    expect((await refusal(folder)).message).toContain('another adotd uses this folder');
  });

  it('is refused when a newer version wrote it', async () => {
    const folder = newFolder();
    await (await openStore(folder)).store.close();
    const entry = { type: EntryType.FILE, isRemoval: false, name: '', fields: [2], sequence: 1 };
    writeFileSync(join(folder, 'ledger-1'), encodeEntry(entry, new Uint8Array()).octets);
    expect(await refusal(folder)).toEqual({
      code: 'ADOTD_STATE',
      message: `state ${folder}/ledger-1: a newer version of adotd wrote it (format 2, this one reads up to 1); run that version, or import what it exports into an empty folder`,
    });
  });

  it('is refused when it is a file', async () => {
    const folder = newFolder();
    writeFileSync(folder, '');
    expect((await refusal(folder)).message).toBe(
      `state ${folder}: expected a folder, found a file; choose another state.folder`,
    );
  });

  it('is refused when the folder above it is missing', async () => {
    const folder = join(newFolder(), 'deeper');
    expect((await refusal(folder)).message).toBe(
      `state ${folder}: no such file or directory; create the folder above it, or choose another state.folder`,
    );
  });

  it('is refused when it is another user’s', async () => {
    const isRoot = process.geteuid?.() === 0;
    const folder = isRoot ? newFolder() : '/usr';
    if (isRoot) {
      mkdirSync(folder);
      chownSync(folder, NOBODY, NOBODY);
      onTestFinished(() => chownSync(folder, 0, 0));
    }
    const [owner, own] = isRoot ? [NOBODY, 0] : [0, process.geteuid?.()];
    expect((await refusal(folder)).message).toBe(
      `state ${folder}: the folder belongs to user ${owner}, the server runs as user ${own}; run as its owner, or give it to this user: chown -R ${own} ${folder}`,
    );
  });

  it('is refused when nothing can be made there', async () => {
    const { code, message } = await refusal('/sys/adotd-state');
    expect(code).toBe('ADOTD_STATE');
    expect(message).toMatch(
      /^state \/sys\/adotd-state: (operation not permitted|permission denied); give the folder and its files to the user that the server runs as \(chown -R\), or choose another state.folder$/,
    );
  });

  it('is read again when what is in it was made by nobody', async () => {
    const folder = newFolder();
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    writeFileSync(join(folder, 'notes.txt'), 'of the operator');
    await (await openStore(folder)).store.close();
    rmSync(join(folder, 'images'), { recursive: true });
    const { store, said } = await openStore(folder);
    expect([store.zones(), said]).toEqual([[], []]);
  });
});

/** Wipes the last entry of a file, of a type. */
function wipeEntry(path: string, wanted: number): void {
  const octets = readFileSync(path);
  const fd = openSync(path, 'r');
  let found: [from: number, to: number] = [0, 0];
  scanFile(fd, octets.length, ({ type, length }, at) => {
    if (type === wanted) found = [at, at + length];
  });
  closeSync(fd);
  writeFileSync(path, octets.fill(0, ...found));
}

describe('damage', () => {
  it('is named, with what was set aside, and settled when a generation is stored or the loss is accepted', async () => {
    const folder = newFolder();
    {
      const { store } = await openStore(folder);
      for (const zone of ['a.test.', 'b.test.', 'c.test.']) await store.commit(zone, { generation: imageOf(zone, 1) });
      await store.close();
    }
    const { size } = statSync(join(folder, 'ledger-1'));
    writeFileSync(join(folder, 'ledger-1'), Buffer.alloc(size));
    {
      const { store, said } = await openStore(folder);
      expect(said).toEqual([
        `state ${folder}/ledger-1: octets 0 to ${size} are damaged; what is there was copied to ${folder}/damaged/ledger-1-0`,
        expect.stringMatching(
          /changes may be lost: 0 zones stored before that, and those that it may have had, are not served; transfers heal/,
        ),
      ]);
      expect(await store.read('a.test.')).toMatchObject({ kind: 'unreadable' });
      await store.note('a.test.', { role: 'secondary' });
      expect(await store.read('a.test.')).toMatchObject({ kind: 'unreadable' });
      await store.commit('a.test.', { generation: imageOf('a.test.', 2) });
      expect(await store.read('a.test.')).toMatchObject({ kind: 'content', serial: 2 });
      await store.close();
    }
    {
      const { store, said } = await openStore(folder);
      expect(said).toEqual([expect.stringContaining('a loss of an earlier start is not settled: 0 zones')]);
      expect(await store.read('b.test.')).toMatchObject({ kind: 'unreadable' });
      await store.acceptLoss();
      expect(await store.read('b.test.')).toBeUndefined();
      await store.close();
    }
    const { store, said } = await openStore(folder);
    expect([said, store.loss]).toEqual([[], undefined]);
    expect(await store.read('a.test.')).toMatchObject({ kind: 'content', serial: 2 });
  });

  it('of both headers of an entry is told with the zones that it may concern, and what helps', async () => {
    const folder = newFolder();
    const zones = Array.from({ length: 12 }, (_, i) => `zone${i}.test.`);
    const { store } = await openStore(folder);
    for (const zone of zones) await store.commit(zone, { generation: imageOf(zone, 1) });
    const { size } = statSync(join(folder, 'ledger-1'));
    await store.commit('lost.test.', { generation: imageOf('lost.test.', 1) });
    await store.close();
    const file = join(folder, 'ledger-1');
    const octets = readFileSync(file);
    writeFileSync(file, octets.fill(0, size));
    const names = `${zones.slice(0, 10).join(', ')} and 2 others`;
    const expected = `12 zones stored before that (${names}), and those that it may have had, are not served; transfers heal secondaries`;
    for (const what of ['changes may be lost', 'a loss of an earlier start is not settled']) {
      const again = await openStore(folder);
      expect(again.said.at(-1)).toContain(`state ${folder}: ${what}: ${expected}`);
      for (const zone of [...zones, 'lost.test.'])
        expect(await again.store.read(zone)).toMatchObject({ kind: 'unreadable' });
      await again.store.close();
    }
  });

  describe('of both headers of an entry, while other zones were stored later', () => {
    const [suspect, whole, noted, signed] = ['suspect.test.', 'whole.test.', 'noted.test.', 'signed.test.'] as const;
    /** A folder in which the second version of one zone is wiped. */
    async function damagedFolder(): Promise<string> {
      const folder = newFolder();
      const { store } = await openStore(folder);
      const change = (zone: string, serial: number, flags = {}): Promise<void> =>
        store.commit(zone, {
          differences: between(imageOf(zone, serial - 1), imageOf(zone, serial)),
          facts: { flags },
        });
      const plan = { [PLAN_FLAG]: 'of a signer' };
      for (const zone of [suspect, whole, noted, signed])
        await store.commit(zone, { generation: imageOf(zone, 1), facts: { flags: zone === signed ? plan : {} } });
      const file = join(folder, 'ledger-1');
      const from = statSync(file).size;
      await change(suspect, 2);
      const to = statSync(file).size;
      await change(whole, 2);
      await change(signed, 2, plan);
      await store.note(noted, { timers: { refresh: 7 } });
      await store.close();
      writeFileSync(file, readFileSync(file).fill(0, from, to));
      return folder;
    }

    it('concerns those only that have no word behind it: a generation settles each', async () => {
      const folder = await damagedFolder();
      const expected = `2 zones stored before that (${suspect}, ${signed}), and those that it may have had, are not served; 2 zones stored later are served as before; transfers heal`;
      for (const what of ['changes may be lost', 'a loss of an earlier start is not settled']) {
        const { store, said } = await openStore(folder);
        expect(said.at(-1)).toContain(`state ${folder}: ${what}: ${expected}`);
        for (const zone of [whole, noted]) expect(await store.read(zone)).toMatchObject({ kind: 'content' });
        expect([whole, noted].map((zone) => store.zone(zone)?.serial)).toEqual([2, 1]);
        for (const zone of [suspect, signed, 'unknown.test.'])
          expect(await store.read(zone)).toMatchObject({ kind: 'unreadable' });
        await store.note(suspect, { timers: { refresh: 8 } });
        await store.close();
      }
      const { store } = await openStore(folder);
      expect(await store.read(suspect)).toMatchObject({ kind: 'unreadable' });
      await store.commit(suspect, { generation: imageOf(suspect, 3) });
      await store.close();
      const { store: later } = await openStore(folder);
      expect(await later.read(suspect)).toMatchObject({ kind: 'content', serial: 3 });
      expect(await later.acceptLoss()).toEqual([signed]);
      expect([(await later.read(signed))?.kind, later.zone(signed)?.serial]).toEqual(['content', 2]);
      await later.close();
      expect((await openStore(folder)).said).toEqual([]);
    });

    it('is not forgotten when the note of it is lost as well, whatever is said of a zone since', async () => {
      const folder = await damagedFolder();
      const { store } = await openStore(folder);
      await store.note(suspect, { timers: { refresh: 8 } });
      await store.close();
      wipeEntry(join(folder, 'ledger-2'), EntryType.LOSS);
      const { store: later } = await openStore(folder);
      expect(await later.read(suspect)).toMatchObject({ kind: 'unreadable' });
      expect(await later.read('unknown.test.')).toMatchObject({ kind: 'unreadable' });
    });

    it('concerns all zones where the beginning of the file is wiped too, and older files are gone', async () => {
      const folder = await damagedFolder();
      await (await openStore(folder)).store.close();
      wipeEntry(join(folder, 'ledger-2'), EntryType.FILE);
      const { store } = await openStore(folder);
      for (const zone of [suspect, whole, noted, signed])
        expect(await store.read(zone)).toMatchObject({ kind: 'unreadable' });
    });
  });
});
