/**
 * How long established sessions wait for their answers while 500 clients send their ClientHello at once, beside without, with keys of P-256
 * and RSA-4096. A server of its own, with one worker of each kind. The figures are those of a quiet machine only.
 *
 *     npm run build && node scripts/run-ts.mjs test/bench/handshake-flood.ts [FLOODS]
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CertificateAuthority } from '../../src/fixture/tls/certificate-authority.js';
import { startBuilt } from '../load/built-server.js';
import { framed, openClient, type Ports } from '../load/client.js';
import { buildQuery } from '../support/message.js';
import { RawClient, RawClients } from '../tls/openssl/raw-client.js';

const [floods = 5] = process.argv.slice(2).map(Number);
const CLIENTS = 500;
const SESSIONS = 20;
/** Milliseconds between two queries of a session, and of one measurement: longer than all handshakes of a flood take. */
const PACE = 5;
const MEASURED = 3000;
const KEYS = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'RSA-4096': () => generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey,
};
const QUERY = framed(buildQuery({ name: 'ns.a.test.', type: 'A' }));

/** The ClientHello of one client after the other. */
function hellos(): Buffer[] {
  const clients = new RawClients('TLSv1.3');
  const made = Array.from({ length: CLIENTS }, () => {
    using client = new RawClient(clients, 'ns.a.test');
    client.handshake();
    return Buffer.from(client.take());
  });
  clients.free();
  return made;
}

/** Has all clients send at once; returns what ends them. Nobody reads what comes back, so that this process has little to do. */
async function flood(port: number, octets: readonly Buffer[]): Promise<() => void> {
  const sockets = await Promise.all(
    octets.map(async (): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    }),
  );
  await wait(200);
  for (const [i, hello] of octets.entries()) sockets[i]?.write(hello);
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Milliseconds that each answer took. */
async function measure(server: Ports, milliseconds: number): Promise<number[]> {
  const took: number[] = [];
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => openClient('tls', server)));
  const end = performance.now() + milliseconds;
  await Promise.all(
    sessions.map(async (client) => {
      while (performance.now() < end) {
        const began = performance.now();
        await client.ask(QUERY);
        took.push(performance.now() - began);
        await wait(PACE);
      }
      await client.close();
    }),
  );
  return took;
}

function text(took: number[]): string {
  const sorted = took.sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return `${sorted.length} answers, median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms`;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-flood-'));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
file('a.test.zone', '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
try {
  for (const [name, key] of Object.entries(KEYS)) {
    const certificate = new CertificateAuthority(key()).issue({ names: ['ns.a.test'] });
    const pair = { cert: file('tls.crt', String(certificate.cert)), key: file('tls.key', String(certificate.key)) };
    const settings = {
      listen: ['127.0.0.1'],
      port: 0,
      tls_port: 0,
      workers: 1,
      zones: { folder },
      control: { socket: join(folder, 'control') },
      // The flood comes from one address.
      sessions: { max_per_client: 2 * CLIENTS },
      tls: { certificates: [pair] },
    };
    file('adotd.yaml', JSON.stringify(settings));
    const server = await startBuilt(folder);
    console.log(`${name}, without: ${text(await measure(server, MEASURED))}`);
    const took: number[] = [];
    for (let i = 0; i < floods; i++) {
      const measured = measure(server, MEASURED);
      await wait(300);
      const end = await flood(server.tlsPort, hellos());
      took.push(...(await measured));
      end();
      await wait(300);
    }
    console.log(`${name}, under ${CLIENTS} ClientHellos at once, ${floods} times: ${text(took)}`);
    await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
