import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  controlFolders,
  makeFolderFor,
  ownFolder,
  removeAbandoned,
  socketsIn,
} from '../../../src/server/control/control-folders.js';

const UID = process.getuid?.() ?? 0;
let folder: string;
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(path: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

describe('the folder of a control socket that nobody has named', () => {
  it('is one of the user: of the session, of root or the user in /run, or in /tmp', () => {
    const last = join(tmpdir(), 'adotd-7');
    expect(controlFolders({ XDG_RUNTIME_DIR: '/session' }, 7)).toEqual([
      '/run/adotd-7',
      '/session/adotd',
      '/run/user/7/adotd',
      last,
    ]);
    expect(controlFolders({}, 0)).toEqual(['/run/adotd', join(tmpdir(), 'adotd-0')]);
    expect(controlFolders({ XDG_RUNTIME_DIR: 'here' }, 7)).toEqual(['/run/adotd-7', '/run/user/7/adotd', last]);
  });

  it('is none in the session of another user, for root', () => {
    // What is not there has no owner; the folder of this test is that of who runs it.
    expect(controlFolders({ XDG_RUNTIME_DIR: join(folder, 'none') }, 0)[0]).toBe('/run/adotd');
    const [first] = controlFolders({ XDG_RUNTIME_DIR: folder }, 0);
    expect(first).toBe(UID === 0 ? join(folder, 'adotd') : '/run/adotd');
  });

  it('is made for who a server becomes, or is the one that the service manager has made', () => {
    const gid = process.getgid?.() ?? 0;
    makeFolderFor({ uid: UID, gid }, {}, folder);
    const own = join(folder, `adotd-${UID}`);
    expect(statSync(own)).toMatchObject({ uid: UID, gid });
    expect(statSync(own).mode & 0o777).toBe(0o700);
    makeFolderFor({ uid: UID, gid }, {}, folder);
    makeFolderFor({ uid: UID, gid }, {}, join(folder, 'none'));
    const managed = join(folder, 'managed');
    mkdirSync(managed);
    makeFolderFor({ uid: UID, gid }, { RUNTIME_DIRECTORY: managed }, folder);
    expect(readdirSync(folder).sort()).toEqual([`adotd-${UID}`, 'managed']);
  });

  it('is made for the user alone, and used again', () => {
    const own = join(folder, 'own');
    expect(ownFolder([join(folder, 'none', 'x'), own], UID)).toBe(own);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(ownFolder([own], UID)).toBe(own);
  });

  it('is none that others may write to, that is of somebody else, a link or a file', () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const link = join(folder, 'link');
    mkdirSync(join(folder, 'target'));
    symlinkSync(join(folder, 'target'), link);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(ownFolder([open, link, file], UID)).toBeUndefined();
    expect(ownFolder([join(folder, 'target')], UID + 1)).toBeUndefined();
  });
});

describe('the sockets in it', () => {
  it('are those of servers, in safe folders', async () => {
    await listen(join(folder, 'adotd.sock'));
    await listen(join(folder, 'adotd-12.sock'));
    await listen(join(folder, 'other.sock'));
    writeFileSync(join(folder, 'adotd-13.sock'), '');
    const all = ['adotd-12.sock', 'adotd.sock'].map((name) => join(folder, name));
    const here = (uid: number) => socketsIn([folder], uid)[0] ?? [];
    expect([...here(UID)].sort()).toEqual(all);
    expect(here(UID + 1)).toEqual([]);
    chmodSync(folder, 0o777);
    expect(here(UID)).toEqual([]);
  });

  it('of servers that root has started are together for root, unless their folder is that of another user', async () => {
    const paths = ['adotd/adotd.sock', `adotd-${UID}/adotd.sock`, `adotd-${UID + 1}/adotd.sock`];
    for (const path of paths) {
      mkdirSync(join(folder, path, '..'), { mode: 0o700 });
      await listen(join(folder, path));
    }
    const [system, become] = paths.map((path) => join(folder, path));
    const own = join(folder, 'own');
    mkdirSync(own, { mode: 0o700 });
    expect(socketsIn([join(folder, 'adotd'), own], 0, folder)[0]).toEqual([system, become]);
    expect(socketsIn([join(folder, `adotd-${UID}`)], UID || 1, folder)).toEqual([UID === 0 ? [] : [become], [system]]);
  });

  it('are removed when their process has ended, but not while it runs', () => {
    // No process has a number as high as the second one's.
    const names = ['adotd.sock', 'adotd-999999999.sock', `adotd-${process.pid}.sock`];
    for (const name of names) writeFileSync(join(folder, name), '');
    removeAbandoned(folder);
    const left = names.filter((name) => statSync(join(folder, name), { throwIfNoEntry: false }));
    expect(left).toEqual(['adotd.sock', `adotd-${process.pid}.sock`]);
  });
});
