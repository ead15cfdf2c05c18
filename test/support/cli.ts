/** Runs the built command: dist/cli/main.js, which `npm test` has brought up to date. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from './patience.js';

/** The repository, also for programs of test/ that were compiled into .build/. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\.build\/$/, '');
export const MAIN = join(ROOT, 'dist/cli/main.js');

/** Where servers under test keep their certificate; one folder per test process, so that they do not meet. */
const CERTS = join(tmpdir(), `adotd-test-certs-${process.pid}`);
process.once('exit', () => rmSync(CERTS, { recursive: true, force: true }));

/** Where servers under test make their control sockets, and where `adotd ctl` looks for them. */
export const RUNTIME = mkdtempSync(join(tmpdir(), 'adotd-run-'));
process.once('exit', () => rmSync(RUNTIME, { recursive: true, force: true }));
/** As it is now: tests change it. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, XDG_RUNTIME_DIR: RUNTIME });

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, a minute at the most. */
export async function adotd(...words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, ...words], { cwd: ROOT, timeout: PATIENCE, env: environment() });
  return ended(child);
}

async function ended(child: ChildProcess): Promise<Ran> {
  const output = collect(child);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: output.stdout(), stderr: output.stderr() };
}

function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { stdout: () => stdout, stderr: () => stderr };
}

/** A server process that has said `ready`. */
export interface Serving extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  readonly ready: string;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Waits until standard error matches. */
  logged(pattern: RegExp): Promise<void>;
  /** Waits until it ends by itself. */
  ended(): Promise<Ran>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Ran>;
}

/** A server process that is being started. */
type Starting = Pick<Serving, 'pid' | 'signal' | 'logged'> & {
  ready(): Promise<Serving>;
  /** Sends SIGKILL and waits for the end; the status is null unless it had ended by itself. */
  kill(): Promise<Ran>;
};

/** Starts `adotd serve` with these words, on a free port unless they name one. */
export function adotdServe(...words: readonly string[]): Promise<Serving> {
  return startAdotd(...words).ready();
}

/** The same, for tests that need the process before it is ready. */
export function startAdotd(...words: readonly string[]): Starting {
  return startBy([], ...words);
}

/** The same by a program that becomes the server, such as `unshare`: its words. */
export function startBy(wrapper: readonly string[], ...words: readonly string[]): Starting {
  const ports = ['--port', '--tls-port'].flatMap((option) => (words.includes(option) ? [] : [option, '0']));
  const certs = words.includes('--certs') || words.includes('--config') ? [] : ['--certs', CERTS];
  const [program = '', ...rest] = [...wrapper, process.execPath, MAIN, 'serve', ...words, ...ports, ...certs];
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: environment(),
  });
  const output = collect(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const until = async (found: () => boolean, what: string): Promise<void> => {
    const end = performance.now() + PATIENCE;
    while (!found()) {
      if (child.exitCode !== null || performance.now() > end) {
        child.kill('SIGKILL');
        throw new Error(`no ${what}; status ${child.exitCode}: ${output.stdout()} ${output.stderr()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const over = async (): Promise<Ran> => {
    const [status] = await closed;
    return { status, stdout: output.stdout(), stderr: output.stderr() };
  };
  const stop = (): Promise<Ran> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    return over();
  };
  const starting = {
    pid: child.pid ?? 0,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    logged: (pattern: RegExp) => until(() => pattern.test(output.stderr()), `line ${pattern}`),
  };
  const ready = async (): Promise<Serving> => {
    await until(() => /^ready .*\n/m.test(output.stdout()), 'ready line');
    const line = output.stdout().split('\n')[0] ?? '';
    return {
      ...starting,
      ...output,
      port: Number(/udp=[^ ]*:(\d+)/.exec(line)?.[1]),
      tlsPort: Number(/tls=[^ ]*:(\d+)/.exec(line)?.[1]),
      ready: line,
      ended: over,
      stop,
      [Symbol.asyncDispose]: async () => void (await stop()),
    };
  };
  const kill = (): Promise<Ran> => {
    child.kill('SIGKILL');
    return over();
  };
  return { ...starting, ready, kill };
}
