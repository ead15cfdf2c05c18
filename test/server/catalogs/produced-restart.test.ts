import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { startServer } from '../../../src/index.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-produced-restart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The label of a.test in a catalog, made of the hash of its name. */
const MEMBER = 'osld40r81tu0875v2b98jj0ddk';

/** The serial of the produced catalog, once it is served, of a server that runs for that time; `group`: of its only member. */
async function serialWith(group: string): Promise<number> {
  await using server = await startServer({
    zones: { 'a.test': 'www A 192.0.2.1' },
    config: {
      state: { folder },
      remotes: [{ name: 'tester', addresses: ['127.0.0.1'] }],
      zones: {
        policies: [
          { zones: ['catalog.test'], transfer: { to: ['tester'] } },
          { zones: ['a.test'], catalog: 'catalog.test', catalog_group: group },
        ],
      },
    },
  });
  const ask = async () => {
    const query = buildQuery({ name: `group.${MEMBER}.zones.catalog.test`, type: 'TXT' });
    const octets = await askUdp({ port: server.udp }, query);
    expect(octets && decodeMessage(octets).answer[0]?.text).toContain(group);
  };
  await vi.waitFor(ask, { timeout: 60_000, interval: 20 });
  const octets = await askUdp({ port: server.udp }, buildQuery({ name: 'catalog.test', type: 'SOA' }));
  return Number(octets && decodeMessage(octets).answer[0]?.text.split(' ')[2]);
}

it('a produced catalog keeps its serial over a restart, and has the next one when a member has changed', async () => {
  const first = await serialWith('one');
  expect(await serialWith('one')).toBe(first);
  expect(await serialWith('two')).toBe(first + 1);
});
