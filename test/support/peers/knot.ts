/** Knot DNS as a peer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerZone, startPeer } from './server.js';

/**
 * Starts Knot on the zones; its configuration and state go to `folder`, which is created. Knot is minimal by nature;
 * zones are taken as they are: nothing signed, nothing written back, only the mandatory checks.
 */
export async function startKnot(folder: string, zones: readonly PeerZone[]): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'knot.conf');
  const head = `server:
  rundir: "${folder}"
  listen: ${LOOPBACK}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 1232
  answer-rotation: off
  tcp-idle-timeout: 120
  tcp-io-timeout: 10000
  tcp-max-clients: 200
control:
  listen: "${join(folder, 'knot.sock')}"
database:
  storage: "${folder}"
  journal-db-max-size: 16M
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "${folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
`;
  const body = zones.map(({ name, file }) => `  - domain: "${name}"\n    file: "${file}"\n`).join('');
  writeFileSync(config, head + body);
  return startPeer('Knot', 'knotd', ['-c', config], port);
}
