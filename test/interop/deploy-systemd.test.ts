/** The units of deploy/systemd: judged by systemd-analyze, and run by a systemd in a container. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockOf } from '../deploy/documents.js';
import { ROOT } from '../support/cli.js';
import { install, pack } from '../support/packed.js';
import { PATIENCE } from '../support/patience.js';
import { inContainer, missingHere } from './deploy-container.js';

const UNITS = join(ROOT, 'deploy', 'systemd');
const OWN = ['adotd.service', 'adotd.socket', 'adotd-tls.socket'];
const SYSTEM_UNITS = '/usr/lib/systemd/system';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adotd-systemd-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const noAnalyze = missingHere(['systemd-analyze', 'systemd-sysusers'], 'systemd', false);

/** A tree with the units, those of the system that they name, and the programs that they start. */
async function tree(name: string, dropIns: readonly string[]): Promise<string> {
  const root = join(folder, name);
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const program of ['bin/sh', 'bin/kill']) {
    await put(program, '#!/bin/true\n');
    await chmod(join(root, program), 0o755);
  }
  await mkdir(join(root, SYSTEM_UNITS), { recursive: true });
  for (const unit of (await readdir(SYSTEM_UNITS)).filter((unit) => /\.(target|slice)$/.test(unit))) {
    await copyFile(join(SYSTEM_UNITS, unit), join(root, SYSTEM_UNITS, unit));
  }
  for (const unit of OWN) await put(`etc/systemd/system/${unit}`, await readFile(join(UNITS, unit), 'utf8'));
  for (const dropIn of dropIns) {
    await put(`etc/systemd/system/adotd.service.d/${dropIn}`, await readFile(join(UNITS, dropIn), 'utf8'));
  }
  return root;
}

function analyze(...words: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8', timeout: PATIENCE });
  return { status, output: `${stdout}${stderr}` };
}

/** The exposure level that systemd-analyze gives adotd.service, and the settings that it finds exposed. */
function exposure(root: string): { overall: number; exposed: string[] } {
  const { output } = analyze('security', '--offline=yes', `--root=${root}`, '--no-pager', 'adotd.service');
  const overall = Number(/Overall exposure level for adotd\.service: ([0-9.]+) /.exec(output)?.[1]);
  const exposed = [...output.matchAll(/^✗ (\S+)/gm)].map((match) => match[1] ?? '');
  return { overall, exposed };
}

describe.skipIf(noAnalyze !== '')(`the units of systemd ${noAnalyze}`, () => {
  it('have nothing that systemd-analyze verify complains about', async () => {
    const root = await tree('verify', []);
    expect(analyze('verify', `--root=${root}`, ...OWN)).toEqual({ status: 0, output: '' });
  });

  it('have nothing that it complains about with ports bound by systemd', async () => {
    const root = await tree('verify-sockets', ['socket-activation.conf']);
    expect(analyze('verify', `--root=${root}`, ...OWN)).toEqual({ status: 0, output: '' });
  });

  it('are really looked at: a key that is misspelt, and a program that is not there, are found', async () => {
    const root = await tree('verify-broken', []);
    const unit = join(root, 'etc/systemd/system/adotd.service');
    await writeFile(unit, (await readFile(unit, 'utf8')).replace('ProtectClock=', 'ProtectClok='));
    await rm(join(root, 'bin/sh'));
    const { output } = analyze('verify', `--root=${root}`, 'adotd.service');
    expect(output).toContain("Unknown key 'ProtectClok'");
    expect(output).toContain('Command /bin/sh is not executable');
  });

  it('expose little', async () => {
    const { overall, exposed } = exposure(await tree('security', []));
    expect(overall).toBeGreaterThan(0);
    expect(overall).toBeLessThanOrEqual(1.5);
    // A nameserver in Node needs these. Any other one is a mistake.
    expect(exposed.sort()).toEqual(
      [
        'AmbientCapabilities=',
        'CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)',
        'DeviceAllow=',
        'IPAddressDeny=',
        'MemoryDenyWriteExecute=',
        'PrivateNetwork=',
        'PrivateUsers=',
        'ProcSubset=',
        'RestrictAddressFamilies=~AF_(INET|INET6)',
        'RestrictAddressFamilies=~AF_UNIX',
        'RootDirectory=/RootImage=',
        // Threads that load zones lower their priority.
        'SystemCallFilter=~@resources',
      ].sort(),
    );
  });

  it('expose less with ports bound by systemd: no capability, no other users', async () => {
    const { overall, exposed } = exposure(await tree('security-sockets', ['socket-activation.conf']));
    expect(overall).toBeGreaterThan(0);
    expect(overall).toBeLessThanOrEqual(1.2);
    for (const key of ['AmbientCapabilities=', 'PrivateUsers=']) expect(exposed).not.toContain(key);
  });

  it('have a user that systemd-sysusers makes, without a shell', async () => {
    const root = join(folder, 'sysusers');
    await mkdir(join(root, 'etc'), { recursive: true });
    execFileSync('systemd-sysusers', [`--root=${root}`, join(UNITS, 'adotd.sysusers.conf')], { stdio: 'ignore' });
    const users = await readFile(join(root, 'etc/passwd'), 'utf8');
    expect(users).toMatch(/^adotd:x?!?\*?:[0-9]+:[0-9]+:adotd nameserver:\/var\/lib\/adotd:\/usr\/sbin\/nologin$/m);
  });
});

const noTrial = missingHere(
  ['systemd-nspawn', 'systemd-analyze', 'ip', 'openssl'],
  'systemd systemd-container iproute2 openssl',
);

/** Instructions for operators: file of docs/, block in it, its name in the trial. */
const BLOCKS = [
  ['deployment.md', 'systemd', 'systemd'],
  ['deployment.md', 'sockets', 'sockets'],
  ['certificates.md', 'install', 'certificate'],
] as const;

/** Files that the script wrote: question → answer. */
type Findings = Readonly<Record<string, string>>;

/** Units of the container's system that the trial does not need, and that take time or wait for input. */
const MASKED = [
  'dbus.service',
  'dbus.socket',
  'systemd-firstboot.service',
  'systemd-networkd-wait-online.service',
  'systemd-networkd.service',
];

const ZONE = '$TTL 1h\n@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n  NS ns1\nns1 A 127.0.0.1\n';

/** Installs the archive of `npm pack` as docs/deployment.md says; returns the folder that stands for /opt/adotd. */
async function installed(): Promise<string> {
  const prefix = join(folder, 'opt');
  await pack(folder);
  const documented = blockOf('deployment.md', 'install');
  const [archive = ''] = /adotd-.*\.tgz/.exec(documented) ?? [];
  const options = documented.match(/--(omit|ignore)[a-z=-]*/g) ?? [];
  await install(join(folder, archive), folder, '--prefix', prefix, ...options);
  return prefix;
}

/** Boots the systemd of this machine in a container, and runs deploy_trial.sh there. */
async function trial(): Promise<Findings> {
  const at = join(folder, 'trial');
  const clone = join(at, 'clone');
  for (const path of ['out', 'blocks', 'clone', 'etc']) await mkdir(join(at, path), { recursive: true });
  await cp(join(ROOT, 'deploy'), join(clone, 'deploy'), { recursive: true });
  await writeFile(join(clone, 'example.test.zone'), ZONE);
  for (const place of [clone, join(clone, 'lineage')]) {
    await mkdir(place, { recursive: true });
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const files = ['-keyout', join(place, 'privkey.pem'), '-out', join(place, 'fullchain.pem')];
    execFileSync('openssl', [...request, '-subj', '/CN=ns1.example.test', ...files], { stdio: 'ignore' });
  }
  for (const [file, block, name] of BLOCKS) {
    await writeFile(join(at, 'blocks', name), `sudo() { "$@"; }\n${blockOf(file, block)}`);
  }
  // The watchdog waits 2 s; with the unit's own time the test would take half a minute.
  await writeFile(join(at, 'watchdog.conf'), '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=2s\n');
  await writeFile(
    join(at, 'trial.target'),
    '[Unit]\nRequires=basic.target trial.service\nAfter=basic.target trial.service\n',
  );
  await writeFile(
    join(at, 'trial.service'),
    '[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\nTimeoutStartSec=120\nExecStart=/bin/sh /trial/run.sh\nExecStopPost=/usr/bin/systemctl exit\n',
  );
  await copyFile(fileURLToPath(new URL('deploy_trial.sh', import.meta.url)), join(at, 'run.sh'));
  const system = '/etc/systemd/system';
  const binds = [
    `--bind-ro=${await installed()}:/opt/adotd`,
    `--bind=${at}:/trial`,
    ...['bin', 'sbin'].map((name) => `--tmpfs=/usr/local/${name}`),
    ...['trial.target', 'trial.service'].map((unit) => `--bind-ro=${join(at, unit)}:${system}/${unit}`),
    `--bind-ro=${join(at, 'watchdog.conf')}:/run/systemd/system/adotd.service.d/watchdog.conf`,
    ...MASKED.map((unit) => `--bind-ro=/dev/null:${system}/${unit}`),
  ];
  const { stdout, stderr } = await inContainer([...binds, '--boot'], ['--', '--unit=trial.target']);
  if (!existsSync(join(at, 'out', 'journal'))) {
    const trace = await readFile(join(at, 'out', 'trace'), 'utf8').catch(() => '');
    throw new Error(`the trial did not end: ${stdout}${stderr}${trace}`);
  }
  const files = await readdir(join(at, 'out'));
  const texts = files.map(async (name) => [name, await readFile(join(at, 'out', name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

describe.skipIf(noTrial !== '')(`adotd under systemd ${noTrial}`, () => {
  let findings: Findings;
  beforeAll(async () => {
    findings = await trial();
  });

  const soa = (serial: number): string =>
    `ns1.example.test. hostmaster.example.test. ${serial} 7200 3600 1209600 300\n`;

  it('starts as its own user, and answers on ports 53 and 853 of both families', () => {
    expect([findings.start, findings['install.out']]).toEqual(['0\n', expect.any(String)]);
    expect(findings.started?.split('\n')).toEqual(
      expect.arrayContaining(['ActiveState=active', 'StatusText=serves 1 zone', 'User=adotd']),
    );
    expect(findings.answers).toBe(soa(1).repeat(4));
    expect(findings['answer-inet6']).toBe(soa(1));
    expect(findings.journal).toContain('queries are answered by threads');
  });

  it('has one capability, cannot get more, and has a system call filter', () => {
    expect(findings.capabilities).toMatch(/^Uid:(\t[1-9][0-9]*){4}$/m);
    // CAP_NET_BIND_SERVICE is bit 10.
    for (const set of ['CapEff', 'CapAmb', 'CapBnd'])
      expect(findings.capabilities).toContain(`${set}:\t0000000000000400`);
    expect(findings.capabilities).toMatch(/^NoNewPrivs:\t1$/m);
    expect(findings.capabilities).toMatch(/^Seccomp:\t2$/m);
  });

  it('owns its folders alone', () => {
    expect(findings.folders).toBe('adotd 750\nadotd 750\nadotd 750\n');
  });

  it('is told by adotd ctl, as root, without any option', () => {
    expect(findings.control).toMatch(/^zones +1 served, 0 failed/m);
  });

  it('loads zones anew at systemctl reload', () => {
    expect(findings.reload).toBe('0\n');
    expect(findings.reloaded).toBe(soa(2));
    expect(findings['reloaded-state']).toContain('ActiveState=active\n');
  });

  it('is started again when it gives no sign of life', () => {
    expect(findings['revived-state']).toContain('NRestarts=1\n');
    expect(findings['revived-state']).toContain('ActiveState=active\n');
    expect(findings.revived).toBe(soa(2));
  });

  it('ends well at systemctl stop', () => {
    expect(findings.stop).toBe('0\n');
    expect(findings.stopped).toContain('Result=success\n');
    expect(findings.stopped).toContain('ActiveState=inactive\n');
  });

  it('is given its ports by systemd, and has no capability then', () => {
    expect(findings.sockets).toBe('0\n');
    expect(findings.given).toBe(soa(2));
    for (const set of ['CapEff', 'CapAmb', 'CapBnd']) {
      expect(findings['activated-capabilities']).toContain(`${set}:\t0000000000000000`);
    }
    expect(findings.restart).toBe('0\n');
    expect(findings.restarted).toBe(soa(2).repeat(4));
    expect(findings.journal).toContain('sockets were handed over: UDP 0.0.0.0:53,[::]:53, TCP 0.0.0.0:53,[::]:53, TLS');
  });

  it('is started by a query where systemd has its ports', () => {
    expect(findings['before-query']).toBe('inactive\n');
    expect(findings.activated).toBe(soa(2).repeat(2));
  });

  it('serves a certificate that the hook gives it, and its renewal at once', () => {
    expect(findings.certificate).toBe('0\n');
    expect(findings['key-owner']).toBe(
      [
        '/etc/adotd/tls root adotd 750',
        '/etc/adotd/tls/tls.crt root adotd 640',
        '/etc/adotd/tls/tls.key root adotd 640',
        '',
      ].join('\n'),
    );
    expect(findings.certified).toBe(soa(2));
    expect(findings.renewal).toBe('0\n');
    expect(findings.renewed, findings.journal).toBe(soa(2));
    expect(findings.mismatch).toMatch(/is not the key of .*\n1\n$/);
  });
});
