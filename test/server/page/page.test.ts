import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { silentLog } from '../../../src/observe/log.js';
import type { RecordedWindow, ZonePage } from '../../../src/page/contract.js';
import type { ReportData } from '../../../src/report/report-data.js';
import { listenMetrics, type MetricsListener } from '../../../src/server/metrics/metrics-listener.js';
import { ZonesLook } from '../../../src/server/page/overview.js';
import { createPage } from '../../../src/server/page/page.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { zoneFilesOf } from '../../../src/server/zones/zone-files.js';
import { serverFacts } from '../../observe/input.js';
import { ROOT } from '../../repository/files.js';

const FILES = ['/', '/page/page.js', '/page/page.css', '/page/icon.svg'];
const DATA = [
  '/page/zones',
  '/page/recorded',
  '/page/report.html',
  '/page/report.csv',
  '/page/report.txt',
  '/page/report.json',
];
const NOW = Math.floor(Date.now() / 1000);
const MINUTE = Math.floor(NOW / 60) * 60 - 120;

let folder: string;
let server: Server;
let listener: MetricsListener;
/** undefined: nothing is recorded. */
let data: ReportData | undefined = {
  adotd_evidence: 1,
  server: 'ns1',
  stored: true,
  minutes: [
    { at: MINUTE, seconds: 60, cells: { 'queries.udp.ipv4': 90, 'seconds.running': 30, 'sessions_open.tls': 4 } },
  ],
  hours: [],
  days: [],
};
let looks = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  const text = '$TTL 1h\n@ SOA ns.example. h.example. 7 1h 1h 1w 1h\n@ NS ns.example.\n';
  for (let i = 0; i < 120; i++) writeFileSync(join(folder, `zone-${i}.example.zone`), text);
  writeFileSync(join(folder, 'large.example.zone'), `${text}a A 192.0.2.1\nb A 192.0.2.2\n`);
  writeFileSync(join(folder, 'broken.example.zone'), `${text}a A <b>\n`);
  const config = configSchema.parse({ port: 0, tls: { enabled: false }, workers: 'embedded' });
  server = await createServer({ config, zones: () => zoneFilesOf(folder), log: silentLog, loader: { thread: false } });
  const page = createPage({
    folder: pathToFileURL(`${ROOT}dist/page/`),
    overview: () => ({ at: 1, server: 'ns1', version: '1', state: 'starting', since: 0 }),
    server: () => server,
    events: () => [],
    report: () => {
      looks++;
      return data;
    },
    hosts: new Set(['ns1.example.net']),
  });
  listener = await listenMetrics({
    endpoint: { address: '127.0.0.1', port: 0 },
    zoneLimit: 10,
    facts: serverFacts,
    report: () => undefined,
    page,
    log: silentLog,
  });
});
afterAll(async () => {
  await listener?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(path: string, { method = 'GET', ...headers }: Record<string, string> = {}): Promise<Answer> {
  const { port } = listener.endpoint;
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const zonePage = async (query: string): Promise<ZonePage> =>
  JSON.parse((await ask(`/page/zones${query}`)).body) as ZonePage;

describe('the page over HTTP', () => {
  it.each([...FILES, ...DATA])('answers %s, and lets no other site use it', async (path) => {
    const { status, headers, body } = await ask(path);
    expect(status).toBe(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/);
    if (!path.includes('report')) expect(policy).not.toContain('unsafe-inline');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(await ask(path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(await ask(path, { method: 'POST' })).toMatchObject({ status: 405 });
    expect(await ask(path, { host: 'evil.example' })).toMatchObject({ status: 403 });
    expect(await ask(path, { host: 'ns1.example.net:80' })).toMatchObject({ status: 200 });
    const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    expect(await ask(path, foreign)).toMatchObject({ status: 403 });
    expect(await ask(path, { ...foreign, 'sec-fetch-mode': 'navigate' })).toMatchObject({ status: 200 });
  });

  it('has no other paths, and leaves those of metrics as they are, under any name', async () => {
    for (const path of [
      '/page',
      '/page/',
      '/page/../etc/passwd',
      '/page/%2e%2e/page.js',
      '/page/page.js.map',
      '//',
      '/index.html',
      '/page/toString',
    ])
      expect(await ask(path)).toMatchObject({ status: 404 });
    for (const path of ['/metrics', '/healthz', '/readyz'])
      expect(await ask(path, { host: 'any.example' })).toMatchObject({ status: 200 });
  });

  it('has addresses that are relative, and nothing from elsewhere', async () => {
    const { body } = await ask('/');
    const addresses = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(5);
    expect(addresses.filter((address) => /^\/|^[a-z]+:/.test(address))).toEqual([]);
    expect(body).not.toMatch(/ style="| on[a-z]+="|<script>|<style>/);
    expect((await ask('/page/page.css')).body).not.toMatch(/url\(|@import/);
  });
});

describe('the table of zones', () => {
  it('comes part by part, by name', async () => {
    const first = await zonePage('');
    expect([first.all, first.matching, first.first, first.rows.length]).toEqual([122, 122, 0, 50]);
    expect(first.rows.map(({ name }) => name)).toEqual(first.rows.map(({ name }) => name).sort());
    const last = await zonePage('?first=100');
    expect([last.first, last.rows.length]).toEqual([100, 22]);
    expect(last.rows[0]).toMatchObject({
      state: 'served',
      serial: 7,
      records: 2,
      role: 'file',
      signaturesExpire: null,
      note: '',
    });
  });

  it('has those whose names have a part, whatever its case', async () => {
    const page = await zonePage('?filter=ZONE-11');
    expect([page.all, page.matching]).toEqual([122, 11]);
    expect(await zonePage('?filter=nowhere')).toMatchObject({ matching: 0, first: 0, rows: [] });
  });

  it('has other orders', async () => {
    const [failed] = (await zonePage('?order=state')).rows;
    expect(failed).toMatchObject({ name: 'broken.example.', state: 'failed', serial: null });
    expect(failed?.note).toMatch(/^line 4: found "<b>"/);
    expect((await zonePage('?order=records')).rows[0]).toMatchObject({ name: 'large.example.', records: 4 });
  });

  it.each([
    '?first=-1',
    '?first=x',
    '?first=1e999',
    '?first=0.5',
    '?order=toString',
    `?filter=${'x'.repeat(5000)}`,
    '?first=&order=&filter=',
  ])('takes %s for something', async (query) =>
    expect(await ask(`/page/zones${query}`)).toMatchObject({ status: 200 }),
  );

  it('behind its end is its last part', async () => {
    expect(await zonePage('?first=999999')).toMatchObject({ first: 100 });
  });
});

describe('the overview', () => {
  it('uses a look at all zones for as long as it is worth, and says when that was', () => {
    const look = new ZonesLook();
    const first = look.found(server, 1000);
    expect(first).toMatchObject({ zonesAt: 1000, zones: { served: 121, failed: 1 } });
    expect(first.problems.join()).toContain('found "<b>"');
    expect(look.found(server, 1001)).toBe(first);
  });
});

describe('what was recorded', () => {
  it('has rates of the time that the server ran, and is made once for a while', async () => {
    const { body } = await ask('/page/recorded?seconds=86400');
    const before = looks;
    const { points, step, figures } = JSON.parse(body) as RecordedWindow;
    expect(step).toBe(60);
    expect(points).toEqual([[MINUTE * 1000, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0]]);
    expect(figures.transports.udp?.queries).toBe(90);
    expect((await ask('/page/recorded?seconds=86400')).body).toBe(body);
    expect(looks).toBe(before);
  });

  it.each(['0', '60', '-1', 'x', '1e9', ''])('of %j seconds is not there', async (seconds) => {
    expect(await ask(`/page/recorded?seconds=${seconds}`)).toMatchObject({ status: 404 });
  });

  it('is saved as a file with the day in its name', async () => {
    const { headers, body } = await ask('/page/report.csv?seconds=3600');
    expect(headers['content-disposition']).toMatch(/^attachment; filename="adotd-\d{4}-\d\d-\d\d\.csv"$/);
    expect(body).toContain('90');
    for (const seconds of ['0', '59', '99999999', 'x'])
      expect(await ask(`/page/report.csv?seconds=${seconds}`)).toMatchObject({ status: 404 });
  });

  it('is not there when nothing is', async () => {
    const kept = data;
    data = undefined;
    expect(await ask('/page/recorded?seconds=604800')).toMatchObject({ status: 404 });
    expect(await ask('/page/report.json')).toMatchObject({ status: 404 });
    data = kept;
  });
});
