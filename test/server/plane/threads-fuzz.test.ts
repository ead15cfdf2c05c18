import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fuzzStream, KINDS, type Kind } from '../../fuzz/streams.js';
import { askTcp, askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { SEED } from '../../support/seed.js';
import { startThreads } from '../../support/threads.js';

/** `ADOTD_SEED=any COUNT=1000000` for a long run. */
const COUNT = Number(process.env.COUNT ?? 1000);
const AT_ONCE = 20;

const folder = mkdtempSync(join(tmpdir(), 'adotd-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const WITNESS = buildQuery({ name: 'ns.a.test.' });
const descriptors = (): number => readdirSync('/proc/self/fd').length;

it('answers the queries before the nonsense on any stream, and other clients, and loses nothing by it', {
  timeout: 60_000 + COUNT * 100,
}, async () => {
  console.log(`seed ${SEED}, ${COUNT} streams`);
  await using running = await startThreads({ 'a.test': ZONE }, { workers: 2, tls: { certs_folder: folder } });
  const answers = async () => {
    const found = [await askUdp(running, WITNESS), await askTcp(running, WITNESS)];
    return found.map((answer) => answer && decodeMessage(answer).answer.length);
  };
  const open = async () => (await running.server.plane.sessions(0)).open;
  expect(await answers()).toEqual([1, 1]);
  // Threads close theirs in their own time.
  await expect.poll(open).toBe(0);
  const before = descriptors();
  const seen = new Set<Kind>();
  for (let first = 0; first < COUNT; first += AT_ONCE) {
    const streams = Array.from({ length: Math.min(AT_ONCE, COUNT - first) }, async (_, place) => {
      const report = await fuzzStream(running, SEED, first + place);
      return { ...report, index: first + place };
    });
    const reports = await Promise.all(streams);
    expect(reports.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
    for (const { kind } of reports) seen.add(kind);
    if (first % 200 === 0) expect(await answers()).toEqual([1, 1]);
  }
  expect(await answers()).toEqual([1, 1]);
  expect(seen.size).toBe(KINDS.length);
  expect(running.plane.status.restarts).toBe(0);
  expect(running.log.filter(({ level }) => level === 'error')).toEqual([]);
  await expect.poll(open).toBe(0);
  await expect.poll(descriptors).toBeLessThanOrEqual(before);
});
