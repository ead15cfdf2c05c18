/**
 * Root on port 53 of a network namespace becomes an ordinary user. Checked are the kernel's facts about every thread, and the
 * operations that are not possible any more. Needs root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { adotdServe, type Serving } from '../support/cli.js';
import { queryUdp } from '../support/query.js';
import { run } from './support.js';

const PROGRAM = fileURLToPath(new URL('drop.mjs', import.meta.url));
const NONE = '0000000000000000';

const missing = withoutNamespaces();

/** Says why no network namespace can be made here; with CI=true that is an error. */
function withoutNamespaces(): string {
  const { status, stderr, error } = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (status === 0 && process.getuid?.() === 0) return '';
  const text = `no network namespace can be made: ${error?.message ?? stderr.trim()}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-privileges-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Dropped {
  readonly pid: number;
  /** The program's output. */
  readonly said: Readonly<Record<string, unknown>>;
}

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

/** Runs the program with these settings until the test ends. */
async function drop(settings: object, env: NodeJS.ProcessEnv = {}): Promise<Dropped> {
  const words = [
    '-n',
    'sh',
    '-c',
    'ip link set lo up && exec "$0" "$@"',
    process.execPath,
    PROGRAM,
    JSON.stringify(settings),
  ];
  const child = spawn('unshare', words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  ending.push(async () => {
    const gone = once(child, 'exit');
    child.stdin.end();
    // A thread that waits for ever keeps the process from its own end.
    child.kill('SIGKILL');
    await gone;
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { pid: child.pid ?? 0, said: JSON.parse(String(line)) };
}

/** Of every thread, as the kernel says it. */
function threads({ pid }: Dropped): Record<string, string>[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const fields = ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'CapAmb'];
    return Object.fromEntries(
      fields.map((name) => [name, new RegExp(`^${name}:[ \t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? 'none']),
    );
  });
}

function makeFolder(name: string, mode: number, files: Readonly<Record<string, number>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  chmodSync(path, mode);
  for (const [file, fileMode] of Object.entries(files)) {
    writeFileSync(join(path, file), '');
    chmodSync(join(path, file), fileMode);
  }
  return path;
}

const owner = (path: string): number => statSync(path).uid;
const GIVEN_UP = expect.stringMatching(/^all privileges are given up: this is now nobody, 65534:\d+$/);
const unreadable = (path: string): string =>
  `nobody cannot read ${path}: reloads will fail; let this user, or one of its groups, read it`;
const CERTIFICATE = { 'self-signed.key': 0o600, 'self-signed.pem': 0o644 };

describe.skipIf(missing)(`privileges${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('are gone in every thread, and those that are started later have none', async () => {
    const dropped = await drop({ user: 'nobody', tls: { enabled: false } });
    const gid = spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).stdout.trim();
    expect(dropped.said).toMatchObject({ identity: { uid: 65_534, gid: Number(gid) } });
    const all = threads(dropped);
    const ids = (id: string) => [id, id, id, id].join('\t');
    const wanted = { Uid: ids('65534'), Gid: ids(gid), Groups: gid, CapPrm: NONE, CapEff: NONE, CapAmb: NONE };
    // The main thread, those of V8 and of the pool, a worker from before and one from after.
    expect(all.length).toBeGreaterThan(5);
    expect(all).toEqual(all.map(() => wanted));
  });

  it('do not come back, and no other privileged port can be bound, while what was bound stays', async () => {
    const { said } = await drop({ user: 'nobody', tls: { enabled: false } });
    expect(said.root).toMatch(/^EPERM/);
    expect(said.served).toEqual({ protocol: 'udp', endpoint: { address: '127.0.0.1', port: 53 } });
    expect(said.another).toMatch(
      /^cannot listen on UDP 127\.0\.0\.2:53: not permitted \(EACCES\); ports below 1024 need root/,
    );
  });

  it('go to numbers that no file knows, with that group alone', async () => {
    const dropped = await drop({ user: 4711, group: 4712, tls: { enabled: false } });
    for (const thread of threads(dropped)) {
      expect(thread).toMatchObject({ Uid: '4711\t4711\t4711\t4711', Gid: '4712\t4712\t4712\t4712', Groups: '4712' });
    }
  });

  it('are refused to be given up where node cannot: with io_uring', async () => {
    const { said } = await drop({ user: 'nobody' }, { UV_USE_IO_URING: '1' });
    expect(said).toEqual({
      code: 'ADOTD_CONFIG',
      message: '`user: nobody` does not work with UV_USE_IO_URING=1; take it out of the environment',
    });
    // adotd refuses what Node itself refuses.
    const words = ['-e', 'process.setuid(65534)'];
    const { stderr } = spawnSync(process.execPath, words, {
      env: { ...process.env, UV_USE_IO_URING: '1' },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/io_uring/);
  });

  it('are warned of when root is to stay root', async () => {
    const { said } = await drop({});
    expect(said).toEqual({ identity: null, warning: expect.stringMatching(/^running as root: set `user`/) });
  });

  it('leave the certificate that was made with who reads it and renews it', async () => {
    const certs = makeFolder('own', 0o700, CERTIFICATE);
    const { said } = await drop({ user: 'nobody', tls: { certs_folder: certs } });
    expect(said).toMatchObject({ lines: [GIVEN_UP], write: 'done' });
    expect([certs, join(certs, 'self-signed.key'), join(certs, 'self-signed.pem')].map(owner)).toEqual([
      65_534, 65_534, 65_534,
    ]);
  });

  it('leave a folder with other files to root, and say so', async () => {
    const certs = makeFolder('shared', 0o755, { ...CERTIFICATE, 'other.key': 0o600 });
    const { said } = await drop({ user: 'nobody', tls: { certs_folder: certs } });
    expect(said.write).toMatch(/^EACCES/);
    expect(said.lines).toEqual([
      GIVEN_UP,
      `${certs} has other files too and stays root's: nobody cannot renew the certificate there; set \`tls.certs_folder\` to a folder of its own`,
    ]);
    expect([certs, join(certs, 'other.key'), join(certs, 'self-signed.key')].map(owner)).toEqual([0, 0, 65_534]);
  });

  it('give no file away in a folder where others can write', async () => {
    const certs = makeFolder('foreign', 0o755, CERTIFICATE);
    chownSync(certs, 4711, 4711);
    const { said } = await drop({ user: 'nobody', tls: { certs_folder: certs } });
    expect(owner(join(certs, 'self-signed.key'))).toBe(0);
    expect(said.lines).toEqual([GIVEN_UP, unreadable(join(certs, 'self-signed.key'))]);
  });

  it('are missed where zones cannot be read again', async () => {
    const zones = makeFolder('zones', 0o755, { 'open.zone': 0o644, 'closed.zone': 0o600 });
    const hidden = makeFolder('hidden', 0o700, {});
    const { said } = await drop({ user: 'nobody', zones: { folder: zones }, tls: { enabled: false } });
    expect(said.lines).toEqual([GIVEN_UP, unreadable(join(zones, 'closed.zone'))]);
    const other = await drop({ user: 'nobody', zones: { folder: hidden }, tls: { enabled: false } });
    expect(other.said.lines).toEqual([GIVEN_UP, unreadable(hidden)]);
  });

  it('that were not there at the start cannot be given up', async () => {
    const program = `
      import { checkPrivileges } from '${new URL('../../build/server/process/privileges.js', import.meta.url).href}';
      process.setgid(65534);
      process.setuid(4711);
      try { checkPrivileges({ user: 'nobody' }, {}) } catch (error) { console.log(error.message) }
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout).toMatch(/^only root can become `user: nobody`, and this is user 4711; start as root, or leave/);
  });

  describe('a log that is moved away', () => {
    const ask = async (port: number): Promise<void> => {
      expect((await queryUdp({ address: '127.0.0.1', udp: port, tcp: port }, 'ns.a.test')).rcode).toBe('NOERROR');
    };
    const serving = async (logs: string): Promise<Serving> => {
      const place = makeFolder(`served-${logs}`, 0o755, {});
      writeFileSync(join(place, 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
      const config = join(place, 'adotd.yaml');
      const query_log = { enabled: true, file: join(folder, logs, 'queries') };
      const dnstap = { file: join(folder, logs, 'tap') };
      const settings = {
        user: 'nobody',
        tls: { enabled: false },
        zones: { folder: place },
        workers: 1,
        query_log,
        dnstap,
      };
      writeFileSync(config, JSON.stringify(settings));
      return adotdServe('--config', config);
    };
    /** Moves the log away, and asks until there is another one. */
    const rotate = async (server: Serving, log: string, move: () => void): Promise<void> => {
      await ask(server.port);
      await expect.poll(() => statSync(log).size).toBeGreaterThan(0);
      move();
      const begun = async (): Promise<number> => {
        await ask(server.port);
        return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
      };
      await expect.poll(begun).toBeGreaterThan(0);
      expect(owner(log)).toBe(65_534);
    };

    it("is begun anew in root's folder, which is given to the user if it holds nothing else", async () => {
      makeFolder('logs', 0o755, { queries: 0o640 });
      await using server = await serving('logs');
      for (const name of ['queries', 'tap']) {
        const log = join(folder, 'logs', name);
        await rotate(server, log, () => renameSync(log, `${log}.1`));
      }
      expect(owner(join(folder, 'logs'))).toBe(65_534);
      expect(server.stderr()).not.toMatch(/cannot/);
    });

    it('is begun anew by logrotate where the folder has other files, and the log says that this is needed', async () => {
      const logs = makeFolder('shared-logs', 0o755, { syslog: 0o640, tap: 0o640 });
      writeFileSync(join(logs, 'tap'), 'older');
      await using server = await serving('shared-logs');
      expect(server.stderr()).toContain("shared-logs has other files too and stays root's: nobody cannot begin");
      const log = join(logs, 'queries');
      await rotate(server, log, () => {
        renameSync(log, `${log}.1`);
        // As `create` of logrotate does it: with the owner that the old file had.
        writeFileSync(log, '', { mode: 0o640 });
        chownSync(log, owner(`${log}.1`), 65_534);
      });
      expect([logs, join(logs, 'syslog')].map(owner)).toEqual([0, 0]);
      expect(readdirSync(logs).filter((name) => name.startsWith('tap'))).toHaveLength(2);
    });

    it('that the user cannot write is an error of the log, though root could write it, and queries are answered', async () => {
      const logs = makeFolder('foreign-logs', 0o755, {});
      chownSync(logs, 4711, 4711);
      await using server = await serving('foreign-logs');
      await server.logged(
        /"level":50.*the query log .*queries cannot be written: permission denied; let the user that the server runs as write it, and its folder/,
      );
      await ask(server.port);
      expect(readdirSync(logs)).toEqual([]);
    });
  });
});
