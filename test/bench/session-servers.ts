/** adotd, NSD and BIND with the zone of the workload, TCP and TLS with one certificate, pinned to one core. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connection, type Ports } from '../load/client.js';
import { residentOctets, startLoadServer } from '../load/server.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { toolPath } from '../support/peers/tools.js';
import { ZONE } from './workload.js';

export interface Contestant extends Ports {
  readonly name: string;
  /** Microseconds of CPU, user and system, of all its processes and threads. */
  cpu(): number;
  /** Resident octets of all its processes. */
  resident(): number;
  stop(): Promise<void>;
}

export interface Given {
  readonly folder: string;
  readonly zone: string;
  readonly cert: string;
  readonly key: string;
  /** TCP connections that there will be at the most. */
  readonly connections: number;
  /** Options of Node for adotd, such as --cpu-prof. */
  readonly node: readonly string[];
}

const PINNED = ['taskset', '-c', '0'] as const;
/** Milliseconds until a server has loaded 100,000 names. */
const READY_WITHIN = 30_000;

export const STARTERS: Readonly<Record<string, (given: Given) => Promise<Contestant>>> = {
  adotd: startAdotd,
  NSD: startNsd,
  BIND: startBind,
};

async function startAdotd(given: Given): Promise<Contestant> {
  const { cert, key, connections, node } = given;
  const server = await startLoadServer({
    // As it is by default, but that idle sessions stay until they are measured, and that there is room for them.
    config:
      `tls: { certificates: [{ cert: ${cert}, key: ${key} }] }\nlog: { level: warn }\n` +
      `sessions: { idle_timeout: 120, idle_timeout_min: 120, max: ${Math.max(10_000, connections)} }\n`,
    zones: { [`${ZONE}.zone`]: given.zone },
    wrapper: PINNED,
    node,
  });
  return contestant('adotd', server.pid, server, async () => void (await server.stop()));
}

async function startNsd(given: Given): Promise<Contestant> {
  const [folder, ports] = await place(given, 'nsd');
  const config = join(folder, 'nsd.conf');
  writeFileSync(
    config,
    `server:
  ip-address: ${LOOPBACK}@${ports.port}
  ip-address: ${LOOPBACK}@${ports.tlsPort}
  tls-port: ${ports.tlsPort}
  tls-service-key: "${given.key}"
  tls-service-pem: "${given.cert}"
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${join(folder, 'zone.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  pidfile: ""
  logfile: "${join(folder, 'log')}"
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: ${given.connections * 3}
  tcp-timeout: 120
remote-control:
  control-enable: no
zone:
  name: "${ZONE}"
  zonefile: "${join(given.folder, 'zone')}"
`,
  );
  return launch('NSD', [toolPath('nsd'), '-d', '-c', config], ports);
}

async function startBind(given: Given): Promise<Contestant> {
  const [folder, ports] = await place(given, 'bind');
  const config = join(folder, 'named.conf');
  writeFileSync(
    config,
    `tls bench { cert-file "${given.cert}"; key-file "${given.key}"; };
options {
  directory "${folder}";
  listen-on port ${ports.port} { ${LOOPBACK}; };
  listen-on port ${ports.tlsPort} tls bench { ${LOOPBACK}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses yes;
  tcp-listen-queue 1024;
  tcp-clients ${given.connections * 3};
  tcp-idle-timeout 1200;
  tcp-initial-timeout 1200;
};
controls { };
logging { category default { null; }; };
zone "${ZONE}" { type primary; file "${join(given.folder, 'zone')}"; };
`,
  );
  return launch('BIND', [toolPath('named'), '-f', '-n', '1', '-c', config, '-u', userInfo().username], ports);
}

async function place(given: Given, name: string): Promise<[string, Ports]> {
  const folder = join(given.folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(given.folder, 'zone'), given.zone);
  return [folder, { port: await freePort(), tlsPort: await freePort() }];
}

async function launch(name: string, command: readonly string[], ports: Ports): Promise<Contestant> {
  const [program = '', ...words] = [...PINNED, ...command];
  const child: ChildProcess = spawn(program, words, { stdio: 'ignore' });
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
    process.off('exit', orphan);
  };
  const end = Date.now() + READY_WITHIN;
  for (;;) {
    try {
      for (const port of [ports.port, ports.tlsPort]) (await connection(port)).destroy();
      return contestant(name, child.pid ?? 0, ports, stop);
    } catch (error) {
      if (child.exitCode === null && Date.now() < end) await wait(100);
      else {
        await stop();
        throw new Error(`${name} does not answer: ${error}`);
      }
    }
  }
}

function contestant(name: string, pid: number, { port, tlsPort }: Ports, stop: () => Promise<void>): Contestant {
  const sum = (of: (pid: number) => number): number => family(pid).reduce((all, one) => all + of(one), 0);
  return { name, port, tlsPort, cpu: () => sum(cpuOf), resident: () => sum(residentOctets), stop };
}

/** A process and those that it has started. */
function family(pid: number): number[] {
  const members = new Set([pid]);
  // Children have higher numbers than their parents, unless these have wrapped: looked at in order, once.
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (members.has(Number(statOf(Number(entry))[1]))) members.add(Number(entry));
  }
  return [...members];
}

/** Fields of /proc/PID/stat behind the name: state, parent, …; none when it has gone. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** /proc/PID/stat counts in hundredths of a second, and misses short runs between them: the scheduler's own clock does not. */
function cpuOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  try {
    const nanoseconds = readdirSync(folder).map((task) => readFileSync(`${folder}/${task}/schedstat`, 'latin1'));
    return nanoseconds.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1000, 0);
  } catch {
    return 0;
  }
}
