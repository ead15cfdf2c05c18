/** The servers of docs/zones.md, as they stand there but for addresses, ports and secrets: a hidden primary, and two secondaries. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { pinOf } from '../../src/tls/pin.js';
import { textOf } from '../repository/files.js';
import { adotd, adotdServe } from '../support/cli.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { until } from '../support/patience.js';
import { freePort, knock, LOOPBACK, startPeer } from '../support/peers/server.js';
import { make } from '../tls/support.js';
import { FOLDER, missingPrograms } from './support.js';

const missing = missingPrograms({ nsd: 'nsd' });
const page = textOf('docs/zones.md');

/** The blocks of a section, in one language. */
function blocksOf(section: string, language: string): string[] {
  const [, text = ''] = new RegExp(`^## ${section}\n(.*?)(?=^## )`, 'ms').exec(page) ?? [];
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

/** Starts the server of a block in a folder of its own. */
async function start(
  name: string,
  block: string,
  ports: readonly [number, number],
  change: object,
  remotes: Partial<Remote>[],
) {
  const folder = join(FOLDER, name);
  mkdirSync(join(folder, 'zones'), { recursive: true });
  writeFileSync(
    join(folder, 'zones', 'example.test.zone'),
    '@ 60 SOA ns h 7 60 30 600 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n',
  );
  const config = parse(block) as { remotes: Remote[] };
  config.remotes = config.remotes.map((remote, i) => ({ ...remote, addresses: [LOOPBACK], ...remotes[i] }));
  writeFileSync(join(folder, 'adotd.yaml'), stringify({ ...config, listen: [LOOPBACK], workers: 1, ...change }));
  const key = await adotd('keys', 'tsig', 'second.example.', '--for', 'bind');
  writeFileSync(join(folder, 'second.key'), key.stdout.replace(/secret "[^"]*"/, `secret "${SECRET}"`), {
    mode: 0o600,
  });
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

const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';

async function hasZone(port: number): Promise<boolean> {
  const answer = await knock(port, buildQuery({ name: 'example.test', type: 'SOA' }), 500);
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
    const serving = await start('hidden', primary, [own, ownTls], { tls: { certificates: [files] } }, remotes);
    const tls = { pins: [pinOf(new X509Certificate(cert).publicKey)], port: ownTls };
    await start('first', secondary, [first, firstTls], {}, [{ tls }]);
    const nsd =
      blocksOf('A hidden primary with two secondaries', '').find((block) => block.includes('request-xfr')) ?? '';
    const folder = join(FOLDER, 'nsd');
    mkdirSync(folder, { recursive: true });
    const more = `server:\n  ip-address: ${LOOPBACK}@${second}\n  username: ""\n  chroot: ""\n  database: ""\n  zonesdir: "${folder}"\n  zonelistfile: "${folder}/zone.list"\n  xfrdfile: "${folder}/xfrd.state"\n  xfrdir: "${folder}"\n  pidfile: ""\n  logfile: ""\nremote-control:\n  control-enable: no\n`;
    const text = nsd.replace('192.0.2.1@853', `${LOOPBACK}@${ownTls}`).replaceAll('192.0.2.1', LOOPBACK);
    writeFileSync(join(folder, 'nsd.conf'), more + text.replace('primary.pem', files.cert));
    const peer = await startPeer('NSD', 'nsd', ['-d', '-c', join(folder, 'nsd.conf')], second);
    ends.push(() => peer.stop());
    const haveZone = async (): Promise<boolean> => (await hasZone(first)) && (await hasZone(second));
    await until('the zone at both', haveZone, () => `${serving.stderr()}\n${peer.log()}`);
    const sent = serving.stderr().match(/"transport":"tls"[^\n]*"msg":"sent zone example\.test\. serial 7/g);
    expect(sent).toHaveLength(2);
  });
});
