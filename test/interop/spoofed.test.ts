/**
 * Somebody sends queries in the name of two servers, to each other. If one answered an answer, it would go on for ever. Only
 * queries are answered (RFC 1035 §4.1.1: QR). Needs root, to send from a port that is not one's own.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adotdServe, ROOT, type Serving } from '../support/cli.js';
import { missingPrograms } from './support.js';

const TIMES = 50;
const missing = process.getuid?.() === 0 ? missingPrograms({ python3: 'python3' }) : 'not root';

describe.skipIf(missing)(`a query from the other server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-spoofed-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'zones'));
  writeFileSync(join(folder, 'zones', 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');

  const serve = (name: string, workers: string): Promise<Serving> =>
    adotdServe('--zones', join(folder, 'zones'), '--certs', join(folder, name), '--workers', workers);
  const spoof = (from: Serving, to: Serving, ...words: readonly string[]): void => {
    const ports = [from.port, to.port].map(String);
    execFileSync('python3', ['test/interop/spoof.py', ...ports, 'a.test', 'SOA', '--times', `${TIMES}`, ...words], {
      cwd: ROOT,
    });
  };
  /** Waits until the server's counters match. */
  const counted = (server: Serving, pattern: RegExp): Promise<void> =>
    expect
      .poll(
        () => {
          server.signal('SIGUSR1');
          return server.stderr();
        },
        { interval: 100 },
      )
      .toMatch(pattern)
      .then(() => undefined);

  it.each(['2', 'embedded'])('is answered once, and the answer is not: workers %s', async (workers) => {
    await using one = await serve(`one-${workers}`, workers);
    await using other = await serve(`other-${workers}`, workers);
    spoof(one, other);
    spoof(one, other, '--response');
    const first = new RegExp(`udp: messages=${TIMES} dropped=${TIMES} `);
    const second = new RegExp(`udp: messages=${2 * TIMES} answer=${TIMES} dropped=${TIMES} `);
    await counted(one, first);
    await counted(other, second);
    // Nothing more has come since: each server prints its counts when it ends.
    const last = async (server: Serving): Promise<string> =>
      (await server.stop()).stderr.split('statistics: ').at(-1) ?? '';
    expect(await last(one)).toMatch(first);
    expect(await last(other)).toMatch(second);
  });
});
