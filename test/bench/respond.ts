/** respond() alone: nanoseconds and queries per second by kind of answer; no sockets, one thread. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts } from '../../src/answer/facts.js';
import { createResponder } from '../../src/answer/respond.js';
import { buildQuery } from '../support/message.js';
import { isInstalled, nanosecondsEach, printTable } from './measure.js';
import { MIX, type QueryKind, queries, queryOf, randomFrom, ZONE, zoneText } from './workload.js';
import { catalogOf, loadZone } from './workload-engine.js';

const SEED = 7;
/** Different queries asked in turn, so that caches see something like the real thing. */
const DISTINCT = 20_000;
/** The signed zone is smaller: signing is the slow part. */
const SIGNED_NAMES = 10_000;
const SIGNED_DELEGATIONS = 500;

/** Prints a table for the unsigned zone, and for NSEC and NSEC3 ones with DO where ldns-signzone is installed. */
export async function benchRespond(count: number): Promise<void> {
  console.log(`unsigned zone, ${count} queries of each kind, seed ${SEED}`);
  measure(zoneText(), false, count, 100_000, 1_000);
  if (!isInstalled('ldns-signzone') || !isInstalled('ldns-keygen')) {
    console.log('ldns-signzone is not installed: no signed zones');
    return;
  }
  for (const [name, options] of [
    ['NSEC', []],
    ['NSEC3, no iterations, no salt', ['-n', '-t', '0', '-s', '']],
  ] as const) {
    console.log(`\nzone signed with ${name}, DO set`);
    measure(sign(zoneText(SIGNED_NAMES, SIGNED_DELEGATIONS), options), true, count, SIGNED_NAMES, SIGNED_DELEGATIONS);
  }
}

function sign(text: string, options: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    writeFileSync(join(folder, 'zone'), text);
    const key = spawnSync('ldns-keygen', ['-a', 'ECDSAP256SHA256', '-r', '/dev/urandom', ZONE], { cwd: folder });
    const signed = spawnSync('ldns-signzone', [...options, '-e', '20600101', 'zone', key.stdout.toString().trim()], {
      cwd: folder,
    });
    if (signed.status !== 0) throw new Error(`ldns-signzone failed: ${signed.stderr}`);
    return readFileSync(join(folder, 'zone.signed'), 'latin1');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measure(text: string, dnssecOk: boolean, count: number, names: number, delegations: number): void {
  const facts = createFacts(catalogOf(loadZone(text)));
  const { respond } = createResponder(DEFAULT_SETTINGS);
  const out = new Uint8Array(65_535);
  const random = randomFrom(SEED);
  const encode = ([name, type]: [string, string]): Uint8Array =>
    buildQuery({ name: `${name}.`, type, edns: { dnssecOk } });
  const time = (requests: readonly Uint8Array[]): [number, number] => {
    let octets = 0;
    const started = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      const request = requests[i % requests.length]!;
      octets += respond(request, 0, request.length, facts, out, 0, 1232);
    }
    return [nanosecondsEach(started, count), octets / count];
  };
  const mixed = queries(DISTINCT, random, names, delegations).map(encode);
  time(mixed);
  const rows: string[][] = [['kind', 'ns per query', 'queries/s', 'mean octets']];
  const row = (name: string, requests: readonly Uint8Array[]): void => {
    const [nanoseconds, octets] = time(requests);
    rows.push([name, nanoseconds.toFixed(0), Math.round(1e9 / nanoseconds).toLocaleString('en'), octets.toFixed(0)]);
  };
  for (const kind of Object.keys(MIX) as QueryKind[]) {
    row(
      kind,
      Array.from({ length: DISTINCT }, () => encode(queryOf(kind, random, names, delegations))),
    );
  }
  row('whole mix', mixed);
  const heap = process.memoryUsage().heapUsed;
  time(mixed);
  rows.push(['heap grown by', `${process.memoryUsage().heapUsed - heap} octets`, 'over the mix', '']);
  printTable(rows);
}
