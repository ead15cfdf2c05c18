/** NSD as a peer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerTls, type PeerZone, startPeer } from './server.js';

/**
 * Starts NSD on the zones; its configuration and state go to `folder`, which is created. Minimal responses and
 * `confine-to-zone` (chains stay in the zone of the question) as adotd does by default; no rate limiting.
 */
export async function startNsd(folder: string, zones: readonly PeerZone[], tls?: PeerTls): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'nsd.conf');
  const head = `server:
  ip-address: ${LOOPBACK}@${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${join(folder, 'zone.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  pidfile: ""
  logfile: ""
  ipv4-edns-size: 1232
  minimal-responses: yes
  confine-to-zone: yes
  round-robin: no
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: 200
  tcp-timeout: 120
${tls === undefined ? '' : overTls(tls)}remote-control:
  control-enable: no
`;
  const body = zones.map(({ name, file }) => `zone:\n  name: "${name}"\n  zonefile: "${file}"\n`).join('');
  writeFileSync(config, head + body);
  const peer = await startPeer('NSD', 'nsd', ['-d', '-c', config], port);
  return tls === undefined ? peer : { ...peer, tlsPort: tls.port };
}

const overTls = ({ port, cert, key }: PeerTls): string => `  ip-address: ${LOOPBACK}@${port}
  tls-port: ${port}
  tls-service-pem: "${cert}"
  tls-service-key: "${key}"
`;
