/**
 * Configurations of the servers that are compared: one worker each, no rate limit, no log of queries, minimal responses, UDP
 * payload 1232, on loopback only. All else, such as caches, is as by default.
 */
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Ports } from '../load/client.js';
import { configureKnot } from '../support/peers/knot.js';
import { configureNsd } from '../support/peers/nsd.js';
import { LOOPBACK, type PeerZone } from '../support/peers/server.js';
import { REPOSITORY } from './machine.js';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** The zones for a server, and their circumstances. */
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
  /** The most TCP connections at once. */
  readonly connections: number;
  /** Whether clients on loopback may transfer the zones. */
  readonly transfers?: boolean;
  /** For adotd: further lines of its configuration, and options of Node. */
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
const zonesOf = (given: Given): PeerZone[] => given.zones.map((name) => ({ name, file: fileOf(given, name) }));

/** What each configuration of adotd has. */
export const ownConfig = ({ port, tlsPort }: Ports): object => ({
  port,
  tls_port: tlsPort,
  workers: 1,
  log: { level: 'warn' },
});

/** adotd with this configuration, which is written into `folder`. */
export function launchOwn(folder: string, config: object, node: readonly string[] = []): Launch {
  const file = join(folder, 'adotd.yaml');
  writeFileSync(file, stringify(config));
  const main = join(REPOSITORY, 'dist', 'cli', 'main.js');
  return { command: [process.execPath, ...node, main, 'serve', '--config', file] };
}

export function launchAdotd(given: Given, { port, tlsPort }: Ports): Launch {
  const file = join(given.folder, 'adotd.yaml');
  const { cert, key } = given.certificate;
  const policies = given.transfers ? ', policies: [{ default: true, transfer: { to: [here] } }]' : '';
  writeFileSync(
    file,
    `zones: { folder: ${given.zonesFolder}${policies} }
remotes: [{ name: here, addresses: [${LOOPBACK}] }]
port: ${port}
tls_port: ${tlsPort}
workers: 1
tls: { certificates: [{ cert: ${cert}, key: ${key} }] }
${given.config ?? ''}`,
  );
  const main = join(REPOSITORY, 'dist', 'cli', 'main.js');
  return { command: [process.execPath, ...(given.node ?? []), main, 'serve', '--config', file] };
}

export function launchNsd(given: Given, { port, tlsPort }: Ports): Launch {
  const { folder, connections, certificate } = given;
  const options = `  logfile: "${join(folder, 'log')}"\n`;
  const tls = { ...certificate, port: tlsPort };
  const transfers = given.transfers ? `  provide-xfr: ${LOOPBACK} NOKEY\n` : '';
  return { command: configureNsd({ folder, port, tls, zones: zonesOf(given), connections, options }, transfers) };
}

export function launchKnot(given: Given, { port }: Ports): Launch {
  const { folder, connections } = given;
  const transfers = {
    database: `acl:\n  - id: here\n    address: ${LOOPBACK}\n    action: transfer\n`,
    template: '    acl: here\n',
  };
  return {
    command: configureKnot({ folder, port, zones: zonesOf(given), connections }, given.transfers ? transfers : {}),
  };
}

export function launchBind(given: Given, { port, tlsPort }: Ports): Launch {
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
export function launchPowerDns(given: Given, { port }: Ports): Launch {
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
