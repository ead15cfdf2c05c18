/**
 * dnsperf asks over UDP, TCP and TLS while zones, certificates and the configuration are reloaded again and again, broken ones among
 * them: no query is lost, no session ends, and what `reload` has answered holds in every thread. Clients of our own ask
 * meanwhile and look at the answers: each is of one version, of one that is valid, and never of an earlier one than before.
 */
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { controlClient } from '../../src/cli/ctl-client.js';
import type { ReloadOutcome } from '../../src/server/reload.js';
import { adotdServe, type Serving } from '../support/cli.js';
import { until } from '../support/patience.js';
import { queryTcp, queryUdp } from '../support/query.js';
import { type RunningProgram, startProgram } from './running-program.js';
import { missingPrograms } from './support.js';
import { HOSTS, versionedZone } from './versioned-zone.js';
import { watchVersions } from './watch-versions.js';

const missing = missingPrograms({ dnsperf: 'dnsperf' });

const ZONE_RELOADS = 200;
const CERTIFICATE_SWAPS = 20;
const CONFIG_RELOADS = 20;
/** 1 in this many reloads is of a broken file. */
const BROKEN = 5;
const PER_SECOND = { udp: 2000, tcp: 500, tls: 500 };

let folder: string;
let server: Serving;
const at = (...names: string[]): string => join(folder, ...names);

function replace(name: string, text: string): void {
  writeFileSync(at('new'), text);
  renameSync(at('new'), at(name));
}

/** The same throughout a test. */
let workers: number | 'embedded';

function configure(parts: object): void {
  const usual = {
    zones: { folder: 'zones' },
    control: { socket: 'ctl' },
    // Told by hand, so that it is known when it has happened.
    watch: { enabled: false },
    workers,
    tls: { certificates: [{ cert: 'served.pem', key: 'served.key' }] },
    sessions: { idle_timeout: 60, idle_timeout_min: 60 },
  };
  replace('adotd.yaml', stringify({ ...usual, ...parts }));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-reload-'));
  mkdirSync(at('zones'));
  writeFileSync(at('zones', 'load.test.zone'), versionedZone(1));
  writeFileSync(at('zones', 'other.test.zone'), versionedZone(1));
  for (const name of ['one', 'two']) {
    writeFileSync(at('make.yaml'), stringify({ tls: { certs_folder: name }, zones: { folder: 'zones' } }));
    await (await adotdServe('--config', at('make.yaml'))).stop();
  }
  for (const suffix of ['pem', 'key']) cpSync(at('one', `self-signed.${suffix}`), at(`served.${suffix}`));
  const queries = Array.from({ length: HOSTS }, (_, i) => `host-${i}.load.test A`);
  writeFileSync(at('queries'), `${queries.join('\n')}\n`);
});
afterEach(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts dnsperf. */
function load(mode: 'udp' | 'tcp' | 'tls'): RunningProgram {
  const port = mode === 'tls' ? server.tlsPort : server.port;
  const rate = String(PER_SECOND[mode]);
  const words = ['-m', mode, '-s', '127.0.0.1', '-p', String(port), '-d', at('queries')];
  return startProgram('dnsperf', [...words, '-l', '600', '-c', '10', '-Q', rate, '-q', '200', '-t', '30']);
}

describe('reloading under load', () => {
  it.skipIf(missing).each([2, 'embedded'] as const)('loses nothing, mixes nothing, workers: %s', async (how) => {
    workers = how;
    configure({});
    server = await adotdServe('--config', at('adotd.yaml'));
    const control = controlClient(at('ctl'), 60_000);
    const reload = async (body: object = {}): Promise<ReloadOutcome> =>
      (await control.json('POST', '/reload', body)) as ReloadOutcome;
    const accepted = async (): Promise<number> => {
      const statistics = (await control.json('GET', '/statistics')) as Record<string, Record<string, number>>;
      return (statistics.tcp_sessions?.opened ?? 0) + (statistics.tls_sessions?.opened ?? 0);
    };
    const loads = [load('udp'), load('tcp'), load('tls')];
    // Ten connections of each of the two.
    await until('the connections of dnsperf', async () => (await accepted()) === 20);
    const versions = { loaded: 1, valid: new Set([1]) };
    const watching = await watchVersions(server, versions);
    const sessions = await accepted();
    const asked = { address: '127.0.0.1', udp: server.port, tcp: server.port };
    for (let i = 0; i < ZONE_RELOADS; i++) {
      const broken = i % BROKEN === 0;
      if (!broken) versions.valid.add(i + 2);
      replace('zones/load.test.zone', broken ? versionedZone(i + 2).slice(0, -20) : versionedZone(i + 2));
      const { counts } = await reload(i % 2 === 0 ? {} : { zone: 'load.test' });
      expect(counts).toMatchObject(broken ? { kept: 1 } : { loaded: 1 });
      if (!broken) versions.loaded = i + 2;
      for (const query of [queryUdp, queryUdp, queryTcp]) {
        const [soa] = (await query(asked, 'load.test', 'SOA')).answers ?? [];
        expect(soa).toMatchObject({ data: { serial: versions.loaded } });
      }
      if (i % (ZONE_RELOADS / CERTIFICATE_SWAPS) === 3) {
        const name = i % 4 === 3 ? 'two' : 'one';
        for (const suffix of ['pem', 'key']) {
          cpSync(at(name, `self-signed.${suffix}`), at('new'));
          renameSync(at('new'), at(`served.${suffix}`));
          // In between they do not belong together: the ones before go on.
          const { certificates } = await reload();
          expect(['kept', 'replaced', 'unchanged']).toContain(certificates);
        }
      }
      if (i % (ZONE_RELOADS / CONFIG_RELOADS) === 5) {
        const wrong = i % 4 === 1;
        configure(
          wrong ? { versoin: 'x' } : { version: `v${i}`, sessions: { idle_timeout: 61 + i, idle_timeout_min: 60 } },
        );
        const { errors, config } = await reload();
        if (wrong) expect(errors).toEqual([expect.stringMatching(/versoin/)]);
        else expect(config?.changed).toContain('version');
        configure({ version: 'as before' });
        await reload();
      }
    }
    // The connections of this test's own queries over TCP apart, and those that dnsperf had not opened yet.
    const opened = (await accepted()) - sessions - ZONE_RELOADS;
    const watched = await watching.end();
    for (const { end } of loads) end();
    for (const output of await Promise.all(loads.map((one) => one.output))) {
      expect(output).toMatch(/Queries lost: +0 \(0\.00%\)/);
      expect(output).toMatch(/Response codes: +NOERROR \d+ \(100\.00%\)\n/);
    }
    expect(opened).toBe(0);
    for (const [transport, { answers, versions: seen, problems }] of Object.entries(watched)) {
      console.info(`${transport}: ${answers} answers of ${seen} versions looked at`);
      expect([transport, problems]).toEqual([transport, []]);
      // Nothing is shown where nothing changed meanwhile.
      expect(seen).toBeGreaterThan(ZONE_RELOADS / BROKEN);
    }
    expect(server.stderr()).not.toMatch(/died|please report/);
  });
});
