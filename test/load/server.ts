/** `adotd serve` as a child process that tells its memory and its descriptors, for tests and benchmarks under load. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STREAMS } from '../support/streams-path.js';

/**
 * Runs before the server does: answers each message of its parent with its memory after collections of garbage. Three: what
 * hangs on native handles is free only when those have gone. (Threads run it too; they have no channel.)
 */
const PROBE = `data:text/javascript,${encodeURIComponent(`
const turn = () => new Promise((done) => setTimeout(done, 20));
if (process.channel) {
  process.on('message', async () => {
    for (let i = 0; i < 3; i++) { globalThis.gc(); await turn(); }
    process.send(process.memoryUsage());
  });
  process.channel.unref();
}`)}`;

interface LoadServerOptions {
  /** Further YAML lines of the configuration, without addresses, ports and zones. */
  readonly config?: string;
  /** File name → zone text. */
  readonly zones?: Readonly<Record<string, string>>;
  /** RLIMIT_NOFILE of the server. */
  readonly descriptors?: number;
  /** Descriptors that it has open already when it starts, for nothing. */
  readonly held?: number;
  /** Words in front of the command, such as `taskset -c 0`. */
  readonly wrapper?: readonly string[];
  /** Options of Node. */
  readonly node?: readonly string[];
}

export interface LoadServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  /** The folder of its configuration; its certificate is in `certs`. */
  readonly folder: string;
  /** Octets in use, after a collection of garbage. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** Open file descriptors. */
  descriptors(): number;
  log(): string;
  stop(): Promise<number | null>;
}

/** A zone with small answers, and `big.load.test` TXT, whose answer has about 40,000 octets. */
const LOAD_ZONE = `$ORIGIN load.test.
$TTL 300
@ SOA ns1 host 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.2
${Array.from({ length: 160 }, (_, i) => `big TXT "${String(i).padStart(3, '0')}${'x'.repeat(240)}"`).join('\n')}
`;

/** One thread for all, or one for streams on epoll. */
const PATH = STREAMS === 'epoll' ? 'workers: 1\nstreams: epoll\n' : 'workers: embedded\n';

/** Milliseconds until it must be ready: a zone of 100,000 names takes about one second. */
const READY_WITHIN = 30_000;

/** Starts the built server with its zones on free ports of 127.0.0.1 (and of `listen`, when the configuration has it). */
export async function startLoadServer(options: LoadServerOptions = {}): Promise<LoadServer> {
  const { config = '', zones = { 'load.test.zone': LOAD_ZONE }, descriptors, held = 0 } = options;
  const { wrapper = [], node = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'adotd-load-'));
  for (const [name, text] of Object.entries(zones)) writeFileSync(join(folder, name), text);
  const file = join(folder, 'adotd.yaml');
  writeFileSync(file, `zones: { folder: . }\nport: 0\ntls_port: 0\n${PATH}${config}`);
  const command = [...wrapper, process.execPath, '--expose-gc', ...node, '--import', PROBE, 'dist/cli/main.js'];
  const words = [...command, 'serve', '--config', file];
  const [program = '', ...rest] =
    descriptors === undefined ? words : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...words];
  const nothing = openSync('/dev/null', 'r');
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...Array(held).fill(nothing)] });
  closeSync(nothing);
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const output = { out: '', log: '' };
  child.stdout?.on('data', (text: Buffer) => {
    output.out += text;
  });
  child.stderr?.on('data', (text: Buffer) => {
    output.log += text;
  });
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const [status] = await closed;
    process.off('exit', orphan);
    rmSync(folder, { recursive: true, force: true });
    return status;
  };
  const end = Date.now() + READY_WITHIN;
  while (!/^ready .*\n/m.test(output.out)) {
    if (child.exitCode !== null || Date.now() > end) {
      orphan();
      await stop();
      throw new Error(`the server is not ready: ${output.out} ${output.log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const pid = child.pid ?? 0;
  return {
    pid,
    port: Number(/udp=[^ ,]*:(\d+)/.exec(output.out)?.[1]),
    tlsPort: Number(/tls=[^ ,]*:(\d+)/.exec(output.out)?.[1]),
    folder,
    memory: () => askMemory(child),
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    // Tests may run as root, which is no matter of theirs.
    log: () => output.log.replace(/^.*"running as root.*\n/gm, ''),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function askMemory(child: ChildProcess): Promise<NodeJS.MemoryUsage> {
  child.send('memory');
  const [usage] = (await once(child, 'message')) as [NodeJS.MemoryUsage];
  return usage;
}

/** Resident octets of a process now. */
export function residentOctets(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
