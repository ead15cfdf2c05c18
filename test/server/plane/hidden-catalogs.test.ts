import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { askTcp, askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { PATIENCE } from '../../support/patience.js';
import { startThreads } from '../../support/threads.js';
import { signQuery } from '../../support/tsig.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-hidden-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ZONES = {
  'a.test': '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n',
};
const KEY = { name: 'second.test.', algorithm: 'hmac-sha256', secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=' };

/** A server that makes a catalog zone, and a remote that may transfer it. */
async function serving(remote: object, more: object = {}): ReturnType<typeof startThreads> {
  const running = await startThreads(ZONES, {
    state: { folder },
    tsig: [{ name: 'second.test', secret: KEY.secret }],
    remotes: [{ name: 'second', ...remote }],
    zones: {
      policies: [
        { zones: ['a.test'], catalog: 'catalog.test' },
        { zones: ['catalog.test'], transfer: { to: ['second'] } },
      ],
      ...more,
    },
  });
  // Until it is made, it is in no zone, or SERVFAIL.
  await vi.waitFor(async () => expect(running.server.keeper.get('catalog.test.')?.state).toBe('served'), PATIENCE);
  return running;
}
const query = (name: string, type: string): Uint8Array => buildQuery({ name, type });
const rcodeOf = (message: Uint8Array | undefined): number | undefined => message && decodeMessage(message).rcode;
const REFUSED = 5;

describe('a catalog zone', () => {
  it('is REFUSED to those who may not transfer it, whatever they ask', async () => {
    await using running = await serving({ addresses: ['192.0.2.9'] });
    for (const [name, type] of [
      ['catalog.test', 'SOA'],
      ['version.catalog.test', 'TXT'],
      ['x.zones.catalog.test', 'PTR'],
      ['nothing.catalog.test', 'A'],
    ] as const) {
      expect(rcodeOf(await askUdp(running, query(name, type)))).toBe(REFUSED);
      expect(rcodeOf(await askTcp(running, query(name, type)))).toBe(REFUSED);
    }
    expect(rcodeOf(await askUdp(running, query('a.test', 'SOA')))).toBe(0);
  });

  it('is answered to a remote that may transfer it', async () => {
    await using running = await serving({ addresses: ['127.0.0.1'] });
    expect(rcodeOf(await askUdp(running, query('catalog.test', 'SOA')))).toBe(0);
  });

  it('is answered to who has the key of such a remote', async () => {
    await using running = await serving({ key: 'second.test' });
    const soa = query('catalog.test', 'SOA');
    expect(rcodeOf(await askUdp(running, soa))).toBe(REFUSED);
    const { message } = signQuery(soa, KEY, { time: Math.floor(Date.now() / 1000) });
    expect(rcodeOf(await askUdp(running, message))).toBe(0);
  });

  it('is answered to everybody where that is wanted', async () => {
    await using running = await serving({ addresses: ['192.0.2.9'] }, { public_catalogs: true });
    expect(rcodeOf(await askUdp(running, query('catalog.test', 'SOA')))).toBe(0);
  });
});
