/** Network namespaces, and servers in them: there, port 53 is free, addresses are ours to choose, and links have two ends. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../support/cli.js';
import { decodeMessage } from '../support/message.js';
import { PATIENCE, until } from '../support/patience.js';
import { type Ended, missingPrograms, run } from './support.js';

/** `adotd serve --config`; the name of a file has to follow. */
export const COMMAND = [process.execPath, join(ROOT, 'dist', 'cli', 'main.js'), 'serve', '--config'] as const;
/** The same with threads that can be made to do wrong. */
export const PROGRAM = [process.execPath, join(ROOT, 'test', 'support', 'threaded-program.mjs')] as const;
/** The user that servers become. */
export const NOBODY = 65_534;

const HAND_OVER = fileURLToPath(new URL('hand_over.py', import.meta.url));
const DATAGRAMS = fileURLToPath(new URL('datagrams.py', import.meta.url));
const ASK_STEADILY = fileURLToPath(new URL('ask-steadily.mjs', import.meta.url));

/** The EDNS option of RFC 7873. */
const COOKIE = 10;

/** Why no network namespace can be made here, for the names of skipped tests; empty where one can. With CI=true an error is thrown. */
export function missingForNamespaces(): string {
  const missing = missingPrograms({ ip: 'iproute2', python3: 'python3' });
  if (missing !== '') return missing;
  const probe = `adotd-probe-${process.pid}`;
  const { status, stderr } = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (status === 0) {
    spawnSync('ip', ['netns', 'delete', probe]);
    return '';
  }
  const text = `no network namespace can be made: ${stderr.trim()}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

export interface Namespace {
  readonly name: string;
  /** Runs a program in it to its end. */
  run(...words: readonly string[]): Promise<Ended>;
  /** The same; throws its output when it fails. */
  demand(...words: readonly string[]): Promise<string>;
  /** Starts a program in it. */
  start(words: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
}

const made = new Set<string>();
const removeAll = (): void => {
  for (const name of made) spawnSync('ip', ['netns', 'delete', name]);
};
process.once('exit', removeAll);

/** A namespace with a loopback device that is up. It goes with this process, or when it is removed. */
export async function makeNamespace(): Promise<Namespace> {
  const name = `adotd-${process.pid}-${made.size}`;
  made.add(name);
  const within = ['netns', 'exec', name];
  const namespace: Namespace = {
    name,
    run: (...words) => run('ip', [...within, ...words]),
    async demand(...words) {
      const { status, stdout, stderr } = await run('ip', [...within, ...words]);
      if (status !== 0) throw new Error(`${words.join(' ')}: status ${status}: ${stdout}${stderr}`);
      return stdout;
    },
    start: (words, env = {}) => spawn('ip', [...within, ...words], { cwd: ROOT, env: { ...process.env, ...env } }),
  };
  const { status, stderr } = await run('ip', ['netns', 'add', name]);
  if (status !== 0) throw new Error(stderr);
  await namespace.demand('ip', 'link', 'set', 'lo', 'up');
  return namespace;
}

export function removeNamespace({ name }: Namespace): void {
  spawnSync('ip', ['netns', 'delete', name]);
}

/** The devices of both ends. */
export const LINK = 'link0';

/** Joins two namespaces by a link. The addresses have the lengths of their networks and can be used at once. */
export async function joinNamespaces(
  [one, ofOne]: readonly [Namespace, readonly string[]],
  [other, ofOther]: readonly [Namespace, readonly string[]],
  mtu = 1500,
): Promise<void> {
  await one.demand('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', LINK, 'netns', other.name);
  for (const [namespace, addresses] of [[one, ofOne] as const, [other, ofOther] as const]) {
    await namespace.demand('ip', 'link', 'set', LINK, 'mtu', String(mtu), 'up');
    // nodad: IPv6 addresses would be tentative for a second.
    for (const address of addresses) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      await namespace.demand('ip', 'address', 'add', address, 'dev', LINK, ...nodad);
    }
  }
  for (const namespace of [one, other]) await linkIsUp(namespace);
}

/** Waits until the device has noticed its other end, up to a second later, and its link-local address can be used. */
async function linkIsUp(namespace: Namespace): Promise<void> {
  await until(`the link of ${namespace.name}`, async () => {
    const device = await namespace.demand('ip', '-o', 'link', 'show', 'dev', LINK);
    const tentative = await namespace.demand('ip', '-o', '-6', 'address', 'show', 'dev', LINK, 'tentative');
    return device.includes(' state UP ') && tentative === '';
  });
}

/** A folder that others than root may read. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-namespace-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let configs = 0;

/** Writes an adotd.yaml into `folder` that serves the zones there on ports 53 and 853. Certificates go to a folder of their own. */
export function writeSettings(folder: string, settings: object = {}): string {
  const number = ++configs;
  const file = join(folder, `adotd-${number}.yaml`);
  const certs = join(folder, `certs-${number}`);
  mkdirSync(certs);
  writeFileSync(file, JSON.stringify({ zones: { folder }, tls: { certs_folder: certs }, ...settings }));
  return file;
}

/** A socket for hand_over.py. */
export interface GivenSocket {
  readonly type: 'udp' | 'tcp' | 'unix' | 'connectable' | 'file';
  readonly address?: string;
  readonly port?: number;
  readonly name?: string;
}

/** The words that become `words` with these sockets, as systemd does it. */
export function handingOver(
  settings: { readonly sockets: readonly GivenSocket[]; readonly extra?: number; readonly user?: number },
  words: readonly string[],
): string[] {
  return ['python3', '-B', HAND_OVER, JSON.stringify(settings), ...words];
}

/** A line of the log. */
interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly msg: string;
}

export interface ServerInNamespace extends AsyncDisposable {
  readonly pid: number;
  readonly ready: string;
  log(): LogLine[];
  /** Waits until a line matches. */
  logged(pattern: RegExp): Promise<LogLine>;
  /** Writes a line to its standard input. */
  order(line: string): void;
  /** The exit status, when it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts a server in a namespace, by `words`; fulfilled when it is ready. It ends when it is disposed of. */
export async function serveIn(
  namespace: Namespace,
  words: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<ServerInNamespace> {
  const child = namespace.start(words, env);
  const gone = once(child, 'close');
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const log = (): LogLine[] => stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const first = async <T>(found: () => T | undefined, what: string): Promise<T> => {
    for (const end = performance.now() + PATIENCE; performance.now() < end && child.exitCode === null; ) {
      const value = found();
      if (value !== undefined) return value;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    throw new Error(`no ${what}: ${stdout}${stderr}`);
  };
  const ready = await first(() => /^ready.*(?=\n)/m.exec(stdout)?.[0], 'line ready');
  return {
    pid: child.pid ?? 0,
    ready,
    log,
    logged: (pattern) => first(() => log().find(({ msg }) => pattern.test(msg)), `line ${pattern}`),
    order: (line) => void child.stdin?.write(`${line}\n`),
    ended: gone.then(() => child.exitCode),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** The output of datagrams.py, its message decoded. */
interface Datagrams {
  /** The address that the answer came from; null: none came. */
  readonly from: string | null;
  readonly size?: number;
  readonly tc?: boolean;
  readonly rcode?: number;
  /** Of the records in the answer section. */
  readonly texts?: readonly string[];
  /** Hexadecimal; empty without one. */
  readonly cookie?: string;
  /** Of those that came from the server: octets of the IP packet; df: of IPv4. */
  readonly packets?: readonly { readonly length: number; readonly fragment: boolean; readonly df?: boolean }[];
}

/** Asks `name` with `type` at port 53 of an address; `words` are further options of datagrams.py. */
export async function askFrom(
  namespace: Namespace,
  address: string,
  name: string,
  type: string,
  ...words: readonly string[]
): Promise<Datagrams> {
  const [only] = await askManyFrom(1, namespace, address, name, type, ...words);
  if (only === undefined) throw new Error('datagrams.py said nothing');
  return only;
}

/** The same `times` times, each from a new port. */
export async function askManyFrom(
  times: number,
  namespace: Namespace,
  address: string,
  name: string,
  type: string,
  ...words: readonly string[]
): Promise<Datagrams[]> {
  const given = [address, '53', name, type, '--times', String(times), ...words];
  const printed: (Datagrams & { readonly message?: string })[] = JSON.parse(
    await namespace.demand('python3', '-B', DATAGRAMS, ...given),
  );
  return printed.map(({ message, ...rest }) => ({ ...rest, ...(message !== undefined && facts(message)) }));
}

function facts(hex: string): Omit<Datagrams, 'from' | 'packets'> {
  const { size, flags, rcode, answer, edns } = decodeMessage(Buffer.from(hex, 'hex'));
  const cookie = edns?.options.find(({ code }) => code === COOKIE)?.data ?? new Uint8Array(0);
  return {
    size,
    tc: flags.tc,
    rcode,
    texts: answer.map(({ text }) => text),
    cookie: Buffer.from(cookie).toString('hex'),
  };
}

/** Results of the queries over one transport. */
export interface Asked {
  readonly asked: number;
  /** When those were asked that got no answer, in milliseconds since 1970. */
  readonly lost: readonly number[];
  /** Milliseconds. */
  readonly slowest: number;
}

/** Asks at an even pace until it is told to end. */
interface SteadyAsker {
  end(): Promise<Readonly<Record<'udp' | 'tcp' | 'tls', Asked>>>;
}

interface Pace {
  readonly host: string;
  readonly query: Uint8Array;
  /** Questions a second; of streams, over TCP and TLS each. */
  readonly udpRate: number;
  readonly streamRate: number;
}

/** Starts to ask at ports 53 and 853. */
export function askSteadily(namespace: Namespace, { query, ...pace }: Pace): SteadyAsker {
  const settings = { ...pace, query: Buffer.from(query).toString('hex'), port: 53, tlsPort: 853 };
  const child = namespace.start([process.execPath, ASK_STEADILY, JSON.stringify(settings)]);
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.pipe(process.stderr);
  const gone = once(child, 'close');
  return {
    async end() {
      child.stdin?.end();
      await gone;
      return JSON.parse(stdout);
    },
  };
}
