/** The built server on another version of node: queries over TCP, STARTTLS and TLS, and sessions that are resumed, on epoll. */
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

async function tryIn(folder: string, node: string, main: string | undefined): Promise<string | undefined> {
  let resumed: string[];
  const server = await startBuilt(folder, node, main);
  try {
    resumed = await converse(server);
  } finally {
    const status = await server.stop();
    if (status !== 0) console.log(`${node} ended with ${status}: ${server.said()}`);
  }
  if (!/for streams \(epoll\)/.test(server.said())) return `is not on epoll: ${server.said()}`;
  return resumed.join() === 'starttls,tls' ? undefined : `resumed only ${resumed.join() || 'none'}`;
}

/** Starts a server with this executable of node, and returns what is wrong with it. `main`: the program of a package that is installed. */
export async function tryNode(node: string, main?: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-node-'));
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
    return await tryIn(folder, node, main);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
