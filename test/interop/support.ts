/** Shared by the tests with encryption: servers with their own configuration, and the STARTTLS client in Python. */
import { type ChildProcess, execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { adotdServe, ROOT, type Serving } from '../support/cli.js';
import { decodeMessage } from '../support/message.js';
import { PATIENCE, until } from '../support/patience.js';
import { toBit } from './wire.js';

/** Says which programs are not installed and how to get them; with CI=true that is an error. */
export function missingPrograms(packages: Readonly<Record<string, string>>): string {
  const absent = Object.keys(packages).filter(
    (name) => spawnSync(name, ['-V'], { stdio: 'ignore' }).error !== undefined,
  );
  if (absent.length === 0) return '';
  const wanted = [...new Set(absent.map((name) => packages[name]))].join(' ');
  const text = `${absent.join(', ')} not installed: apt-get install ${wanted}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

/** A folder for one test file, which goes with the process. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'adotd-tls-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

/** The certificate that all servers of one test file share. */
const CERTS = join(FOLDER, 'certs');
export const CERTIFICATE = join(CERTS, 'self-signed.pem');

/** Parts of adotd.yaml. */
interface Settings {
  readonly zones?: object;
  readonly tls?: object;
  readonly starttls?: object;
  readonly sessions?: object;
  readonly tcp?: object;
  readonly workers?: string | number;
  readonly streams?: 'auto' | 'epoll' | 'node';
  readonly version?: string;
  readonly query_log?: object;
  readonly dnstap?: object;
  readonly tsig?: readonly object[];
  readonly state?: object;
  readonly remotes?: readonly object[];
  readonly transfer?: object;
  readonly watch?: object;
}

export interface Server extends Serving {
  readonly pid: number;
  /** SPKI pin of the certificate, as the log says it. */
  readonly pin: string;
  /** The counters that SIGUSR1 logs: events, and counts by transport. */
  statistics(): Promise<Record<string, Record<string, number>>>;
  /** Descriptors that the process has open. */
  descriptors(): number;
  /** Connections that were accepted and are still open; waits for there to be `expected`. */
  openConnections(expected?: number): Promise<number>;
}

let configs = 0;

/** Writes a configuration file for a server that serves zones/ on loopback. */
export function writeConfig(settings: Settings): string {
  const file = join(FOLDER, `adotd-${++configs}.yaml`);
  const { tls, ...rest } = settings;
  writeFileSync(
    file,
    stringify({ zones: { folder: join(ROOT, 'zones') }, ...rest, tls: { certs_folder: CERTS, ...tls } }),
  );
  return file;
}

/** Starts the built server with these settings on free ports of 127.0.0.1. */
export async function serve(settings: Settings = {}, ...words: readonly string[]): Promise<Server> {
  const serving = await adotdServe('--config', writeConfig(settings), ...words);
  await serving.logged(/"pid":\d+/);
  const pid = Number(/"pid":(\d+)/.exec(serving.stderr())?.[1]);
  const lines = (): string[] => serving.stderr().match(/^.*"statistics":.*$/gm) ?? [];
  const statistics = async (): Promise<Record<string, Record<string, number>>> => {
    const before = lines().length;
    serving.signal('SIGUSR1');
    await until('statistics', () => lines().length > before, serving.stderr, { pause: 10 });
    const line: { statistics: Record<string, Record<string, number>> } = JSON.parse(lines().at(-1) ?? '{}');
    return line.statistics;
  };
  const openNow = async (): Promise<number> => {
    const groups = Object.entries(await statistics()).filter(([name]) => name.endsWith('_sessions'));
    return groups.reduce((sum, [, { open = 0 }]) => sum + open, 0);
  };
  return {
    ...serving,
    pid,
    pin: /"pin":"([^"]+)"/.exec(serving.stderr())?.[1] ?? '',
    statistics,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    async openConnections(expected = 0) {
      let open = -1;
      const isSo = async (): Promise<boolean> => {
        open = await openNow();
        return open === expected;
      };
      await until(`${expected} open connections`, isSo, () => `${open} are open`, { pause: 50 });
      return open;
    },
  };
}

/** Octets of output that a program may have: a zone of 100,000 records. */
const MOST_OUTPUT = 64 * 1024 * 1024;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, two minutes at most. Its standard input is `input`, written and closed at once, or as soon as its output
 * matches `awaited`.
 */
export function run(
  program: string,
  words: readonly string[],
  input: string | Uint8Array = '',
  awaited?: RegExp,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      words,
      { timeout: 2 * PATIENCE, maxBuffer: MOST_OUTPUT },
      (error, stdout, stderr) => {
        if (error && 'code' in error && error.code === 'ENOENT') reject(error);
        else resolve({ status: child.exitCode, stdout, stderr });
      },
    );
    // A program may end without reading its input.
    child.stdin?.on('error', () => undefined);
    if (awaited === undefined) child.stdin?.end(input);
    let printed = '';
    child.stdout?.on('data', (text: string) => {
      printed += text;
      if (awaited?.test(printed)) child.stdin?.end(input);
    });
  });
}

/** The parts of a response to the Python client that tests look at. */
interface PythonAnswer {
  readonly rcode: number;
  readonly aa: boolean;
  readonly rd: boolean;
  /** undefined: there is no OPT record. */
  readonly to: boolean | undefined;
  /** As in the header. */
  readonly counts: readonly number[];
  /** TXT data stands without its quotes. */
  readonly answer: readonly {
    readonly type: number;
    readonly class: number;
    readonly ttl: number;
    readonly text: string;
  }[];
}

/** The output of test/interop/starttls.py, its responses decoded. */
interface PythonResult {
  readonly outcome: 'tls' | 'plaintext' | 'closed' | 'failed';
  /** The client's port of its last connection. */
  readonly port: number;
  readonly steps: readonly string[];
  readonly first?: PythonAnswer;
  readonly answers: readonly PythonAnswer[];
  readonly tls?: { readonly version: string; readonly cipher: string; readonly alpn: string | null };
  /** Seconds since the last octets were sent, and since the connection was begun. */
  readonly closed?: { readonly how: string; readonly after: number; readonly in_all: number };
  readonly farewell?: string;
  readonly fallback?: string;
  readonly why?: string;
  readonly left?: number;
}

const CLIENT = fileURLToPath(new URL('starttls.py', import.meta.url));

/** Runs the Python client against a port of loopback; `words` are its options and the names to ask. */
export function starttls(port: number, ...words: readonly string[]): Promise<PythonResult> {
  return startStarttls(port, ...words).result;
}

/** The same; `end` ends its standard input, for which `--stay` waits. */
export function startStarttls(
  port: number,
  ...words: readonly string[]
): { result: Promise<PythonResult>; end(): void } {
  let child: ChildProcess;
  const result = new Promise<PythonResult>((resolve, reject) => {
    child = execFile(
      'python3',
      // -B: nothing compiled is left among the sources.
      ['-B', CLIENT, '127.0.0.1', String(port), ...words],
      // Longer than any patience of the client.
      { timeout: 2 * PATIENCE },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${child.spawnargs.join(' ')}: ${stdout}${stderr}`, { cause: error }));
        else resolve(decodedResult(JSON.parse(stdout)));
      },
    );
  });
  return { result, end: () => void child.stdin?.end() };
}

type Printed = Omit<PythonResult, 'first' | 'answers'> & {
  readonly first?: string;
  readonly answers: readonly string[];
};

function decodedResult(printed: Printed): PythonResult {
  const { first, answers, ...rest } = printed;
  return {
    ...rest,
    answers: answers.map(decodedAnswer),
    ...(first === undefined ? {} : { first: decodedAnswer(first) }),
  };
}

function decodedAnswer(hex: string): PythonAnswer {
  const message = decodeMessage(Buffer.from(hex, 'hex'));
  const { rcode, flags, question, answer, authority, additional, edns } = message;
  return {
    rcode,
    aa: flags.aa,
    rd: flags.rd,
    to: toBit(message),
    counts: [question.length, answer.length, authority.length, additional.length + (edns ? 1 : 0)],
    answer: answer.map(({ type, class: rclass, ttl, text }) => ({
      type,
      class: rclass,
      ttl,
      text: text.replace(/^"(.*)"$/, '$1'),
    })),
  };
}

/** The text of each answer's last record. */
export function texts(result: PythonResult): (string | undefined)[] {
  return result.answers.map(({ answer }) => answer.at(-1)?.text);
}
