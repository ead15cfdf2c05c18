/**
 * Our reading of generated zone files against that of BIND (`named-checkzone -D`) and NSD (`nsd-checkzone -p`): the same zone, or
 * the same refusal. Where the two differ from each other, ours is that of one of them; docs/protocol.md says which and why.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nameFromText } from '../../src/protocol/name.js';
import { checkZone } from '../../src/zone/check.js';
import { Diagnostics } from '../../src/zone/diagnostics.js';
import { includer } from '../../src/zone/files.js';
import { printZone } from '../../src/zone/print.js';
import { readZone } from '../../src/zone/reader.js';
import { groupRrsets } from '../../src/zone/rrsets.js';
import { seedOr } from '../support/seed.js';
import { type OddZone, oddZones } from './odd-zone-files.js';
import { missingPrograms } from './support.js';

const missing = missingPrograms({ 'named-checkzone': 'bind9-utils', 'nsd-checkzone': 'nsd' });
const SEED = seedOr(20_261_130);
/** ADOTD_COUNT tries more files. */
const COUNT = Number(process.env.ADOTD_COUNT ?? 200);
/** Programs that run at once. */
const JOBS = 4;

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A zone as canonical text in lower case; undefined: it is refused. */
type Reading = string | undefined;

/** How we read a zone file, or the zone that a peer prints. */
function ours(file: string, bytes: Uint8Array): { reading: Reading; said: string } {
  const diagnostics = new Diagnostics();
  const rrsets = groupRrsets(
    readZone({ file, bytes, origin: nameFromText('example.'), include: includer(file) }, diagnostics),
  );
  checkZone(rrsets, diagnostics, { now: 0 });
  const errors = diagnostics.list.filter(({ severity }) => severity === 'error');
  const parts: string[] = [];
  if (errors.length === 0) printZone(rrsets, (text) => parts.push(text));
  const said = errors.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('; ');
  return { reading: errors.length === 0 ? parts.join('').toLowerCase() : undefined, said };
}

const CHECKS = [
  '-i',
  'none',
  '-k',
  'ignore',
  '-m',
  'ignore',
  '-M',
  'ignore',
  '-n',
  'ignore',
  '-S',
  'ignore',
  '-T',
  'ignore',
];
const PEERS = {
  BIND: ['named-checkzone', '-q', '-D', ...CHECKS, '-r', 'ignore', 'example.'],
  NSD: ['nsd-checkzone', '-p', 'example.'],
} as const;

function read(peer: keyof typeof PEERS, cwd: string): Promise<Reading> {
  const [command, ...words] = PEERS[peer];
  return new Promise((resolve) => {
    execFile(command, [...words, 'main'], { cwd, encoding: 'buffer' }, (error, stdout) =>
      resolve(error === null ? ours('printed', stdout).reading : undefined),
    );
  });
}

interface Verdict {
  readonly zone: OddZone;
  readonly ours: Reading;
  readonly said: string;
  readonly peers: Readonly<Partial<Record<keyof typeof PEERS, Reading>>>;
}

async function judge(zone: OddZone, number: number): Promise<Verdict> {
  const cwd = join(folder, String(number));
  mkdirSync(cwd);
  for (const [name, text] of Object.entries(zone.files)) writeFileSync(join(cwd, name), text);
  const peers: Partial<Record<keyof typeof PEERS, Reading>> = {};
  for (const peer of ['BIND', 'NSD'] as const)
    if (zone.without[peer] === undefined) peers[peer] = await read(peer, cwd);
  const { reading, said } = ours(join(cwd, 'main'), Buffer.from(zone.files.main ?? ''));
  return { zone, ours: reading, said, peers };
}

const show = (verdict: Verdict): string =>
  `${JSON.stringify(verdict.zone.files, undefined, 1)}\nours: ${verdict.ours ?? verdict.said}\n${Object.entries(
    verdict.peers,
  )
    .map(([peer, reading]) => `${peer}: ${reading ?? 'refused'}`)
    .join('\n')}\n`;

describe.skipIf(missing)(`zone files of odd kinds${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test(`are read as BIND and NSD read them (seed ${SEED})`, async () => {
    const zones = oddZones(SEED, COUNT);
    const verdicts: Verdict[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < zones.length; i = next++) verdicts.push(await judge(zones[i]!, i));
    };
    await Promise.all(Array.from({ length: JOBS }, work));
    const alone = verdicts.filter(({ peers, ours: own }) => !Object.values(peers).some((reading) => reading === own));
    const differ = verdicts.filter(({ peers }) => new Set(Object.values(peers)).size > 1);
    const accepted = verdicts.filter((verdict) => verdict.ours !== undefined).length;
    console.log(
      `seed ${SEED}: ${verdicts.length} files, ${accepted} of them zones; BIND and NSD differ in ${differ.length}, we from both in ${alone.length}`,
    );
    expect(alone.map(show).join('\n')).toBe('');
    // Both verdicts have to occur, or nothing is compared.
    for (const kind of ['include', 'quote', 'case'] as const)
      expect(verdicts.filter(({ zone, ours }) => zone.kind === kind && ours !== undefined).length).toBeGreaterThan(0);
    expect(verdicts.filter(({ zone, ours }) => zone.kind === 'quote' && ours === undefined).length).toBeGreaterThan(
      COUNT / 10,
    );
  });
});
