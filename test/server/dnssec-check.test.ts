/** `dnssec_check` of the configuration: what a running server says of a signed zone that was edited, and that it serves it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configPlaces, readConfig } from '../../src/config/load.js';
import { silentLog } from '../../src/observe/log.js';
import { createServer, type Server } from '../../src/server/server.js';
import { zonesOfConfig } from '../../src/server/zones/zone-files.js';
import { askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage } from '../support/message.js';

const SIGNED = readFileSync(join(import.meta.dirname, '../../zones/nsec.test.zone'), 'latin1');
/** An address that was edited after the zone was signed. */
const EDITED = SIGNED.replace(/(ns1\.nsec\.test\.\s+3600\s+IN A\s+)\S+/, '$1192.0.2.99');
const BASE = 'listen: [127.0.0.1]\nport: 0\ntls_port: 0\nworkers: embedded\ntls: { enabled: false }\n';
const FILES = 'files: [{ name: nsec.test, file: z.zone }, { name: b.test, file: b.zone }]';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-dnssec-'));
  writeFileSync(join(folder, 'z.zone'), EDITED, 'latin1');
  writeFileSync(join(folder, 'b.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function serve(zones: string) {
  const path = join(folder, 'adotd.yaml');
  const put = (text: string): void => writeFileSync(path, `${BASE}zones: { ${FILES}${text} }\n`);
  put(zones);
  const read = () => readConfig(path);
  const running = await createServer({
    config: read(),
    configFile: { path, read, places: () => configPlaces(path) },
    zones: zonesOfConfig,
    log: silentLog,
    loader: { thread: false },
  });
  server = running;
  /** What is said of the zone, without what has nothing to do with its signatures. */
  const said = () =>
    running.loaded
      .status('nsec.test')[0]!
      .diagnostics.filter(({ message }) => message.includes('signature'))
      .map(({ severity, message }) => `${severity}: ${message}`);
  const address = async () => {
    const answer = decodeMessage(
      (await askUdp({ port: running.udp[0]!.port }, buildQuery({ name: 'ns1.nsec.test.' })))!,
    );
    return answer.rcode;
  };
  return {
    running,
    said,
    address,
    change: (text: string) => {
      put(text);
      return running.reload();
    },
  };
}

const WRONG = expect.stringMatching(/^warning: found that the signature of ns1\.nsec\.test\. A .* does not verify/);

it('is about dates only by default, and serves a zone that does not verify with a warning', async () => {
  const { said, address, change, running } = await serve('');
  expect(EDITED).not.toBe(SIGNED);
  expect(said()).toEqual([]);
  const { errors, counts } = await change(', dnssec_check: full');
  expect([errors, counts]).toMatchObject([[], { unchanged: 2, failed: 0, kept: 0 }]);
  expect(said()).toEqual([WRONG]);
  expect(await address()).toBe(0);
  expect(running.loaded.status('nsec.test')[0]).toMatchObject({ state: 'served', signaturesExpire: 2_840_140_800 });
  await change(', dnssec_check: off');
  expect(said()).toEqual([]);
});

it('may differ for single zones', async () => {
  const policy = (check: string): string => `, policies: [{ zones: [nsec.test], dnssec_check: ${check} }]`;
  const { said, change } = await serve(policy('full'));
  expect(said()).toEqual([WRONG]);
  await change(`${policy('expiry')}, dnssec_check: full`);
  expect(said()).toEqual([]);
  await change(policy('full'));
  expect(said()).toEqual([WRONG]);
});

it('serves a zone whose signatures have expired, with a warning', async () => {
  const before = SIGNED.replaceAll('20600101000000', '20260201000000');
  writeFileSync(join(folder, 'z.zone'), before, 'latin1');
  const { said, address, running } = await serve('');
  expect(said()).toEqual([expect.stringMatching(/^warning: found \d+ signatures past expiration/)]);
  expect(await address()).toBe(0);
  expect(running.loaded.status('nsec.test')[0]).toMatchObject({ signaturesExpire: Date.UTC(2026, 1, 1) / 1000 });
});
