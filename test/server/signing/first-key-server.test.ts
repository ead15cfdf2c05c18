/** A real server whose state was lost, and a real resolver: an adotd that has the root zone. */
import { getServers, setServers } from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { readConfig } from '../../../src/config/load.js';
import { startServer } from '../../../src/fixture/start.js';
import { silentLog } from '../../../src/observe/log.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { zonesOfConfig } from '../../../src/server/zones/zone-files.js';
import { ZONE } from '../zones/keeper-support.js';

const ROOT_ZONE = '$ORIGIN .\n@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.lan.\nlan 60 NS ns.lan.\nns.lan 60 A 127.0.0.1\n';
const CONFIG = `listen: [127.0.0.1]
port: 0
tls: { enabled: false }
workers: embedded
state: { folder: state }
dnssec: { policies: { quick: { dnskey_ttl: 1s, propagation: 0, parent_propagation: 0 } } }
zones:
  files: [{ name: lan, file: lan.zone }]
  policies: [{ zones: [lan], dnssec: quick }]
`;

const folder = mkdtempSync(join(tmpdir(), 'adotd-first-key-'));
const system = getServers();
let server: Server | undefined;
/** Makes these the resolvers of this process, also for modules that have imported getServers() already. */
function resolveBy(servers: readonly string[]): void {
  setServers(servers);
  syncBuiltinESMExports();
}
afterEach(async () => {
  resolveBy(system);
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(): Promise<Server> {
  await server?.close();
  const config = readConfig(join(folder, 'adotd.yaml'));
  server = await createServer({ config, zones: zonesOfConfig, log: silentLog, loader: { thread: false } });
  return server;
}

it('makes no key under the DS record of the one that was lost, and takes that one back', async () => {
  writeFileSync(join(folder, 'adotd.yaml'), CONFIG);
  writeFileSync(join(folder, 'lan.zone'), ZONE);
  await using root = await startServer({ zones: { '.': ROOT_ZONE } });
  resolveBy([`127.0.0.1:${root.tcp}`]);
  const status = () => server!.life.signing!.known.status('lan.')!;
  await serve();
  await vi.waitFor(() => expect(status()).toMatchObject({ state: 'signed' }), 5000);
  const [{ ds = '', tag = 0 } = {}] = status().keys;
  const [{ role = 'csk', key } = {}] = server!.life.signing!.exportKeys('lan.');
  await root.setZone('.', `${ROOT_ZONE}lan 60 DS ${ds}\n`);
  rmSync(join(folder, 'state'), { recursive: true });
  await serve();
  const reason = expect.stringContaining(`resolvers answer with DS records of key ${tag}`);
  await vi.waitFor(() => expect(status()).toMatchObject({ state: 'waiting', keys: [], reason }), 5000);
  await server!.life.signing!.importKeys('lan.', [{ role, key: key! }]);
  expect(status()).toMatchObject({ state: 'signed', keys: [{ tag }] });
  expect(server!.life.signing!.known.problems).toEqual([]);
});
