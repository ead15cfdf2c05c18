/** Programs that get a signal every 20 ms while they start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN } from './cli.js';
import { freePort } from './peers/server.js';

/** Milliseconds between two signals. */
const INTERVAL = 20;

interface Signalled {
  /** How the program has ended; undefined: it was ready before, and still ran. */
  readonly end: number | NodeJS.Signals | undefined;
  /** The first line of standard output, if one came. */
  readonly line: string;
  /** Whether the inspector listened when the program was ready. */
  readonly inspected: boolean;
  /** Signals sent. */
  readonly count: number;
}

interface Start {
  readonly signal: NodeJS.Signals;
  readonly words: readonly string[];
  /** A command that runs the program, such as unshare. */
  readonly within?: readonly string[];
  readonly cwd?: string;
  /** Options of Node. */
  readonly options?: readonly string[];
  /** The program has no handler of this signal: it is sent as soon as Node can take it. */
  readonly unhandled?: boolean;
  /** Signals sent at the most; then the end of the program is waited for. While Node ends, it takes its handlers away. */
  readonly most?: number;
}

/**
 * Starts `adotd` with these words. From the moment when its own handlers are there (for USR1, and where it has none: when Node's are), sends the
 * signal every 20 ms until the first line of standard output has come, or the program has ended.
 */
export async function signalled({
  signal,
  words,
  within = [],
  cwd,
  options = [],
  unhandled = false,
  most,
}: Start): Promise<Signalled> {
  const port = await freePort();
  const command = [...within, process.execPath, `--inspect-port=${port}`, ...options, MAIN, ...words];
  const child = spawn(command[0] ?? '', command.slice(1), { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let end: number | NodeJS.Signals | undefined;
  void ended.then(([status, name]) => {
    end = name ?? status ?? undefined;
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  try {
    const pid = await ownPid(child.pid ?? 0, within.length > 0);
    // Node itself has handlers of INT and TERM, which end the process, and of USR1. HUP has ours alone.
    const seen = unhandled ? 'SIGUSR1' : signal === 'SIGUSR1' ? signal : 'SIGHUP';
    while (end === undefined && !output.includes('\n') && !catches(pid, seen)) await sleep(1);
    let count = 0;
    for (; end === undefined && !output.includes('\n') && count !== most; count++) {
      kill(pid, signal);
      await sleep(INTERVAL);
    }
    if (most !== undefined) await ended;
    const inspected = end === undefined && (await listens(port));
    return { end, line: output.split('\n')[0] ?? '', inspected, count };
  } finally {
    child.stdin.end();
    child.kill('SIGKILL');
    await ended;
  }
}

/** The process of Node: the child itself, or the one that the command before it has forked. */
async function ownPid(pid: number, forks: boolean): Promise<number> {
  if (!forks) return pid;
  for (;;) {
    const forked = Number.parseInt(read(`/proc/${pid}/task/${pid}/children`), 10);
    if (Number.isInteger(forked)) return forked;
    await sleep(1);
  }
}

/** Whether a process has a handler of a signal (proc_pid_status(5)). */
function catches(pid: number, signal: NodeJS.Signals): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
