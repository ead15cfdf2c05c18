/**
 * `adotd ctl` without --socket finds the server, however that was started: as root, as root that becomes another user, by a service
 * manager, and by an ordinary user. Each case has a /run of its own, in a mount namespace. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MAIN } from '../support/cli.js';

const missing = withoutNamespaces();

/** Says why no mount namespace can be made here; with CI=true that is an error. */
function withoutNamespaces(): string {
  const { status, stderr, error } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/run'], {
    encoding: 'utf8',
  });
  if (status === 0 && process.getuid?.() === 0) return '';
  const text = `no mount namespace can be made: ${error?.message ?? stderr.trim()}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-sockets-'));
chmodSync(folder, 0o1777);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Root becomes nobody, or stays root. */
const [ROOT, BECOME] = ['root.yaml', 'become.yaml'];
for (const [name, more] of [
  [ROOT, ''],
  [BECOME, 'user: nobody\n'],
]) {
  const own = `tls: { enabled: false }\nzones: { folder: ${join(folder, 'zones')} }\n`;
  writeFileSync(join(folder, name ?? ''), `listen: [127.0.0.1]\nport: 0\nworkers: embedded\n${own}${more}`, {
    mode: 0o644,
  });
}

/** Starts a server: the words before `serve`, and the name of its configuration. */
interface Start {
  readonly by: string;
  readonly config: string;
}

/** What `adotd ctl status` says while these servers run; `ctl`: the words before it. */
function status(starts: readonly Start[], ctl: string) {
  const lines = starts.map(
    ({ by, config }, i) =>
      `${by} "$0" "$1" serve --config "$2/${config}" >"$2/out${i}" 2>&1 & pids="$pids $!"; until grep -qs ^ready "$2/out${i}"; do kill -0 $! || exit 9; sleep 0.05; done`,
  );
  const script = `mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p "$2/zones" && mkdir -m 755 -p /run/user && install -d -m 700 -o nobody /run/user/65534 && rm -f "$2"/out* || exit 8
trap 'kill $pids; wait' EXIT
${lines.join('\n')}
${ctl} "$0" "$1" ctl status`;
  const env = { PATH: process.env.PATH, TMPDIR: folder };
  const words = ['-m', 'bash', '--norc', '-c', script, process.execPath, MAIN, folder];
  return spawnSync('unshare', words, { encoding: 'utf8', env, timeout: 60_000 });
}

const USER = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
const MANAGED = 'mkdir -m 755 /run/adotd; RUNTIME_DIRECTORY=/run/adotd';

describe.skipIf(missing)(`adotd ctl${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each([
    ['root, asked by root', { by: '', config: ROOT }, '', '/run/adotd/adotd.sock'],
    [
      'root in a session that is not its own',
      { by: 'XDG_RUNTIME_DIR=/run/user/65534', config: ROOT },
      '',
      '/run/adotd/adotd.sock',
    ],
    ['root that becomes another user, asked by root', { by: '', config: BECOME }, '', '/run/adotd-65534/adotd.sock'],
    [
      'root that becomes another user, asked by that user',
      { by: '', config: BECOME },
      USER,
      '/run/adotd-65534/adotd.sock',
    ],
    [
      'root that becomes another user, by a service manager',
      { by: MANAGED, config: BECOME },
      '',
      '/run/adotd/adotd.sock',
    ],
    ['an ordinary user', { by: USER, config: ROOT }, USER, '/run/user/65534/adotd/adotd.sock'],
    [
      'an ordinary user in a session',
      { by: `XDG_RUNTIME_DIR=/run/user/65534 ${USER}`, config: ROOT },
      USER,
      '/run/user/65534/adotd/adotd.sock',
    ],
  ] as const)('finds the server of %s', (_, start, ctl, socket) => {
    const ran = status([start], ctl);
    // Critical: there are no zones.
    expect([ran.status, ran.stderr], ran.stdout).toEqual([2, '']);
    expect(ran.stdout).toMatch(/^server +adotd \d/);
    const log = spawnSync('cat', [join(folder, 'out0')], { encoding: 'utf8' }).stdout;
    expect(log).toContain(`"socket":"${socket}"`);
  });

  it('names all servers that root has started, whoever they are now', () => {
    const ran = status(
      [
        { by: '', config: ROOT },
        { by: '', config: BECOME },
      ],
      '',
    );
    expect(ran).toMatchObject({
      status: 3,
      stdout: '',
      stderr:
        'adotd ctl: several servers run; choose one by --socket PATH: /run/adotd/adotd.sock, /run/adotd-65534/adotd.sock\n',
    });
  });
});
