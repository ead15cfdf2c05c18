/** Signing a zone: adotd beside dnssec-signzone, ldns-signzone and kzonesign of Knot. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { algorithmMnemonic } from '../../src/dnssec/algorithms.js';
import { bindKeyStem, toBindPrivate, toBindPublic } from '../../src/dnssec/keys/bind-key.js';
import { generateKey } from '../../src/dnssec/keys/signing-key.js';
import { nameFromText } from '../../src/protocol/name.js';
import { isInstalled, median, printTable, run } from './measure.js';
import { type CpuCost, timed } from './verify.js';
import { ZONE } from './workload.js';
import { SIZES, workload } from './worlds.js';

const APEX = nameFromText(`${ZONE}.`);
const CHAINS = [
  { name: 'NSEC', bind: [], ldns: [], knot: 'nsec3: off' },
  { name: 'NSEC3', bind: ['-3', '-'], ldns: ['-n', '-t', '0'], knot: 'nsec3: on' },
  { name: 'opt-out', bind: ['-3', '-', '-A'], ldns: ['-n', '-p', '-t', '0'], knot: 'nsec3: on\n    nsec3-opt-out: on' },
] as const;
/** Each algorithm with NSEC, and the first one with each chain. */
const ALGORITHMS = [13, 15, 8];

/** Writes a KSK and a ZSK in the form of BIND; returns the paths without suffix. */
function makeKeys(folder: string, algorithm: number): string[] {
  mkdirSync(folder);
  const ksk = generateKey(algorithm, true);
  return [ksk, generateKey(algorithm, false, [ksk.tag])].map((key) => {
    const stem = join(folder, bindKeyStem(APEX, key));
    writeFileSync(`${stem}.private`, toBindPrivate(key), { mode: 0o600 });
    writeFileSync(`${stem}.key`, toBindPublic(APEX, key, 3600));
    return stem;
  });
}

/**
 * Writes a configuration for kzonesign, which makes keys of its own, once; returns its arguments. The signed zone comes into a folder beside the
 * keys.
 */
async function prepareKnot(
  folder: string,
  zones: string,
  algorithm: number,
  chain: string,
  threads: number,
): Promise<string[]> {
  for (const name of ['out', 'db']) mkdirSync(join(folder, name), { recursive: true });
  const config = join(folder, 'knot.conf');
  const text = `server:
    rundir: ${folder}
database:
    storage: ${join(folder, 'db')}
policy:
  - id: bench
    algorithm: ${algorithmMnemonic(algorithm)}
    signing-threads: ${threads}
    ${chain}
    nsec3-iterations: 0
    nsec3-salt-length: 0
zone:
  - domain: ${ZONE}
    storage: ${zones}
    file: ${ZONE}.zone
    dnssec-signing: on
    dnssec-policy: bench
`;
  writeFileSync(config, text);
  const words = ['-c', config, '-o', join(folder, 'out'), ZONE];
  if (isInstalled('kzonesign')) await run('kzonesign', ['-r', ...words]);
  return words;
}

/** Prints CPU and time of signing a zone of `names` names and 1,000 delegations with `threads` threads; whole processes. */
export async function benchSign(names: number, turns: number, threads: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const { zonesFolder } = workload(join(folder, 'unsigned'), { ...SIZES, names, delegations: 1000 });
    const file = join(zonesFolder, `${ZONE}.zone`);
    const program = fileURLToPath(new URL('./sign-one.js', import.meta.url));
    const own = process.execPath;
    const rows: string[][] = [];
    for (const algorithm of ALGORITHMS) {
      const path = join(folder, String(algorithm));
      const keys = makeKeys(path, algorithm);
      const records = keys.map((stem) => readFileSync(`${stem}.key`, 'latin1'));
      const withKeys = join(folder, 'with-keys');
      writeFileSync(withKeys, `${readFileSync(file, 'latin1')}${records.join('')}`);
      for (const { name, bind, ldns, knot } of algorithm === ALGORITHMS[0] ? CHAINS : CHAINS.slice(0, 1)) {
        const out = join(folder, 'signed');
        const common = ['-q', '-P', '-d', folder, '-n', String(threads), '-o', ZONE, '-f', out];
        const knotFolder = join(folder, `knot-${algorithm}-${name}`);
        const knotWords = await prepareKnot(knotFolder, zonesFolder, algorithm, knot, threads);
        const all = [
          { program: 'adotd', command: own, args: [program, file, name, String(threads), path] },
          { program: 'dnssec-signzone', command: 'dnssec-signzone', args: [...common, ...bind, withKeys, ...keys] },
          { program: 'ldns-signzone', command: 'ldns-signzone', args: ['-o', ZONE, ...ldns, '-f', out, file, ...keys] },
          { program: 'kzonesign', command: 'kzonesign', args: knotWords },
        ].filter(({ command }) => command === own || isInstalled(command));
        const costs = new Map<string, CpuCost[]>(all.map((one) => [one.program, []]));
        for (let turn = 0; turn < turns; turn++)
          for (const one of all) costs.get(one.program)!.push(await timed(one.command, one.args));
        const middle = (one: string, field: 'cpu' | 'elapsed'): number =>
          median(costs.get(one)?.map((cost) => cost[field]) ?? []);
        const bindTime = middle('dnssec-signzone', 'elapsed');
        for (const one of all) {
          const [elapsed, cpu] = [middle(one.program, 'elapsed'), middle(one.program, 'cpu')];
          const title = `algorithm ${algorithm}, ${name}`;
          rows.push([title, one.program, elapsed.toFixed(2), (elapsed / bindTime).toFixed(2), cpu.toFixed(2)]);
        }
      }
    }
    console.log(
      `\n${names} names, 1,000 delegations, ${threads} threads (ldns: 1), median of ${turns} turns, whole processes`,
    );
    printTable([['zone', 'program', 'seconds', 'x dnssec-signzone', 'CPU seconds'], ...rows]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
