/**
 * Many secondary zones: from a primary over one TLS connection, idle, and after a restart from state, beside Knot, which has no transfers
 * inside TLS and gets them over TCP.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { configureKnotSecondary } from '../interop/secondary-peers.js';
import type { Ports } from '../load/client.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { make } from '../tls/support.js';
import { isInstalled, median, printTable } from './measure.js';
import { cpuBetween } from './proc.js';
import { type Given, type Launch, launchOwn, ownConfig } from './server-configs.js';
import { type Contestant, OTHER_CPU, serialOf, startLaunch, startServer } from './servers.js';
import { smallZoneText } from './workload.js';

/** Seconds that a server gets to write what it has and to collect garbage, before it counts as idle. */
const SETTLING = 5;
const PRIMARY_NAME = 'primary.test';

interface SecondariesOptions {
  readonly turns: number;
  readonly zones: number;
  /** Of idleness that is measured. */
  readonly seconds: number;
}

interface Figures {
  /** Seconds until all zones were answered. */
  readonly transferred: number;
  /** Seconds of CPU for that. */
  readonly transferCpu: number;
  readonly restarted: number;
  readonly restartCpu: number;
  /** Of an idle second: milliseconds of CPU, and how often a thread was woken. */
  readonly idleCpu: number;
  readonly wakeUps: number;
  /** MiB, idle, and above that of the same server with one zone. */
  readonly memory: number;
  readonly above: number;
}

/** Where a secondary finds its primary. */
interface Primary {
  readonly server: Contestant;
  /** File with the certificate. */
  readonly ca: string;
}

/** Writes the configuration of a secondary, and returns its command. */
type Configure = (folder: string, zones: readonly string[], primary: Primary, ports: Ports) => Launch;

const SECONDARIES: Readonly<Record<string, { readonly program: string; readonly configure: Configure }>> = {
  adotd: { program: 'node', configure: configureOwn },
  Knot: {
    program: 'knotd',
    configure: (folder, zones, { server }, { port }) => {
      const named = zones.map((name) => ({ name }));
      return { command: [...configureKnotSecondary({ folder, primary: server.port, zones: named, keys: [], port })] };
    },
  },
};

function configureOwn(folder: string, zones: readonly string[], { server, ca }: Primary, ports: Ports): Launch {
  const tls = { ca, name: PRIMARY_NAME, port: server.tlsPort };
  return launchOwn(folder, {
    ...ownConfig(ports),
    state: { folder: join(folder, 'state') },
    remotes: [{ name: 'primary', addresses: [LOOPBACK], port: server.port, tls }],
    zones: { secondary: [{ zones, from: ['primary'] }] },
  });
}

export async function benchSecondaries({ turns, zones, seconds }: SecondariesOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-secondaries-'));
  const results = new Map<string, Figures[]>();
  try {
    const given = await writeWorld(folder, zones);
    for (let turn = 0; turn < turns; turn++)
      for (const [name, { program, configure }] of Object.entries(SECONDARIES)) {
        if (!isInstalled(program)) continue;
        const own = join(folder, `${name}-${turn}`);
        const figures = await measure(name, own, given, configure, seconds);
        results.set(name, [...(results.get(name) ?? []), figures]);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  print(results, turns, zones);
}

/** The zones of the primary, and its certificate. */
async function writeWorld(folder: string, zones: number): Promise<Given> {
  const zonesFolder = join(folder, 'zones');
  mkdirSync(zonesFolder);
  const names = Array.from({ length: zones }, (_, i) => `zone${i}.test`);
  for (const [i, name] of names.entries()) writeFileSync(join(zonesFolder, `${name}.zone`), smallZoneText(i));
  const certificate = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const made = await make({ names: [PRIMARY_NAME] });
  writeFileSync(certificate.cert, made.cert);
  writeFileSync(certificate.key, made.key, { mode: 0o600 });
  const own = join(folder, 'primary');
  mkdirSync(own);
  return { folder: own, zonesFolder, zones: names, signed: false, certificate, connections: 200, transfers: true };
}

async function measure(
  name: string,
  folder: string,
  given: Given,
  configure: Configure,
  seconds: number,
): Promise<Figures> {
  const server = await startServer('adotd', given, OTHER_CPU);
  try {
    const primary: Primary = { server, ca: given.certificate.cert };
    const start = async (of: readonly string[], own: string): Promise<Contestant> => {
      mkdirSync(own, { recursive: true });
      const ports = { port: await freePort(), tlsPort: await freePort() };
      return startLaunch({ name, tls: false, ports, zones: of, launch: configure(own, of, primary, ports) });
    };
    const alone = await start(given.zones.slice(0, 1), `${folder}-alone`);
    const base = alone.memory('Pss');
    await alone.stop();
    const first = await timed(() => start(given.zones, folder), given.zones);
    await wait(SETTLING * 1000);
    const before = first.started.cpu();
    await wait(seconds * 1000);
    const idle = cpuBetween(before, first.started.cpu());
    const memory = first.started.memory('Pss');
    await first.started.stop();
    const second = await timed(() => start(given.zones, folder), given.zones);
    await second.started.stop();
    const mebi = (octets: number): number => octets / 2 ** 20;
    return {
      transferred: first.seconds,
      transferCpu: first.cpu,
      restarted: second.seconds,
      restartCpu: second.cpu,
      idleCpu: idle.total / 1000 / seconds,
      wakeUps: idle.wakeUps / seconds,
      memory: mebi(memory),
      above: mebi(memory - base),
    };
  } finally {
    await server.stop();
  }
}

interface Timed {
  readonly started: Contestant;
  readonly seconds: number;
  readonly cpu: number;
}

/** Starts a server, and waits until it has each zone. */
async function timed(start: () => Promise<Contestant>, zones: readonly string[]): Promise<Timed> {
  const began = performance.now();
  const started = await start();
  for (const zone of zones) while ((await serialOf(started.port, zone)) === undefined) await wait(10);
  return { started, seconds: (performance.now() - began) / 1000, cpu: started.cpu().total / 1e6 };
}

function print(results: ReadonlyMap<string, readonly Figures[]>, turns: number, zones: number): void {
  console.log(
    `\n${zones} secondary zones of 11 records, median of ${turns} turns; adotd has them inside TLS, Knot over TCP. From exec until all are answered; CPU of the whole process`,
  );
  const columns: readonly (readonly [string, keyof Figures, number])[] = [
    ['from a primary, s', 'transferred', 2],
    ['CPU s', 'transferCpu', 2],
    ['from state, s', 'restarted', 2],
    ['CPU s', 'restartCpu', 2],
    ['idle: CPU ms/s', 'idleCpu', 2],
    ['wake-ups/s', 'wakeUps', 1],
    ['MiB', 'memory', 0],
    ['MiB above one zone', 'above', 0],
  ];
  printTable([
    ['server', ...columns.map(([title]) => title)],
    ...[...results].map(([name, all]) => [
      name,
      ...columns.map(([, field, digits]) => median(all.map((one) => one[field])).toFixed(digits)),
    ]),
  ]);
}
