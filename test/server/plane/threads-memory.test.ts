import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotdServe } from '../../support/cli.js';
import { queryTcp, queryUdp } from '../../support/query.js';

const RECORDS = 400_000;
/** Octets that the image of so many records has at least. */
const LEAST_IMAGE = RECORDS * 50;
const HEAD = '$TTL 3600\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-memory-'));
  for (const [name, records] of Object.entries({ small: 1, large: RECORDS })) {
    mkdirSync(join(folder, name));
    const lines = Array.from({ length: records }, (_, i) => `h${i} A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    writeFileSync(join(folder, name, 'a.test.zone'), `${HEAD}${lines.join('\n')}\n`);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Resident octets of a server with so many workers that has answered over UDP and TCP. */
async function resident(zones: string, workers: number): Promise<number> {
  await using server = await adotdServe('--zones', join(folder, zones), '--workers', String(workers));
  const at = { address: '127.0.0.1', udp: server.port, tcp: server.port };
  for (let i = 0; i < 8 * workers; i++) {
    for (const query of [queryUdp, queryTcp]) {
      // The names are those of the large zone; of the small one there is the first.
      const name = zones === 'large' ? `h${(i * 7919) % RECORDS}.a.test` : 'h0.a.test';
      expect((await query(at, name)).answers).toHaveLength(1);
    }
  }
  await wait(300);
  const status = readFileSync(`/proc/${server.pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

describe('the memory of a server with threads', () => {
  it('holds a zone once, however many workers answer from it', async () => {
    let copied = Number.POSITIVE_INFINITY;
    // Garbage of the heaps is there in one measurement and not in the next; a copy is there each time.
    for (let tries = 0; tries < 3 && copied >= LEAST_IMAGE / 2; tries++) {
      const small = (await resident('small', 4)) - (await resident('small', 1));
      const large = (await resident('large', 4)) - (await resident('large', 1));
      copied = large - small;
    }
    // A copy for each of the six more threads would be six images, one copy alone would be seen.
    expect(copied).toBeLessThan(LEAST_IMAGE / 2);
  });
});
