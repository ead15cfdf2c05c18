/** Starts one foreign server as a child process on loopback, waits until it answers, and stops it by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildQuery } from '../message.js';
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
/** Milliseconds: loading some hundreds of zones takes seconds on a busy machine. */
const READY_WITHIN = 60_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const STOP_WITHIN = 5_000;

/** A port that is free for UDP and TCP on loopback at the moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.on('error', reject);
      server.listen(0, LOOPBACK, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    const free = await new Promise<boolean>((resolve) => {
      const socket = createSocket('udp4');
      socket.on('error', () => resolve(false));
      socket.bind(port, LOOPBACK, () => socket.close(() => resolve(true)));
    });
    if (port > 0 && free) return port;
  }
}

/**
 * An A query for localhost: every server answers it, whatever zones it has, and a resolver asks nobody. Not in class CHAOS: there BIND
 * answers three queries a second, and none at all while more keep coming.
 */
const KNOCK = buildQuery({ name: 'localhost.', type: 'A' });

/** The answer to one datagram on loopback; undefined when nobody listens, or when none comes in `milliseconds`. */
export async function knock(port: number, message: Uint8Array, milliseconds = 200): Promise<Buffer | undefined> {
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
  const deadline = Date.now() + READY_WITHIN;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if ((await knock(port, KNOCK)) !== undefined) return peer;
    await sleep(20);
  }
  await peer.stop();
  throw new Error(`${name} does not answer on port ${port}:\n${log}`);
}
