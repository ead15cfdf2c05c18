import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningServer, startServer } from '../../../src/index.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';

const SOA = 6;
const RRSIG = 46;
const DNSKEY = 48;
const WAIT = { timeout: 60_000, interval: 100 };
const folder = mkdtempSync(join(tmpdir(), 'adotd-signed-members-'));
let primary: RunningServer;
let secondary: RunningServer;
beforeAll(async () => {
  const member = { transfer: { to: ['second'] }, catalog: 'catalog.test' };
  primary = await startServer({
    zones: { 'one.test': 'www A 192.0.2.1', 'one.plain.test': 'www A 192.0.2.2' },
    config: {
      state: { folder: join(folder, 'primary') },
      remotes: [{ name: 'second', addresses: ['127.0.0.1'] }],
      zones: {
        policies: [
          { default: true, ...member },
          { zones: ['catalog.test'], transfer: { to: ['second'] } },
        ],
      },
    },
  });
  secondary = await startServer({
    config: {
      state: { folder: join(folder, 'secondary') },
      remotes: [{ name: 'first', addresses: ['127.0.0.1'], port: primary.tcp }],
      zones: {
        catalogs: [{ zone: 'catalog.test', from: ['first'] }],
        policies: [
          { default: true, dnssec: 'default' },
          { zones: ['*.plain.test'], dnssec: 'off' },
          { zones: ['catalog.test'] },
        ],
      },
    },
  });
});
afterAll(async () => {
  await secondary?.close();
  await primary?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The types that the secondary answers with, once it has the zone. */
async function types(zone: string, type: string): Promise<number[]> {
  return await vi.waitFor(async () => {
    const octets = await askUdp({ port: secondary.udp }, buildQuery({ name: zone, type, edns: { dnssecOk: true } }));
    if (octets === undefined) throw new Error('no answer');
    const { rcode, answer } = decodeMessage(octets);
    expect(rcode).toBe(0);
    return answer.map((record) => record.type);
  }, WAIT);
}

describe('members of a catalog that is consumed', () => {
  it('are signed here by the policy that they have, as other secondary zones are', async () => {
    expect(await types('one.test', 'SOA')).toEqual([SOA, RRSIG]);
    expect(await types('one.test', 'DNSKEY')).toEqual([DNSKEY, RRSIG]);
    expect(await types('one.plain.test', 'SOA')).toEqual([SOA]);
  });
});
