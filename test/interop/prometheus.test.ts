import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { configSchema } from '../../src/config/schema.js';
import { silentLog } from '../../src/observe/log.js';
import { listenMetrics, type MetricsListener } from '../../src/server/metrics/metrics-listener.js';
import { createServer, type Server } from '../../src/server/server.js';
import { zoneFilesOf } from '../../src/server/zones/zone-files.js';
import { dashboardExpressions } from '../observe/deployment.js';
import { serverFacts, zoneFacts } from '../observe/input.js';
import { ROOT } from '../repository/files.js';
import { queryTcp, queryUdp } from '../support/query.js';

/** Says that promtool is not installed, and how to get it; with CI=true that is an error. */
function obstacle(): string {
  if (spawnSync('promtool', ['--version'], { stdio: 'ignore' }).error === undefined) return '';
  const text = 'not installed: promtool; Debian package prometheus';
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

/** Runs promtool; exit status 0 without output means that it found no mistake. */
function promtool(words: readonly string[], input = ''): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', words, { input, encoding: 'utf8', timeout: 60_000 });
  return { status, said: `${stdout}${stderr}` };
}

const ALERTS = join(ROOT, 'deploy', 'prometheus', 'alerts.yml');
const why = obstacle();

describe.skipIf(why !== '')(`promtool ${why}`, () => {
  let folder: string;
  let server: Server;
  let listener: MetricsListener;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'adotd-'));
    const config = configSchema.parse({ port: 0, tls: { enabled: false }, workers: 'embedded' });
    const zones = () => zoneFilesOf(join(ROOT, 'zones'));
    server = await createServer({ config, zones, log: silentLog, loader: { thread: false } });
    const at = { address: '127.0.0.1', udp: server.udp[0]?.port ?? 0, tcp: server.tcp[0]?.port ?? 0 };
    // More than are timed: the histogram of respond() is not to be empty.
    for (let i = 0; i < 300; i++) await queryUdp(at, i % 3 === 0 ? 'example.test' : 'elsewhere.invalid');
    for (let i = 0; i < 5; i++) await queryTcp(at, 'missing.example.test', 'AAAA');
    listener = await listenMetrics({
      report: () => undefined,
      endpoint: { address: '127.0.0.1', port: 0 },
      zoneLimit: 10,
      facts: () =>
        serverFacts({
          counters: server.counters,
          zones: [...server.zones.names.map((name) => zoneFacts(name)), zoneFacts('odd\\"\\\\name\n.test.')],
        }),
      log: silentLog,
    });
  });
  afterAll(async () => {
    await listener?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function scrape(accept: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${listener.endpoint.port}/metrics`, { headers: { accept } });
    expect(response.status).toBe(200);
    return response.text();
  }

  it('has nothing to say against the metrics of a server that has answered', async () => {
    const text = await scrape('text/plain');
    expect(text).toMatch(/^adotd_queries_total\{transport="udp",type="A"\} 300$/m);
    expect(text).toMatch(/^adotd_queries_total\{transport="tcp",type="AAAA"\} 5$/m);
    expect(text).toMatch(/^adotd_respond_duration_seconds_count\{transport="udp"\} 2$/m);
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
  });

  it('would complain: a wrong name is found', async () => {
    const text = (await scrape('text/plain')).replaceAll('adotd_sessions_opened_total', 'adotd_sessions_opened');
    const { status, said } = promtool(['check', 'metrics'], text);
    expect(status).not.toBe(0);
    expect(said).toContain('adotd_sessions_opened counter metrics should have "_total" suffix');
  });

  it('reads the OpenMetrics form: every series becomes one of a database', async () => {
    const text = await scrape('application/openmetrics-text');
    // The tool wants a time with every sample.
    const timed = text.replace(/^([a-z].*)$/gm, '$1 1795000000');
    const file = join(folder, 'openmetrics');
    writeFileSync(file, timed);
    const data = join(folder, 'data');
    const { status, said } = promtool(['tsdb', 'create-blocks-from', 'openmetrics', file, data]);
    expect([status, said]).toEqual([0, expect.stringContaining('BLOCK ULID')]);
    const series = text.split('\n').filter((line) => /^[a-z]/.test(line)).length;
    expect(said.replaceAll(/ +/g, ' ')).toContain(` ${series} ${series} `);
  });

  it('finds no mistake in the alert rules, and sees each of them fire where it should', () => {
    const checked = promtool(['check', 'rules', '--lint=all', '--lint-fatal', ALERTS]);
    expect(checked).toEqual({ status: 0, said: expect.stringMatching(/SUCCESS: \d+ rules found/) });
    const tested = promtool(['test', 'rules', ALERTS.replace('alerts.yml', 'alerts.test.yml')]);
    expect(tested).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') });
  });

  it('can parse what the dashboard asks', () => {
    const rules = dashboardExpressions().map(([, expression], index) => ({
      record: `panel:${index}`,
      expr: expression.replaceAll('$__rate_interval', '5m').replace(/\$(job|instance)\b/g, '.+'),
    }));
    const file = join(folder, 'dashboard.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, said } = promtool(['check', 'rules', file]);
    expect([status, said]).toEqual([0, expect.stringContaining(`SUCCESS: ${rules.length} rules found`)]);
  });
});
