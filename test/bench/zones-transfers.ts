/** AXFR of one large zone, out to a client that only reads, and in from one primary: CPU and memory, beside NSD, Knot and BIND. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  configureBindSecondary,
  configureKnotSecondary,
  configureNsdSecondary,
  type SecondarySettings,
} from '../interop/secondary-peers.js';
import { framed, type Ports } from '../load/client.js';
import { buildQuery } from '../support/message.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { make } from '../tls/support.js';
import { largeZone } from './load.js';
import { median, printTable } from './measure.js';
import { cpuBetween, resetPeak } from './proc.js';
import { type Certificate, type Launch, launchOwn, ownConfig } from './server-configs.js';
import { type Contestant, isPresent, OTHER_CPU, startLaunch, startServer } from './servers.js';

const NAMES = ['adotd', 'NSD', 'Knot', 'BIND'] as const;
/** Gives the zone to all: the first of these that is installed. */
const PRIMARIES = ['NSD', 'Knot', 'adotd'] as const;
const BIG = 'big.test';
/** A zone with little in it: what a server costs without the large one. */
const SMALL = 'small.test';
const MEBI = 2 ** 20;
/** The numbers of an SOA record (RFC 1035 §3.3.13). */
const SOA_NUMBERS = 20;
/** Milliseconds for the collection of garbage, and for what is written later. */
const SETTLING = 2000;

interface Figures {
  /** Seconds: of the whole transfer, and of CPU. */
  readonly elapsed: number;
  readonly cpu: number;
  /** MiB above what the server had before, or has without the zone: at the most, and some seconds later. */
  readonly peak: number;
  readonly after: number;
}

interface World {
  readonly folder: string;
  readonly zonesFolder: string;
  readonly certificate: Certificate;
}

export async function benchTransfers({
  turns,
  records,
}: {
  readonly turns: number;
  readonly records: number;
}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-transfers-'));
  const out = new Map<string, Figures[]>();
  const into = new Map<string, Figures[]>();
  const names = NAMES.filter(isPresent);
  const note = (to: Map<string, Figures[]>, name: string, one: Figures): void =>
    void to.set(name, [...(to.get(name) ?? []), one]);
  try {
    const world = await writeWorld(folder, records);
    for (let turn = 0; turn < turns; turn++)
      for (const name of names) note(out, name, await measureOut(name, world, join(folder, `out-${name}-${turn}`)));
    const source = PRIMARIES.find(isPresent) ?? 'adotd';
    const primary = await start(source, world, join(folder, 'primary'), [BIG, SMALL], OTHER_CPU);
    try {
      for (let turn = 0; turn < turns; turn++)
        for (const name of names) note(into, name, await measureIn(name, primary, join(folder, `in-${name}-${turn}`)));
    } finally {
      await primary.stop();
    }
    print(`AXFR of ${records} records to a client that only reads, median of ${turns} turns`, out);
    print(
      `AXFR of ${records} records from ${source}, from exec to the answer; without what the same takes for a zone of 11 records`,
      into,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeWorld(folder: string, records: number): Promise<World> {
  const zonesFolder = join(folder, 'zones');
  mkdirSync(zonesFolder);
  writeFileSync(join(zonesFolder, `${BIG}.zone`), largeZone(records));
  writeFileSync(join(zonesFolder, `${SMALL}.zone`), largeZone(8).replace(BIG, SMALL));
  const certificate = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const made = await make();
  writeFileSync(certificate.cert, made.cert);
  writeFileSync(certificate.key, made.key, { mode: 0o600 });
  return { folder, zonesFolder, certificate };
}

function start(
  name: string,
  { zonesFolder, certificate }: World,
  folder: string,
  zones: readonly string[],
  cpu?: string,
): Promise<Contestant> {
  mkdirSync(folder);
  const given = { folder, zonesFolder, zones, signed: false, certificate, connections: 100, transfers: true };
  return startServer(name, given, cpu);
}

async function measureOut(name: string, world: World, folder: string): Promise<Figures> {
  const server = await start(name, world, folder, [BIG]);
  try {
    await wait(SETTLING);
    resetPeak(server.pid);
    const memory = server.memory('VmRSS');
    const before = server.cpu();
    const began = performance.now();
    const octets = await drainZone(server.port);
    console.log(`${name}: ${(octets / 1e6).toFixed(1)} MB`);
    const elapsed = (performance.now() - began) / 1000;
    const cpu = cpuBetween(before, server.cpu()).total / 1e6;
    const peak = (server.memory('VmHWM') - memory) / MEBI;
    await wait(SETTLING);
    return { elapsed, cpu, peak, after: (server.memory('VmRSS') - memory) / MEBI };
  } finally {
    await server.stop();
  }
}

/** Transfers the large zone, keeps nothing, and returns how many octets came. The last message ends with the SOA record that the first begins with (RFC 5936 §2.2). */
export function drainZone(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, LOOPBACK);
    let rest: Buffer = Buffer.alloc(0);
    let numbers: Buffer | undefined;
    let total = 0;
    socket.on('error', reject).on('close', () => reject(new Error('the connection was closed in the middle')));
    socket.on('data', (octets: Buffer) => {
      rest = rest.length === 0 ? octets : Buffer.concat([rest, octets]);
      let at = 0;
      for (; rest.length >= at + 2 && rest.length >= at + 2 + rest.readUInt16BE(at); ) {
        const message = rest.subarray(at + 2, at + 2 + rest.readUInt16BE(at));
        at += 2 + message.length;
        total += message.length;
        if (numbers === undefined) numbers = soaNumbers(message);
        else if (message.subarray(-SOA_NUMBERS).equals(numbers)) {
          socket.destroy();
          resolve(total);
        }
      }
      rest = rest.subarray(at);
    });
    socket.write(framed(buildQuery({ name: `${BIG}.`, type: 'AXFR' })));
  });
}

/** Those of `largeZone()`: serial 1, then what is in the text of the zone. */
function soaNumbers(first: Buffer): Buffer {
  const numbers = Buffer.alloc(SOA_NUMBERS);
  for (const [i, value] of [1, 7200, 900, 1209600, 300].entries()) numbers.writeUInt32BE(value, 4 * i);
  if (!first.includes(numbers)) throw new Error(`the transfer begins with ${first.subarray(0, 100).toString('hex')}`);
  return numbers;
}

/** What the large zone costs a secondary: the difference to a secondary of the small one. */
async function measureIn(name: string, primary: Contestant, folder: string): Promise<Figures> {
  const small = await takeIn(name, primary, `${folder}-small`, SMALL);
  const big = await takeIn(name, primary, folder, BIG);
  const less = (field: keyof Figures): number => big[field] - small[field];
  return { elapsed: less('elapsed'), cpu: less('cpu'), peak: less('peak'), after: less('after') };
}

async function takeIn(name: string, primary: Contestant, folder: string, zone: string): Promise<Figures> {
  mkdirSync(folder);
  const ports = { port: await freePort(), tlsPort: await freePort() };
  const launch = secondaryOf(name, folder, primary.port, zone, ports);
  const server = await startLaunch({ name, tls: false, ports, zones: [zone], launch });
  try {
    const cpu = server.cpu().total / 1e6;
    await wait(SETTLING);
    const [peak, after] = [server.memory('VmHWM') / MEBI, server.memory('VmRSS') / MEBI];
    return { elapsed: server.loading, cpu, peak, after };
  } finally {
    await server.stop();
  }
}

function secondaryOf(name: string, folder: string, primary: number, zone: string, ports: Ports): Launch {
  const settings = { folder, primary, zones: [{ name: zone }], keys: [], port: ports.port };
  const peers: Readonly<Record<string, (of: SecondarySettings & { readonly port: number }) => readonly string[]>> = {
    NSD: configureNsdSecondary,
    Knot: configureKnotSecondary,
    BIND: configureBindSecondary,
  };
  const configure = peers[name];
  if (configure !== undefined) return { command: configure(settings) };
  return launchOwn(folder, {
    ...ownConfig(ports),
    tls: { enabled: false },
    state: { folder: join(folder, 'state') },
    remotes: [{ name: 'primary', addresses: [LOOPBACK], port: primary }],
    zones: { secondary: [{ zones: [zone], from: ['primary'] }] },
  });
}

function print(title: string, results: ReadonlyMap<string, readonly Figures[]>): void {
  console.log(`\n${title}`);
  const fields = ['elapsed', 'cpu', 'peak', 'after'] as const;
  printTable([
    ['server', 'seconds', 'CPU s', 'peak MiB more', 'then MiB more'],
    ...[...results].map(([name, all]) => [
      name,
      ...fields.map((field, i) => median(all.map((one) => one[field])).toFixed(i < 2 ? 2 : 0)),
    ]),
  ]);
}
