/** NSD as a peer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerSettings, type PeerTls, type PeerZone, startPeer } from './server.js';

/**
 * Writes nsd.conf into `folder`, and returns the command that runs it: one server process, minimal responses, no rate limit. What
 * is neither said here nor in `options`, lines of its clause `server:`, nor in `ofZone`, lines of each zone, is as NSD has it by default.
 */
export function configureNsd({ folder, port, tls, zones, connections, options }: PeerSettings, ofZone = ''): string[] {
  const config = join(folder, 'nsd.conf');
  const head = `server:
  ip-address: ${LOOPBACK}@${port}
${tls === undefined ? '' : overTls(tls)}  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${join(folder, 'zone.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  pidfile: ""
  ipv4-edns-size: 1232
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: ${connections}
  tcp-timeout: 120
${options}remote-control:
  control-enable: no
`;
  const body = zones.map(
    (zone) => `zone:\n  name: "${zone.name}"\n  zonefile: "${zone.file}"\n${fromPrimary(zone)}${ofZone}`,
  );
  writeFileSync(config, head + body.join(''));
  return ['nsd', '-d', '-c', config];
}

/**
 * Starts NSD on the zones; its configuration and state go to `folder`, which is created. `confine-to-zone` (chains stay in the zone
 * of the question) as adotd does by default.
 */
export async function startNsd(folder: string, zones: readonly PeerZone[], tls?: PeerTls): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const options = '  logfile: ""\n  confine-to-zone: yes\n  round-robin: no\n  xfrd-reload-timeout: 0\n';
  const [, ...words] = configureNsd({ folder, port, tls, zones, connections: 200, options });
  const peer = await startPeer('NSD', 'nsd', words, port);
  return tls === undefined ? peer : { ...peer, tlsPort: tls.port };
}

const overTls = ({ port, cert, key }: PeerTls): string => `  ip-address: ${LOOPBACK}@${port}
  tls-port: ${port}
  tls-service-pem: "${cert}"
  tls-service-key: "${key}"
`;

const fromPrimary = ({ primary }: PeerZone): string =>
  primary === undefined ? '' : `  allow-notify: ${LOOPBACK} NOKEY\n  request-xfr: ${LOOPBACK}@${primary} NOKEY\n`;
