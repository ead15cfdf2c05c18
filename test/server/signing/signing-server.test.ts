import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { readConfig } from '../../../src/config/load.js';
import type { Server } from '../../../src/server/server.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { PATIENCE } from '../../support/patience.js';
import { runCommand } from '../../support/run-command.js';
import { folderServers } from '../zones/folder-server.js';
import { changes, ZONE } from '../zones/keeper-support.js';

const CONFIG = `listen: [127.0.0.1]
port: 0
tls: { enabled: false }
workers: embedded
state: { folder: state }
zones:
  files: [{ name: a.test, file: a.zone }]
  policies: [{ zones: [a.test], dnssec: default }]
`;

const { running, at, put, serve } = folderServers(CONFIG);

async function ask({ udp }: Server, name: string, type: number): Promise<string[]> {
  const { answer } = decodeMessage(
    (await askUdp({ port: udp[0]!.port }, buildQuery({ name, type, edns: { dnssecOk: true } })))!,
  );
  return answer.map(({ text }) => text);
}

const DNSKEY = 48;

it('a server with state signs a zone whose policy says so, keeps its key, and says its status', async () => {
  const first = await serve();
  const keys = await ask(first, 'a.test.', DNSKEY);
  expect(keys.filter((text) => text.startsWith('257 3 13 '))).toHaveLength(1);
  expect(await ask(first, 'ns.a.test.', 1)).toHaveLength(2);
  const { serial } = first.keeper.get('a.test.')!;
  await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
  expect(await ask(first, 'x.a.test.', 1)).toHaveLength(2);
  expect(first.life.signing?.known.status('a.test.')).toMatchObject({ state: 'signed', policy: 'default' });
  await first.close();
  running.length = 0;
  const second = await serve();
  expect(await ask(second, 'a.test.', DNSKEY)).toEqual(keys);
  await second.life.signing?.settled();
  expect(second.keeper.get('a.test.')?.serial).toBe(serial + 1);
  expect(readdirSync(at('state', 'keys'))).toHaveLength(1);
});

it('a zone whose file comes back is signed on, also after a start without it', async () => {
  put('adotd.yaml', CONFIG.replace('files: [{ name: a.test, file: a.zone }]', 'folder: zones'));
  mkdirSync(at('zones'));
  put('zones/a.test.zone', ZONE);
  put('zones/b.test.zone', ZONE);
  const file = at('zones', 'a.test.zone');
  let server = await serve();
  const { serial } = server.keeper.get('a.test.')!;
  const away = async (): Promise<void> => {
    rmSync(file);
    await server.reload({ force: true });
    server.life.signing?.configure(readConfig(at('adotd.yaml')));
    expect(server.life.signing?.known.status('a.test.')?.next).toBeUndefined();
  };
  const back = async (): Promise<void> => {
    put('zones/a.test.zone', ZONE);
    await server.reload();
    const soon = Date.now() / 1000 + 60;
    const status = () => server.life.signing!.known.status('a.test.')!;
    await vi.waitFor(() => expect(status().signaturesDue).toBeGreaterThan(soon), PATIENCE);
    await vi.waitFor(() => expect(status().next).toBeDefined(), PATIENCE);
    expect(server.keeper.get('a.test.')?.serial).toBe(serial);
  };
  await away();
  await back();
  await away();
  await server.close();
  running.length = 0;
  server = await serve();
  await back();
});

it('a policy that loses its line begins nothing, and the answer to the reload says so', async () => {
  const server = await serve(true);
  const reload = async (policies: string) => {
    put('adotd.yaml', CONFIG.replace('{ zones: [a.test], dnssec: default }', policies));
    const checked = (await runCommand('check', at('adotd.yaml'))).stdout;
    const { warnings } = await server.reload();
    for (const warning of warnings) expect(checked).toContain(warning);
    return warnings;
  };
  const status = () => server.life.signing?.known.status('a.test.');
  expect(await reload('{ zones: [a.test] }')).toEqual([
    expect.stringContaining('a.test. stays signed by the policy default'),
  ]);
  await server.life.signing?.settled();
  expect(status()).toMatchObject({ state: 'signed', policy: 'default' });
  expect(await reload('{ zones: ["*.test"], dnssec: off }')).toHaveLength(1);
  await server.life.signing?.settled();
  expect(status()).toMatchObject({ state: 'signed' });
  expect(await reload('{ zones: [a.test], dnssec: off }')).toEqual([
    expect.stringContaining('a.test. is to be unsigned'),
  ]);
  await vi.waitFor(() => expect(status()).toMatchObject({ state: 'leaving', keys: [{ goal: 'hidden' }] }), PATIENCE);
  expect((await runCommand('check', at('adotd.yaml'))).stdout).not.toContain('unsigned');
});
