/** BIND 9 as a peer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerTls, type PeerZone, startPeer } from './server.js';

/**
 * Starts BIND on the zones; its configuration and state go to `folder`, which is created. Minimal responses and
 * `minimal-any` as adotd does by default; load-time checks that refuse lawful zones are off.
 */
export async function startBind(folder: string, zones: readonly PeerZone[], tls?: PeerTls): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'named.conf');
  const head = `${tls === undefined ? '' : `tls peer { cert-file "${tls.cert}"; key-file "${tls.key}"; };\n`}options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
${tls === undefined ? '' : `  listen-on port ${tls.port} tls peer { ${LOOPBACK}; };\n`}  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  allow-transfer { none; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses yes;
  minimal-any yes;
  edns-udp-size 1232;
  max-udp-size 1232;
  answer-cookie no;
  zero-no-soa-ttl no;
  rrset-order { order none; };
  check-names primary ignore;
  check-names secondary ignore;
  check-integrity no;
  check-sibling no;
  check-mx ignore;
  check-srv-cname ignore;
  check-mx-cname ignore;
  check-dup-records ignore;
  check-wildcard no;
  max-records-per-type 0;
  max-types-per-name 0;
  tcp-clients 200;
  tcp-idle-timeout 1200;
  version "peer";
};
controls { };
`;
  const body = zones.map(({ name, file, primary }) => {
    if (primary === undefined) return `zone "${name}" { type primary; file "${file}"; };\n`;
    const from = `masterfile-format text; primaries { ${LOOPBACK} port ${primary}; }`;
    return `zone "${name}" { type secondary; file "${file}"; ${from}; };\n`;
  });
  writeFileSync(config, head + body.join(''));
  const args = ['-g', '-n', '1', '-c', config, '-u', userInfo().username];
  const peer = await startPeer('BIND', 'named', args, port);
  return tls === undefined ? peer : { ...peer, tlsPort: tls.port };
}
