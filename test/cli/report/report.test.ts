import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = Math.floor(Date.now() / 60_000) * 60;
const data = (server: string, queries: number) => ({
  adotd_evidence: 1,
  server,
  stored: true,
  minutes: [{ at: now, seconds: 60, cells: { 'queries.udp.ipv4': queries } }],
  hours: [{ at: now - (now % 3600), seconds: 3600, cells: { 'queries.udp.ipv4': queries } }],
  days: [],
});

describe('adotd report', () => {
  it('puts a file and the address of metrics together', async () => {
    const file = join(folder, 'one.json');
    writeFileSync(file, JSON.stringify(data('ns1', 5)));
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url?.replace(/\d+$/, 'N'));
      response.end(JSON.stringify(data('ns2', 7)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { status, stdout } = await runCommand('report', '--from', file, '--from', url);
    server.close();
    expect(status).toBe(0);
    expect(stdout).toContain('servers ns1, ns2\n');
    expect(stdout).toMatch(/^udp +12 +100 %/m);
    expect(asked).toEqual(['/report?since=N']);
  });

  it.each([
    [['--format', 'pdf'], 2, '--format: found pdf, expected one of text, csv, html, json'],
    [['--since', 'yesterday'], 2, '--since: found yesterday, expected a time such as 7d, 12h or 2026-11-30'],
    [['--since', '1h', '--until', '2h'], 2, '--since is not before --until'],
    [['november'], 2, 'unexpected november'],
    [['--from', join(folder, 'none.sock')], 1, 'no such socket; is the server running'],
    [['--from', folder], 1, 'illegal operation on a directory'],
    [['--from', import.meta.filename], 1, 'found no JSON'],
    [['--from', 'http://127.0.0.1:1'], 1, 'http://127.0.0.1:1/report?since='],
  ] as const)('says what is wrong with %j', async (words, status, message) => {
    const ran = await runCommand('report', ...words);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toContain(message);
    expect(ran.stdout).toBe('');
  });
});
