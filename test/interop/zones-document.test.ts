/** The servers and commands of docs/zones.md, as they stand there but for addresses, ports and secrets. */
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { pinOf } from '../../src/tls/pin.js';
import { textOf } from '../repository/files.js';
import { adotdServe, MAIN, RUNTIME } from '../support/cli.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { until } from '../support/patience.js';
import { freePort, knock, LOOPBACK, startPeer } from '../support/peers/server.js';
import { make } from '../tls/support.js';
import { FOLDER, missingPrograms } from './support.js';

const missing = missingPrograms({ nsd: 'nsd', dig: 'bind9-dnsutils' });
const page = textOf('docs/zones.md');

/** A section of a page. */
function sectionOf(text: string, section: string): string {
  return new RegExp(`^##+ ${section}\n(.*?)(?=^##)`, 'ms').exec(`${text}\n##`)?.[1] ?? '';
}

/** The lines of a section that are commands, one after the other. */
function commandsOf(text: string, section: string): string[] {
  const prose = sectionOf(text, section).replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/^ {4}(.*)$/gm)].map(([, line = '']) => line);
}

/** The blocks of a section, in one language. */
function blocksOf(section: string, language: string): string[] {
  const text = sectionOf(page, section);
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
}

interface Remote {
  addresses: string[];
  port?: number;
  tls?: { pins: string[]; port?: number };
}

const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const BIN = join(FOLDER, 'bin');
mkdirSync(BIN, { recursive: true });
writeFileSync(join(BIN, 'adotd'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
chmodSync(join(BIN, 'adotd'), 0o755);

/** Runs a line of the page in a folder, where `adotd` is the command. */
function sh(folder: string, line: string): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}`, XDG_RUNTIME_DIR: RUNTIME };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: folder, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const ZONE_TEXT = '@ 60 SOA ns h 7 60 30 600 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';

/** The folder of a server, with a zone and a control socket in it. */
function folderOf(name: string): string {
  const folder = join(FOLDER, name);
  mkdirSync(join(folder, 'zones'), { recursive: true });
  writeFileSync(join(folder, 'zones', 'example.test.zone'), ZONE_TEXT);
  return folder;
}

/** Starts the server of a block in its folder. */
async function start(
  folder: string,
  block: string,
  ports: readonly [number, number],
  change: object,
  remotes: Partial<Remote>[],
) {
  const config = parse(block) as { remotes: Remote[] };
  config.remotes = config.remotes.map((remote, i) => ({ ...remote, addresses: [LOOPBACK], ...remotes[i] }));
  const own = { listen: [LOOPBACK], workers: 1, control: { socket: 'ctl' } };
  writeFileSync(join(folder, 'adotd.yaml'), stringify({ ...config, ...own, ...change }));
  return serveAgain(folder, ports);
}

async function serveAgain(folder: string, ports: readonly [number, number]) {
  const [port, tlsPort] = ports;
  const serving = await adotdServe(
    '--config',
    join(folder, 'adotd.yaml'),
    '--port',
    `${port}`,
    '--tls-port',
    `${tlsPort}`,
  );
  ends.push(() => serving.stop());
  return serving;
}

async function hasZone(port: number, name = 'example.test'): Promise<boolean> {
  const answer = await knock(port, buildQuery({ name, type: 'SOA' }), 500);
  return answer !== undefined && decodeMessage(answer).answer.some(({ text }) => text.includes(' 7 60 30 600 5'));
}

describe.skipIf(missing)(`the hidden primary of docs/zones.md${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('gives its zone to both secondaries inside TLS', async () => {
    const { cert, key } = await make({ names: ['ns0.example.test'] });
    const files = { cert: join(FOLDER, 'primary.pem'), key: join(FOLDER, 'primary.key') };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key, { mode: 0o600 });
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
    const [own, ownTls, first, firstTls, second] = ports as [number, number, number, number, number];
    const [primary = '', secondary = ''] = blocksOf('A hidden primary with two secondaries', 'yaml');
    const remotes = [{ port: first }, { port: second }];
    const section = 'A hidden primary with two secondaries';
    const [keys = '', ...verbs] = commandsOf(page, section);
    const [hidden, other] = [folderOf('hidden'), folderOf('first')];
    rmSync(join(other, 'zones'), { recursive: true });
    expect(sh(hidden, keys)).toMatchObject({ status: 0 });
    const secrets = readFileSync(join(hidden, 'second.key'), 'utf8');
    expect(statSync(join(hidden, 'second.key')).mode & 0o777).toBe(0o600);
    const [, secret = ''] = /secret "([^"]*)"/.exec(secrets) ?? [];
    writeFileSync(join(other, 'second.key'), secrets, { mode: 0o600 });
    const serving = await start(hidden, primary, [own, ownTls], { tls: { certificates: [files] } }, remotes);
    const tls = { pins: [pinOf(new X509Certificate(cert).publicKey)], port: ownTls };
    await start(other, secondary, [first, firstTls], {}, [{ tls }]);
    const nsd =
      blocksOf('A hidden primary with two secondaries', '').find((block) => block.includes('request-xfr')) ?? '';
    const folder = join(FOLDER, 'nsd');
    mkdirSync(folder, { recursive: true });
    const more = `server:\n  ip-address: ${LOOPBACK}@${second}\n  username: ""\n  chroot: ""\n  database: ""\n  zonesdir: "${folder}"\n  zonelistfile: "${folder}/zone.list"\n  xfrdfile: "${folder}/xfrd.state"\n  xfrdir: "${folder}"\n  pidfile: ""\n  logfile: ""\nremote-control:\n  control-enable: no\n`;
    const text = nsd.replace('192.0.2.1@853', `${LOOPBACK}@${ownTls}`).replaceAll('192.0.2.1', LOOPBACK);
    const keyed = text.replace(/secret: ".*"/, `secret: "${secret}"`);
    writeFileSync(join(folder, 'nsd.conf'), more + keyed.replace('primary.pem', files.cert));
    const peer = await startPeer('NSD', 'nsd', ['-d', '-c', join(folder, 'nsd.conf')], second);
    ends.push(() => peer.stop());
    const haveZone = async (): Promise<boolean> => (await hasZone(first)) && (await hasZone(second));
    await until('the zone at both', haveZone, () => `${serving.stderr()}\n${peer.log()}`);
    const sent = serving.stderr().match(/"transport":"tls"[^\n]*"msg":"sent zone example\.test\. serial 7/g);
    expect(sent).toHaveLength(2);
    expect(verbs).toHaveLength(3);
    for (const verb of verbs) {
      const ran = sh(verb.includes('notify') ? hidden : other, `${verb} --socket ctl`);
      expect(ran, verb).toMatchObject({ status: 0, stderr: '' });
      expect(ran.stdout, verb).toContain('example.test');
    }
  });
});

describe.skipIf(missing)(`the catalog of docs/zones.md${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('is followed, waits when most members are gone, is accepted; and both servers may be moved and restored', async () => {
    const [primary = '', secondary = ''] = blocksOf('Catalog zones', 'yaml');
    const text = sectionOf(page, 'Catalog zones');
    const [accept = ''] = /adotd ctl catalog accept catalog\.example(?=`)/.exec(text) ?? [];
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const [own, ownTls, first, firstTls] = ports as [number, number, number, number];
    const [producer, consumer] = [folderOf('producer'), folderOf('consumer')];
    rmSync(join(consumer, 'zones'), { recursive: true });
    const many = Array.from({ length: 13 }, (_, i) => `many-${i}.test`);
    const fileOf = (zone: string): string => join(producer, 'zones', `${zone}.zone`);
    for (const zone of ['large.test', ...many]) writeFileSync(fileOf(zone), ZONE_TEXT);
    const serving = await start(producer, primary, [own, ownTls], {}, [{ port: first }]);
    let following = await start(consumer, secondary, [first, firstTls], {}, [{ port: own }]);
    const logs = (): string => `${serving.stderr()}\n${following.stderr()}`;
    for (const zone of ['example.test', 'large.test', 'many-12.test'])
      await until(zone, () => hasZone(first, zone), logs);

    for (const zone of many) rmSync(fileOf(zone));
    await until(
      'a catalog that waits',
      () => sh(consumer, 'adotd ctl catalog --socket ctl').stdout.includes('waiting'),
      logs,
    );
    expect(await hasZone(first, 'many-0.test')).toBe(true);
    expect(sh(consumer, `${accept} --socket ctl`)).toMatchObject({ status: 0, stderr: '' });
    await until('many-0.test gone', async () => !(await hasZone(first, 'many-0.test')), logs);

    const dig = /`(dig @192\.0\.2\.9 example\.test AXFR)`, through `(adotd import)`/.exec(page);
    const moved = sh(producer, `${dig?.[1]?.replace('192.0.2.9', `${LOOPBACK} -p ${own}`)} | ${dig?.[2]} -`);
    expect(moved).toMatchObject({ status: 0 });
    expect(moved.stdout).toMatch(/192\.0\.2\.1/);

    const backup = commandsOf(textOf('docs/operation.md'), 'Backup and restore');
    expect(backup.filter((line) => line.startsWith('adotd ctl state'))).toHaveLength(2);
    for (const line of backup) {
      if (line === 'systemctl stop adotd') await following.stop();
      else if (line === 'systemctl start adotd') following = await serveAgain(consumer, [first, firstTls]);
      else if (line.startsWith('mv ')) renameSync(join(consumer, 'state'), join(consumer, 'state.old'));
      else {
        const here = line.replace('/etc/adotd/', '').replaceAll('example.com', 'example.test');
        expect(sh(consumer, here), here).toMatchObject({ status: 0 });
      }
    }
    expect(await hasZone(first, 'large.test')).toBe(true);
    expect(await hasZone(first, 'many-0.test')).toBe(false);
  });
});
