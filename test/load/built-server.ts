/** The built server in a process of its own, for programs that scripts/run-ts.mjs runs: dist/ in the folder that they are started in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Ports } from './client.js';

const MAIN = resolve('dist/cli/main.js');
/** Milliseconds for a start: generous, the machine may be busy. */
const PATIENCE = 20_000;

export interface BuiltServer extends Ports {
  /** All that it has written. */
  said(): string;
  /** Sends SIGTERM; returns the exit status. */
  stop(): Promise<number | null>;
}

/** Starts it, or `main`, with adotd.yaml in `folder`. Throws what it has written when it does not become ready. */
export async function startBuilt(folder: string, node = process.execPath, main = MAIN): Promise<BuiltServer> {
  const server = spawn(node, [main, 'serve', '--config', join(folder, 'adotd.yaml')], { cwd: folder });
  const closed = once(server, 'close') as Promise<[number | null]>;
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (octets) => (said += octets));
  const end = Date.now() + PATIENCE;
  while (!/^ready .*\n/m.test(said)) {
    if (server.exitCode !== null || Date.now() > end) {
      server.kill('SIGKILL');
      throw new Error(`${node} is not ready: ${said}`);
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  const line = /^ready .*/m.exec(said)?.[0] ?? '';
  return {
    port: Number(/udp=[^ ]*:(\d+)/.exec(line)?.[1]),
    tlsPort: Number(/tls=[^ ]*:(\d+)/.exec(line)?.[1]),
    said: () => said,
    async stop() {
      server.kill('SIGTERM');
      return (await closed)[0];
    },
  };
}
