/** The state on disks that are full, or that cannot be written: each in a mount namespace of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MAIN } from '../support/cli.js';
import { missingPrograms } from './support.js';

const PROGRAM = fileURLToPath(new URL('state-disk-program.mjs', import.meta.url));
const missing =
  missingPrograms({ unshare: 'util-linux' }) ||
  (spawnSync('unshare', ['--mount', 'true']).status === 0 ? '' : 'no mount namespace can be made');

/** Runs a command where `folder` is a disk of its own of 1 MiB. */
function onDisk(folder: string, command: string): { status: number | null; stdout: string; stderr: string } {
  const mount = `mount -t tmpfs -o size=1m tmpfs '${folder}'`;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', `${mount}; ${command}`], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe.skipIf(missing)(`the state${missing && ` (${missing})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-disk-'));

  it('refuses changes while the disk is full, keeps what it has, and goes on when there is room', () => {
    const { status, stdout, stderr } = onDisk(folder, `'${process.execPath}' '${PROGRAM}' '${folder}'`);
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout);
    const reason =
      'no space left on device; make room on that disk: nothing was changed, and the next change is tried again';
    expect(result.full).toMatch(new RegExp(`^ADOTD_STATE state ${folder}/state/(ledger-1|runs/[0-9]+): ${reason}$`));
    for (const one of result.waiting) expect(one).toContain(reason);
    expect(result.during).toEqual([1, null]);
    expect(result.after).toEqual([3, 'content', null]);
    expect(result.said.filter((text: string) => !text.startsWith('the image of'))).toEqual([]);
  });

  it('is refused with path and remedy where the disk is read-only', () => {
    const words = `'${process.execPath}' '${MAIN}' ctl state export - --folder '${folder}/state'`;
    const { status, stderr } = onDisk(
      folder,
      `${words} > /dev/null || true; mkdir -m 700 -p '${folder}/state'; mount -o remount,ro '${folder}'; ${words}`,
    );
    expect(status).toBe(1);
    expect(stderr.split('\n').at(-2)).toBe(
      `adotd: state ${folder}/state/images: read-only file system; the state needs a folder on a disk that can be written: mount it so, or choose another state.folder [ADOTD_STATE]`,
    );
  });
});
