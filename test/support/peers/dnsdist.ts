/** dnsdist in front of another server: it takes queries over UDP, TCP and TLS. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerTls, startPeer } from './server.js';

/**
 * Starts dnsdist in front of the server at `backend`, a port for UDP and TCP of loopback; its configuration goes to `folder`, which is
 * created. Its times are those that it has by default: it closes connections that have been idle for two seconds.
 */
export async function startDnsdist(
  folder: string,
  backend: number,
  { port: tlsPort, cert, key }: PeerTls,
): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'dnsdist.conf');
  const lines = [
    `setLocal('${LOOPBACK}:${port}')`,
    `addTLSLocal('${LOOPBACK}:${tlsPort}', '${cert}', '${key}', { provider = 'openssl' })`,
    `newServer({ address = '${LOOPBACK}:${backend}', healthCheckMode = 'up' })`,
    // It would ask on the Internet for news about its security.
    "setSecurityPollSuffix('')",
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const peer = await startPeer('dnsdist', 'dnsdist', ['--supervised', '--disable-syslog', '-C', config], port);
  return { ...peer, tlsPort };
}
