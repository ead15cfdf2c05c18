/** Unbound, alone or as a validating resolver in front of the server under test. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, startPeer } from './server.js';

/** A zone that the resolver asks one server for, and the trust anchor that it validates the zone's answers with. */
interface StubZone {
  readonly name: string;
  /** A DNSKEY or DS record in presentation form; undefined: the zone above it has to vouch for the zone. */
  readonly anchor: string | undefined;
}

/**
 * Starts unbound; its configuration goes to `folder`, which is created. `options`: further lines of its clause `server:`; `clauses`:
 * whole clauses after it. It asks nobody outside of this machine unless they tell it to.
 */
export async function runUnbound(folder: string, options: string, clauses: string): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'unbound.conf');
  const text = `server:
  interface: ${LOOPBACK}
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
  local-zone: "test." nodefault
${options}remote-control:
  control-enable: no
${clauses}`;
  writeFileSync(config, text);
  return startPeer('unbound', 'unbound', ['-d', '-p', '-c', config], port);
}

/** Options of a resolver that keeps nothing for a later question, and asks on loopback too. */
export const FORGETFUL = `  do-not-query-localhost: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
`;

/**
 * Starts unbound with `server` as the only source of the zones. Nothing is cached and no denial is synthesised
 * (RFC 8020, RFC 8198), so that the server, not the cache, answers the questions; and nothing leaves this machine.
 */
export function startUnbound(
  folder: string,
  server: { address: string; port: number },
  zones: readonly StubZone[],
): Promise<Peer> {
  const options = `${FORGETFUL}  verbosity: 1
  val-log-level: 2
  outgoing-interface: ${LOOPBACK}
  harden-below-nxdomain: no
  module-config: "validator iterator"
  aggressive-nsec: no
  qname-minimisation: no
  minimal-responses: no
  prefetch: no
  target-fetch-policy: "0 0 0 0 0"
  outgoing-num-tcp: 50
  incoming-num-tcp: 50
  access-control: 127.0.0.0/8 allow
  val-nsec3-keysize-iterations: "1024 150 2048 500 4096 2500"
`;
  const trusted = zones.filter(({ anchor }) => anchor !== undefined);
  const anchors = trusted.map(({ anchor }) => `  trust-anchor: "${anchor}"\n`).join('');
  const stub = ({ name }: StubZone): string =>
    `stub-zone:\n  name: "${name}"\n  stub-addr: ${server.address}@${server.port}\n  stub-no-cache: yes\n`;
  return runUnbound(folder, options + anchors, zones.map(stub).join(''));
}
