import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askTcp, askTls, askUdp } from '../../support/ask.js';
import { adotdServe } from '../../support/cli.js';
import { buildQuery, decodeMessage } from '../../support/message.js';

const DAY = 86_400_000;
const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A', edns: {} });
const zone = (serial: number, address: string): string =>
  `$TTL 60\n@ SOA ns1 h ${serial} 7200 900 1209600 300\n@ NS ns1\nns1 A ${address}\n`;

/** In every thread: the time is off by the milliseconds that the file CLOCK_STEP holds, from some 20 ms after they were written. */
const STEPPING = `data:text/javascript,${encodeURIComponent(`
import { readFileSync } from 'node:fs';
const Real = Date;
let step = 0;
setInterval(() => {
  try { step = Number(readFileSync(process.env.CLOCK_STEP, 'utf8')) || 0; } catch {}
}, 20).unref();
globalThis.Date = class extends Real {
  constructor(...given) { if (given.length > 0) super(...given); else super(Real.now() + step); }
  static now() { return Real.now() + step; }
};`)}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-clock-'));
  process.env.CLOCK_STEP = join(folder, 'step');
  process.env.NODE_OPTIONS = `--import ${STEPPING}`;
});
afterEach(() => {
  delete process.env.CLOCK_STEP;
  delete process.env.NODE_OPTIONS;
  rmSync(folder, { recursive: true, force: true });
});

describe('a step of the clock', () => {
  it.each(['embedded', '2'])('leaves answers, sessions and reloads as they are, workers %s', async (workers) => {
    writeFileSync(join(folder, 'a.test.zone'), zone(1, '192.0.2.1'));
    await using server = await adotdServe('--zones', folder, '--workers', workers);
    const answers = async (): Promise<(string | undefined)[]> => {
      const all = [
        await askUdp(server, QUERY),
        await askTcp(server, QUERY),
        await askTls({ port: server.tlsPort }, QUERY),
      ];
      return all.map((answer) => answer && decodeMessage(answer).answer[0]?.text);
    };
    expect(await answers()).toEqual(Array(3).fill('192.0.2.1'));
    let serial = 1;
    // Forward, back to before the start, and to the truth; the certificate made at the start is valid throughout.
    for (const step of [30 * DAY, -30 * DAY, 0]) {
      writeFileSync(join(folder, 'step'), String(step));
      await wait(100);
      expect(await answers(), `${step}`).toEqual(Array(3).fill(`192.0.2.${serial}`));
      serial++;
      writeFileSync(join(folder, 'a.test.zone'), zone(serial, `192.0.2.${serial}`));
      server.signal('SIGHUP');
      // Threads take it one after the other.
      await expect.poll(answers).toEqual(Array(3).fill(`192.0.2.${serial}`));
    }
    const { status, stderr } = await server.stop();
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/"level":(50|60)/);
    const times = stderr
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { time: number }).time);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(59 * DAY);
  });
});
