/**
 * Configurations of the servers that are compared: one worker each, no rate limit, no log of queries, minimal responses, UDP
 * payload 1232, caches as by default, on loopback only. What is not said is as the server has it by default.
 */
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Ports } from '../load/client.js';
import { LOOPBACK } from '../support/peers/server.js';
import { REPOSITORY } from './machine.js';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a server is to serve, and how. */
export interface Given {
  /** Its own folder, which is there. */
  readonly folder: string;
  /** Holds `NAME.zone` for each zone. */
  readonly zonesFolder: string;
  /** Names without the final dot. */
  readonly zones: readonly string[];
  /** Whether the zones are signed already. */
  readonly signed: boolean;
  readonly certificate: Certificate;
  /** TCP connections that there will be at the most. */
  readonly connections: number;
  /** For adotd: lines of its configuration besides, and options of Node. */
  readonly config?: string;
  readonly node?: readonly string[];
}

/** How a server is run. */
export interface Launch {
  readonly command: readonly string[];
  /** Commands to be run to their ends before. */
  readonly before?: readonly (readonly string[])[];
  /** A command that makes it load this zone again; without, SIGHUP does. */
  readonly reload?: (zone: string) => readonly string[];
}

const fileOf = (given: Given, zone: string): string => join(given.zonesFolder, `${zone}.zone`);

export function configureAdotd(given: Given, { port, tlsPort }: Ports): Launch {
  const file = join(given.folder, 'adotd.yaml');
  const { cert, key } = given.certificate;
  writeFileSync(
    file,
    `zones: { folder: ${given.zonesFolder} }
port: ${port}
tls_port: ${tlsPort}
workers: 1
tls: { certificates: [{ cert: ${cert}, key: ${key} }] }
${given.config ?? ''}`,
  );
  const main = join(REPOSITORY, 'dist', 'cli', 'main.js');
  return { command: [process.execPath, ...(given.node ?? []), main, 'serve', '--config', file] };
}

export function configureNsd(given: Given, { port, tlsPort }: Ports): Launch {
  const { folder, certificate } = given;
  const file = join(folder, 'nsd.conf');
  const head = `server:
  ip-address: ${LOOPBACK}@${port}
  ip-address: ${LOOPBACK}@${tlsPort}
  tls-port: ${tlsPort}
  tls-service-key: "${certificate.key}"
  tls-service-pem: "${certificate.cert}"
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${join(folder, 'zone.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  pidfile: ""
  logfile: "${join(folder, 'log')}"
  ipv4-edns-size: 1232
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: ${given.connections}
  tcp-timeout: 120
remote-control:
  control-enable: no
`;
  const body = given.zones.map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${fileOf(given, zone)}"\n`);
  writeFileSync(file, head + body.join(''));
  return { command: ['nsd', '-d', '-c', file] };
}

export function configureKnot(given: Given, { port }: Ports): Launch {
  const { folder } = given;
  const file = join(folder, 'knot.conf');
  const head = `server:
  rundir: "${folder}"
  listen: ${LOOPBACK}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 1232
  tcp-idle-timeout: 120
  tcp-io-timeout: 10000
  tcp-max-clients: ${given.connections}
control:
  listen: "${join(folder, 'knot.sock')}"
database:
  storage: "${folder}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "${folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
`;
  const body = given.zones.map((zone) => `  - domain: "${zone}"\n    file: "${fileOf(given, zone)}"\n`);
  writeFileSync(file, head + body.join(''));
  return { command: ['knotd', '-c', file] };
}

export function configureBind(given: Given, { port, tlsPort }: Ports): Launch {
  const { folder, certificate, connections } = given;
  const file = join(folder, 'named.conf');
  const head = `tls bench { cert-file "${certificate.cert}"; key-file "${certificate.key}"; };
options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
  listen-on port ${tlsPort} tls bench { ${LOOPBACK}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses yes;
  max-udp-size 1232;
  tcp-listen-queue 1024;
  tcp-clients ${connections};
  tcp-idle-timeout 1200;
  tcp-initial-timeout 1200;
};
controls { };
logging { category default { null; }; };
`;
  const body = given.zones.map((zone) => `zone "${zone}" { type primary; file "${fileOf(given, zone)}"; };\n`);
  writeFileSync(file, head + body.join(''));
  return { command: ['named', '-f', '-n', '1', '-c', file, '-u', userInfo().username] };
}

/** PowerDNS has no setting for minimal responses. */
export function configurePowerDns(given: Given, { port }: Ports): Launch {
  const { folder, zones, connections } = given;
  const database = join(folder, 'dnssec.db');
  const body = zones.map((zone) => `zone "${zone}" { type native; file "${fileOf(given, zone)}"; };\n`);
  writeFileSync(join(folder, 'zones.conf'), body.join(''));
  writeFileSync(
    join(folder, 'pdns.conf'),
    `launch=bind
bind-config=${join(folder, 'zones.conf')}
${given.signed ? `bind-dnssec-db=${database}` : ''}
local-address=${LOOPBACK}
local-port=${port}
socket-dir=${folder}
daemon=no
guardian=no
disable-syslog=yes
loglevel=3
receiver-threads=1
distributor-threads=1
udp-truncation-threshold=1232
max-tcp-connections=${connections}
tcp-idle-timeout=120
`,
  );
  const own = [`--config-dir=${folder}`];
  const presigned = zones.map((zone) => ['pdnsutil', ...own, 'set-presigned', zone]);
  return {
    command: ['pdns_server', ...own],
    before: given.signed ? [['pdnsutil', ...own, 'create-bind-db', database], ...presigned] : [],
    reload: (zone) => ['pdns_control', ...own, `--socket-dir=${folder}`, 'bind-reload-now', zone],
  };
}
