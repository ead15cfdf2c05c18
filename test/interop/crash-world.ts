/**
 * The servers that are killed: a primary that takes UPDATE and is a secondary of another one, and two secondaries of it, adotd and a peer. All
 * zones have timers of a second. Servers keep their ports and their state.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { adotdServe, type Serving, startAdotd } from '../support/cli.js';
import { freePort, LOOPBACK, type Peer } from '../support/peers/server.js';
import { startBindSecondary, startKnotSecondary } from './secondary-peers.js';

/** The primary's own zone. */
export const OWN = 'own.test';
/** The zone that the primary has from the source. */
export const TAKEN = 'taken.test';
export const ZONES = [OWN, TAKEN] as const;
/** Records besides those that are changed: so many that a transfer has several messages. */
const HOSTS = 2000;

const zoneText = (): string =>
  [
    '@ 60 SOA ns h 1 1 1 86400 60',
    '@ 60 NS ns',
    'ns 60 A 192.0.2.1',
    ...Array.from({ length: HOSTS }, (_, i) => `host${i} 60 TXT "${String(i).padStart(60, '0')}"`),
    '',
  ].join('\n');

/** An adotd that can be killed and started again. */
export class Killable {
  readonly name: string;
  readonly port: number;
  readonly #words: readonly string[];
  #serving: Serving | undefined;

  constructor(name: string, port: number, config: string) {
    this.name = name;
    this.port = port;
    this.#words = ['--config', config, '--port', String(port)];
  }

  /** What it has said since it was started last. */
  get log(): string {
    return this.#serving?.stderr() ?? '';
  }

  /** Starts it; fulfilled when it is ready. Throws what it said when it does not become ready. */
  async start(): Promise<void> {
    this.#serving = await adotdServe(...this.#words);
  }

  async kill(): Promise<void> {
    this.#serving?.signal('SIGKILL');
    await this.#serving?.ended();
  }

  /** Starts it, and kills it so many milliseconds later, ready or not. Throws what it said when it ended by itself. */
  async startAndKill(milliseconds: number): Promise<void> {
    const starting = startAdotd(...this.#words);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const { status, stderr } = await starting.kill();
    if (status !== null) throw new Error(`${this.name} ended with status ${status}: ${stderr}`);
  }

  async stop(): Promise<void> {
    await this.#serving?.stop();
  }
}

/** The servers of a run. */
export interface CrashWorld extends AsyncDisposable {
  /** Gives TAKEN to the primary; it is never killed. */
  readonly source: Killable;
  readonly primary: Killable;
  readonly secondary: Killable;
  /** BIND or Knot; it is never killed. */
  readonly peer: Peer;
}

const PEERS = { BIND: startBindSecondary, Knot: startKnotSecondary } as const;

interface WorldOptions {
  readonly folder: string;
  readonly peer: keyof typeof PEERS;
}

export async function startWorld({ folder, peer: peerName }: WorldOptions): Promise<CrashWorld> {
  const [source, primary, secondary, peer] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = { source, primary, secondary, peer };
  const remotes = Object.entries(ports).map(([name, port]) => ({ name, addresses: [LOOPBACK], port }));
  const own = (name: keyof typeof ports, zones: object, more: object = {}): Killable => {
    const config = join(folder, `${name}.yaml`);
    const state = { folder: join(folder, `${name}-state`) };
    const base = { workers: 1, tls: { enabled: false }, sessions: { max_per_client: 100 }, remotes, state };
    writeFileSync(config, stringify({ ...base, control: { socket: join(folder, `${name}.sock`) }, zones, ...more }));
    return new Killable(name, ports[name], config);
  };
  const given = { transfer: { to: ['peer'] } };
  const changed = (zone: string): object => ({ update: [{ remote: 'peer', allow: [{ subdomain: zone }] }] });
  for (const [name, zone] of [
    ['source', TAKEN],
    ['primary', OWN],
  ] as const) {
    mkdirSync(join(folder, `${name}-zones`), { recursive: true });
    writeFileSync(join(folder, `${name}-zones`, `${zone}.zone`), zoneText());
  }
  const told = { ...given, notify: ['secondary', 'peer'] };
  const servers = [
    own('source', {
      folder: join(folder, 'source-zones'),
      policies: [{ zones: [TAKEN], ...given, notify: ['primary'], ...changed(TAKEN) }],
    }),
    own('primary', {
      folder: join(folder, 'primary-zones'),
      secondary: [{ zones: [TAKEN], from: ['source'] }],
      policies: [
        { zones: [OWN], ...told, ...changed(OWN) },
        { zones: [TAKEN], ...told },
      ],
    }),
    own('secondary', {
      secondary: [{ zones: [...ZONES], from: ['primary'] }],
      policies: [{ default: true, ...given }],
    }),
  ] as const;
  for (const server of servers) await server.start();
  const zones = ZONES.map((name) => ({ name }));
  const settings = { folder: join(folder, 'peer'), primary, zones, keys: [], port: peer };
  const running = await PEERS[peerName](settings);
  return {
    source: servers[0],
    primary: servers[1],
    secondary: servers[2],
    peer: running,
    async [Symbol.asyncDispose]() {
      await running.stop();
      for (const server of servers.toReversed()) await server.stop();
    },
  };
}
