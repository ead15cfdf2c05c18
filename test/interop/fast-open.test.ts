/**
 * TCP Fast Open (RFC 7413, which draft 2.1.5 recommends) in a network namespace of its own, where the system lets servers do
 * it: data that came with a SYN is answered, and the kernel says that it was taken.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT } from '../support/cli.js';
import { missingPrograms, run, writeConfig } from './support.js';

const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const CLIENT = fileURLToPath(new URL('fast_open.py', import.meta.url));
const PORT = '5353';
const TLS_PORT = '8853';
const NAMESPACE = `adotd-test-${process.pid}`;

const missing = missingPrograms({ ip: 'iproute2', python3: 'python3' }) || withoutNamespaces();

/** Says why no network namespace can be made here; with CI=true that is an error. */
function withoutNamespaces(): string {
  const probe = `${NAMESPACE}-probe`;
  const { status, stderr } = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (status === 0) {
    spawnSync('ip', ['netns', 'delete', probe]);
    return '';
  }
  const text = `no network namespace can be made: ${stderr.trim()}`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

/** Runs a program in the namespace. Throws with what it said when it fails. */
async function inside(...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run('ip', ['netns', 'exec', NAMESPACE, ...words]);
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

describe.skipIf(missing)(`TCP Fast Open${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let child: ChildProcess | undefined;
  let log = '';

  const remove = (): void => {
    child?.kill('SIGKILL');
    spawnSync('ip', ['netns', 'delete', NAMESPACE]);
  };
  process.once('exit', remove);

  /** Makes the namespace with this value of the sysctl, and a server in it. */
  async function start(sysctl: number, pending?: number): Promise<void> {
    spawnSync('ip', ['netns', 'add', NAMESPACE]);
    await inside('ip', 'link', 'set', 'lo', 'up');
    await inside('sh', '-c', `echo ${sysctl} > /proc/sys/net/ipv4/tcp_fastopen`);
    const config = writeConfig(pending === undefined ? {} : { tcp: { fast_open: pending } });
    const words = [MAIN, 'serve', '--config', config, '--port', PORT, '--tls-port', TLS_PORT];
    const server = spawn('ip', ['netns', 'exec', NAMESPACE, process.execPath, ...words], { cwd: ROOT });
    child = server;
    log = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    let ready = '';
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      ready += text;
    });
    for (let tries = 0; tries < 1000 && !ready.includes('\n') && server.exitCode === null; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(ready, log).toMatch(/^ready /);
  }

  afterEach(async () => {
    if (child !== undefined && child.exitCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    child = undefined;
    spawnSync('ip', ['netns', 'delete', NAMESPACE]);
  });

  interface Outcome {
    readonly answers: readonly { readonly id: number; readonly rcode: number; readonly address: string }[];
    readonly counted: Readonly<Record<string, number>>;
  }

  async function ask(...words: readonly string[]): Promise<Outcome> {
    const names = Array.from({ length: 5 }, () => 'nas.home.test');
    const outcome: Outcome = JSON.parse(await inside('python3', CLIENT, ...words, ...names));
    expect(outcome.answers).toEqual(names.map(() => ({ id: 0x4711, rcode: 0, address: '192.0.2.20' })));
    return outcome;
  }

  it.each([
    ['queries', [PORT]],
    ['ClientHellos on port 853', ['--tls', TLS_PORT]],
  ])('with the sysctl at 3: %s that come with the SYN are taken and answered', async (_what, words) => {
    await start(3);
    const { counted } = await ask(...words);
    // The first connection asks for a cookie, the four after it have one.
    expect(counted).toMatchObject({ TCPFastOpenCookieReqd: 1, TCPFastOpenPassive: 4, TCPFastOpenPassiveFail: 0 });
    expect(counted.TCPFastOpenActive).toBe(4);
    expect(log).not.toMatch(/Fast Open/);
  });

  it('with fast_open 0 it is off: the same queries are answered, none from a SYN', async () => {
    await start(3, 0);
    const { counted } = await ask(PORT);
    expect(counted).toMatchObject({ TCPFastOpenPassive: 0, TCPFastOpenActive: 0 });
  });

  it('with the sysctl at 1 one line of the log says what is missing, and queries are answered', async () => {
    await start(1);
    expect((await ask(PORT)).counted.TCPFastOpenPassive).toBe(0);
    expect(log.match(/TCP Fast Open is off: net\.ipv4\.tcp_fastopen is 1: set it to 3/g)?.length).toBe(1);
  });
});
