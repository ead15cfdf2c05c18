/** Durable UPDATEs a second: 20 clients with a TCP connection each, one update after the other, on one zone of 1,000 records. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Requests, startUpdatedBind, startUpdatedKnot, type UpdatedZone } from '../interop/update-peers.js';
import { freePort, stopChild } from '../support/peers/server.js';
import { updateMessage } from '../transfer/update/update-case.js';
import { REPOSITORY } from './machine.js';
import { isInstalled, median, printTable } from './measure.js';

const CLIENTS = 20;
const RECORDS = 1000;
const NAME = 'updates.test.';

/** A server that takes updates from anybody on loopback. */
interface Updated {
  readonly port: number;
  stop(): Promise<unknown>;
}

const SERVERS: Readonly<Record<string, { readonly program: string; start(folder: string): Promise<Updated> }>> = {
  adotd: { program: 'node', start: startAdotd },
  BIND: { program: 'named', start: (folder) => startUpdatedBind(folder, [zone()]) },
  Knot: { program: 'knotd', start: (folder) => startUpdatedKnot(folder, [zone()]) },
};

function zone(): UpdatedZone {
  const hosts = Array.from({ length: RECORDS - 3 }, (_, i) => `host${i} 300 A 192.0.2.${i % 250}`);
  const apex = ['@ 3600 SOA ns1 h 10 7200 900 1209600 300', '@ 3600 NS ns1', 'ns1 300 A 192.0.2.1'];
  return { name: NAME, lines: [...apex, ...hosts] };
}

async function startAdotd(folder: string): Promise<Updated> {
  const zones = join(folder, 'zones');
  mkdirSync(zones, { recursive: true });
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(zones, `${NAME}zone`), `${zone().lines.join('\n')}\n`);
  const config = {
    log: { level: 'warn' },
    tls: { enabled: false },
    sessions: { max_per_client: 100 },
    state: { folder: join(folder, 'state') },
    remotes: [{ name: 'here', addresses: ['127.0.0.1'] }],
    zones: {
      folder: zones,
      policies: [{ zones: [NAME], update: [{ remote: 'here', allow: [{ subdomain: NAME }] }] }],
    },
  };
  const file = join(folder, 'adotd.yaml');
  const port = await freePort();
  writeFileSync(file, stringify({ ...config, listen: ['127.0.0.1'], port }));
  const main = join(REPOSITORY, 'dist', 'cli', 'main.js');
  const child = spawn(process.execPath, [main, 'serve', '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  // It prints a line when everything answers.
  await once(child.stdout, 'data');
  return { port, stop: () => stopChild(child) };
}

interface Figures {
  readonly rate: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
}

/** Every client adds an address to a name of its own, and takes it away again. */
async function measure(port: number, seconds: number): Promise<Figures> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  const one = async (client: number): Promise<void> => {
    using requests = new Requests(port);
    const changes = [`client${client} 300 IN A 192.0.2.1`, `client${client} 0 ANY A`];
    const messages = changes.map((change) => updateMessage({ zone: NAME, changes: [change] }));
    for (let i = 0; performance.now() < end; i++) {
      const from = performance.now();
      const answer = await requests.ask(messages[i % 2] ?? new Uint8Array());
      if (answer === undefined || ((answer[3] ?? 0) & 15) !== 0)
        throw new Error(`update ${i} of client ${client} was answered ${answer?.toString('hex')}`);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => one(client)));
  const sorted = times.sort((a, b) => a - b);
  const rate = (times.length * 1000) / (performance.now() - began);
  return { rate, median: median(sorted), p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN };
}

export async function benchUpdates({
  turns,
  seconds,
}: {
  readonly turns: number;
  readonly seconds: number;
}): Promise<void> {
  const results = new Map<string, Figures[]>();
  for (let turn = 0; turn < turns; turn++)
    for (const [name, { program, start }] of Object.entries(SERVERS)) {
      if (!isInstalled(program)) continue;
      const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-updates-'));
      const server = await start(folder);
      try {
        await measure(server.port, Math.min(1, seconds));
        results.set(name, [...(results.get(name) ?? []), await measure(server.port, seconds)]);
      } finally {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    }
  console.log(
    `\ndurable UPDATEs of ${CLIENTS} clients on a zone of ${RECORDS} records, median of ${turns} turns of ${seconds} s`,
  );
  const rows = [...results].map(([name, all]) => {
    const middle = (of: (one: Figures) => number): number => median(all.map(of));
    return [
      name,
      middle((one) => one.rate).toFixed(0),
      middle((one) => one.median).toFixed(2),
      middle((one) => one.p99).toFixed(2),
    ];
  });
  printTable([['server', 'updates/s', 'median ms', 'p99 ms'], ...rows]);
}
