import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adotd, adotdServe } from '../support/cli.js';

let folder: string;
let config: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-health-'));
  config = join(folder, 'adotd.yaml');
  writeFileSync(join(folder, 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configure = (settings: object): void =>
  writeFileSync(config, JSON.stringify({ tls: { enabled: false }, zones: { folder: '.' }, workers: 1, ...settings }));
const health = (...words: readonly string[]) => adotd('ctl', 'health', '--config', config, ...words);

describe('adotd ctl health', () => {
  it('asks the addresses that the server has bound, whatever the configuration is', async () => {
    // Clients get REFUSED, which is an answer.
    configure({ listen: ['0.0.0.0', '::1'], port: 0, control: { socket: 'socket' }, access: { allow: ['192.0.2.1'] } });
    await using server = await adotdServe('--config', config);
    const [, second] = /udp=[^,]*,\[::1\]:(\d+)/.exec(server.ready) ?? [];
    expect(await health()).toEqual({
      status: 0,
      stdout: ['udp 127.0.0.1', 'udp [::1]', 'tcp 127.0.0.1', 'tcp [::1]']
        .map((place) => `answers: ${place}:${place.includes('[') ? second : server.port}\n`)
        .join(''),
      stderr: '',
    });
    expect(JSON.parse((await health('--json')).stdout)).toMatchObject({ answers: expect.any(Array), problems: [] });
    await server.stop();
    expect((await health()).status).toBe(1);
  });

  it('asks the addresses of the configuration where there is no control socket', async () => {
    configure({ port: 0 });
    await using server = await adotdServe('--config', config);
    const socket = ['--socket', join(folder, 'none')];
    expect(await health(...socket)).toMatchObject({ status: 1, stderr: expect.stringContaining('`port` of ') });
    configure({ port: server.port });
    expect(await health(...socket)).toMatchObject({ status: 0 });
    await server.stop();
    expect(await health(...socket)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^PROBLEM: udp 127\.0\.0\.1:\d+: .*\nPROBLEM: tcp 127\.0\.0\.1:\d+: .*\n$/),
    });
  });
});
