import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adotd, adotdServe } from '../support/cli.js';
import { queryUdp } from '../support/query.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  writeFileSync(join(folder, 'a.test.zone'), '$TTL 60\n@ SOA ns1 h 7 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configured = (metrics: string, workers: number | string): string => {
  const file = join(folder, 'adotd.yaml');
  writeFileSync(file, `zones: { folder: . }\nworkers: ${workers}\ntls: { certs_folder: certs }\nmetrics: ${metrics}\n`);
  return file;
};

describe('adotd serve with metrics', () => {
  it.each([['embedded'], [2]])('shows what it serves and has answered, workers %s', async (workers) => {
    await using server = await adotdServe('--config', configured('{ listen: 0 }', workers));
    const [, where] = /metrics at (http:[^"]+)/.exec(server.stderr()) ?? [];
    for (let i = 0; i < 5; i++) {
      await queryUdp({ address: '127.0.0.1', udp: server.port, tcp: server.port }, 'ns1.a.test');
    }
    const text = await (await fetch(where ?? '')).text();
    const count = typeof workers === 'number' ? workers : 0;
    for (const line of [
      'adotd_zone_serial{zone="a.test."} 7',
      `adotd_workers{kind="udp"} ${count}`,
      `adotd_workers{kind="stream"} ${count}`,
      'adotd_responses_total{transport="udp",rcode="NOERROR"} 5',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    const ready = await fetch(new URL('/readyz', where));
    expect(ready.status).toBe(200);
  });

  it('does not start with --strict when the port for metrics is taken, and says which key to change', async () => {
    await using server = await adotdServe('--config', configured('{ listen: 0 }', 'embedded'));
    const [, port] = /metrics at http:\/\/127\.0\.0\.1:(\d+)/.exec(server.stderr()) ?? [];
    const ran = await adotd(
      'serve',
      '--config',
      configured(`{ listen: ${port} }`, 'embedded'),
      '--port',
      '0',
      '--strict',
    );
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/cannot listen .*EADDRINUSE.*metrics\.listen.*\[ADOTD_LISTEN\]/);
  });
});
