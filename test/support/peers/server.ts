/** Starts one foreign server as a child process on loopback, waits until it answers, and stops it by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildQuery } from '../message.js';
import { PATIENCE } from '../patience.js';
import { type Tool, toolPath } from './tools.js';

/** A zone that peers serve: its name in presentation form and the path of its file. */
export interface PeerZone {
  readonly name: string;
  readonly file: string;
  /** A port of loopback from which the zone is transferred; the file is the peer's own then. */
  readonly primary?: number;
}

export interface Peer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Where it speaks TLS, if it was told to. */
  readonly tlsPort?: number;
  /** The last part of the server's output, for the message of a failure. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** TLS of a peer: its port, and files with its certificate and its key, in PEM. */
export interface PeerTls {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

/** The settings from which a peer's configuration is written. */
export interface PeerSettings {
  /** For its configuration and its state; it exists. */
  readonly folder: string;
  readonly port: number;
  readonly tls?: PeerTls | undefined;
  readonly zones: readonly PeerZone[];
  /** The most TCP connections at once. */
  readonly connections: number;
  /** Further lines of its configuration. */
  readonly options: string;
}

export const LOOPBACK = '127.0.0.1';
/** Octets kept of a server's output: a guess, a few hundred lines. */
const LOG_KEPT = 65_536;
/** Milliseconds between SIGTERM and SIGKILL. */
const STOP_WITHIN = 20_000;

/**
 * Where free ports are looked for: below those that systems give to whoever asks for any (Linux: from 32768 on), so that no client or server takes
 * one between the look and the start of the server that it is for.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
/** Holds a folder for each port that a process of a test has, so that two never have the same. */
const PORTS = join(tmpdir(), 'adotd-test-ports');
const ports = new Set<string>();
process.once('exit', () => {
  for (const path of ports) rmSync(path, { recursive: true, force: true });
});
let nextPort = FIRST_PORT + ((process.pid * 61) % (LAST_PORT - FIRST_PORT));

/** A port that is free for UDP and TCP on loopback, and that no other test gets while this process runs. */
export async function freePort(): Promise<number> {
  mkdirSync(PORTS, { recursive: true });
  for (;;) {
    const port = nextPort;
    nextPort = port < LAST_PORT ? port + 1 : FIRST_PORT;
    if (claim(port) && (await isFree(port))) return port;
  }
}

/** Takes a port for this process, also where a process that was killed has left it. */
function claim(port: number): boolean {
  const path = join(PORTS, String(port));
  try {
    mkdirSync(path);
  } catch {
    if (ports.has(path) || !isAbandoned(path)) return false;
  }
  ports.add(path);
  return true;
}

/** Whether a folder is older than any run of the tests. */
function isAbandoned(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > 86_400_000;
  } catch {
    return false;
  }
}

async function isFree(port: number): Promise<boolean> {
  const byTcp = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
  const byUdp = await new Promise<boolean>((resolve) => {
    const socket = createSocket('udp4');
    socket.on('error', () => resolve(false));
    socket.bind(port, LOOPBACK, () => socket.close(() => resolve(true)));
  });
  return byTcp && byUdp;
}

/**
 * An A query for localhost: every server answers it, whatever zones it has, and a resolver asks nobody. Not in class CHAOS: there BIND
 * answers three queries a second, and none at all while more keep coming.
 */
const KNOCK = buildQuery({ name: 'localhost.', type: 'A' });

/** The answer to one datagram on loopback; undefined when nobody listens, or when none comes in `milliseconds`. */
export async function knock(port: number, message: Uint8Array, milliseconds = 1000): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (answer?: Buffer): void => {
      clearTimeout(timer);
      clearImmediate(last);
      socket.close();
      resolve(answer);
    };
    let last: NodeJS.Immediate | undefined;
    // A process that got no CPU meanwhile looks at its sockets once more: the answer may be there.
    const timer = setTimeout(() => {
      last = setImmediate(finish);
    }, milliseconds);
    socket.once('message', (answer) => finish(answer));
    socket.once('error', () => finish());
    // A connected socket gets an error when nobody listens.
    socket.connect(port, LOOPBACK, () => socket.send(message));
  });
}

/** Ends a program that is running. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
  await gone;
  clearTimeout(timer);
}

/** Starts `tool` in the foreground and waits until it answers on `port`. Throws with its output when it does not. */
export async function startPeer(name: string, tool: Tool, args: readonly string[], port: number): Promise<Peer> {
  const child = spawn(toolPath(tool), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log = (log + chunk.toString('latin1')).slice(-LOG_KEPT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('exit', (code, signal) => keep(Buffer.from(`\n${name} ended: ${signal ?? `exit status ${code}`}\n`)));
  // A test run that dies must not leave servers running.
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  const peer: Peer = {
    name,
    address: LOOPBACK,
    port,
    log: () => log,
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      await stopChild(child);
      process.off('exit', orphan);
    },
  };
  const end = performance.now() + PATIENCE;
  while (performance.now() < end && child.exitCode === null && child.signalCode === null) {
    if ((await knock(port, KNOCK)) !== undefined) return peer;
    await sleep(20);
  }
  await peer.stop();
  throw new Error(`${name} does not answer on port ${port}:\n${log}`);
}
