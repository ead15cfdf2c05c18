import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, textOf } from './files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(path: string, text: string): void {
  writeFileSync(path, `#!/bin/bash\n${text}\n`);
  chmodSync(path, 0o755);
}

/**
 * Runs .ci/install-tools with a PATH that has `present` and an apt-get that makes the program of the table's package, and
 * fails for the packages in `broken`: always, or as often as `times` says. `interrupted`: apt-get fails until dpkg has finished
 * what somebody broke off.
 */
function install(
  name: string,
  present: readonly string[],
  broken: readonly string[],
  { times = 99, interrupted = false } = {},
) {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const tool of ['bash', 'dirname', 'grep', 'tee', 'chmod', 'rm', 'awk', 'sleep', 'touch'])
    symlinkSync(spawnSync('which', [tool], { encoding: 'utf8' }).stdout.trim(), join(bin, tool));
  script(join(bin, 'id'), 'echo 0');
  const table = join(folder, `${name}.txt`);
  writeFileSync(table, '# a comment\n\nalpha  pkg-a\nbeta   pkg-b\ngamma  pkg-b\ndelta  pkg-d\n');
  for (const tool of present) script(join(bin, tool), ':');
  const calls = join(folder, `${name}.calls`);
  const finished = join(folder, `${name}.finished`);
  if (interrupted) script(join(bin, 'dpkg'), `touch ${finished}`);
  script(
    join(bin, 'apt-get'),
    `package=\${!#}; echo "$package" >> ${calls}
${interrupted ? `[ -e ${finished} ] || exit 100` : ''}
case " ${broken.join(' ')} " in *" $package "*) [ "$(grep -c "^$package$" ${calls})" -gt ${times} ] || exit 100;; esac
awk -v p="$package" '$2 == p { print $1 }' ${table} | while read -r tool; do echo '#!/bin/bash' > ${bin}/$tool; chmod 755 ${bin}/$tool; done`,
  );
  const policy = join(folder, `${name}.policy`);
  const ran = spawnSync('bash', [join(ROOT, '.ci/install-tools'), table], {
    encoding: 'utf8',
    env: { PATH: bin, POLICY_RC_D: policy, INSTALL_PAUSE: '0' },
  });
  expect(existsSync(policy)).toBe(false);
  return {
    status: ran.status,
    said: ran.stderr.split('\n').filter((line) => line !== ''),
    asked: existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [],
  };
}

describe('what CI installs', () => {
  it('is nothing where all is there', () => {
    expect(install('all', ['alpha', 'beta', 'gamma', 'delta'], [])).toEqual({ status: 0, said: [], asked: [] });
  });

  it('is what is missing, each package once', () => {
    const { status, asked } = install('some', ['alpha'], []);
    expect({ status, asked }).toEqual({ status: 0, asked: ['-qq', 'pkg-b', 'pkg-d'] });
  });

  it('goes on behind a package that cannot be installed, and names the program that stays missing', () => {
    const { status, said, asked } = install('broken', [], ['pkg-b']);
    expect(status).toBe(1);
    const again = ['-qq', 'pkg-b', 'pkg-b'];
    expect(asked).toEqual(['-qq', 'pkg-a', 'pkg-b', 'pkg-b', 'pkg-d', ...again, ...again]);
    expect(said.slice(-2)).toEqual([
      '== missing: beta (Debian package pkg-b)',
      '== missing: gamma (Debian package pkg-b)',
    ]);
    expect(existsSync(join(folder, 'broken', 'delta'))).toBe(true);
  });

  it('is there when a later try brings it', () => {
    const { status, said, asked } = install('late', ['alpha', 'beta', 'gamma'], ['pkg-d'], { times: 1 });
    expect(status).toBe(0);
    expect(asked).toEqual(['-qq', 'pkg-d', '-qq', 'pkg-d']);
    expect(said.at(-1)).toBe('== installing pkg-d for delta');
  });

  it('is there when an installation was broken off before', () => {
    const { status, asked } = install('interrupted', ['alpha', 'beta', 'gamma'], [], { interrupted: true });
    expect({ status, asked }).toEqual({ status: 0, asked: ['-qq', 'pkg-d'] });
  });

  it('has a line of two words for each program', () => {
    const lines = textOf('.ci/tools.txt')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !/^[\w-]+ +[\w.+-]+$/.test(line))).toEqual([]);
  });
});
