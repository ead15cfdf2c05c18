import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

  it('compares two days of a server, or two files, also in folders above', async () => {
    const at = Math.floor(Date.parse('2026-11-10T12:00Z') / 1000);
    const hour = (from: number, queries: number) => ({
      at: from,
      seconds: 3600,
      cells: { 'queries.udp.ipv4': queries },
    });
    const write = (name: string, hours: readonly object[]): string => {
      const file = join(folder, name);
      writeFileSync(file, JSON.stringify({ ...data('ns1', 0), minutes: [], hours }));
      return file;
    };
    const both = write('both.json', [hour(at, 3600), hour(at + 86_400, 7200)]);
    const days = await runCommand(
      'report',
      '--from',
      both,
      '--compare',
      '2026-11-10..2026-11-11/2026-11-14',
      '--format',
      'json',
    );
    const { rows, before } = JSON.parse(days.stdout);
    expect(before).toEqual({ from: at, to: at + 3600 });
    expect(rows[0]).toEqual({ name: 'queries', unit: '/s', before: 1, after: 2, change: 1 });
    const [one, other] = [write('one.json', [hour(at, 3600)]), write('other.json', [hour(at, 1800)])];
    const above = `${folder}/../${basename(folder)}`;
    for (const format of ['text', 'csv', 'html']) {
      const files = await runCommand('report', '--compare', `${above}/one.json..${other}`, '--format', format);
      expect([files.status, files.stderr]).toEqual([0, '']);
      expect(files.stdout).toMatch(/queries.*1\D.*0\.5/);
    }
    expect(one).not.toBe(other);
  });

  it.each([
    [['--compare', '2026-11-10'], 2, '--compare: found nothing, expected a file, a day such as 2026-11-30'],
    [['--compare', '7d..2026-11-10'], 2, '--compare: found 7d, expected a file, a day'],
    [['--compare', '2d/4d..2d/1d'], 2, '--compare: 2d is not before 4d'],
    [
      ['--compare', '4d/2d..2d/1d', '--since', '7d'],
      2,
      '--compare names its times itself: leave --since and --until out',
    ],
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
