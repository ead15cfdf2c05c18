/** BIND, Knot and NSD as primaries: they give zones away to whoever has the key of the zone, send NOTIFY, and make differences of edited files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, startPeer } from '../support/peers/server.js';

/** A key of TSIG. */
export interface PrimaryKey {
  readonly name: string;
  readonly algorithm: string;
  /** In base64. */
  readonly secret: string;
}

export interface PrimaryZone {
  readonly name: string;
  readonly text: string;
  readonly key: PrimaryKey;
}

export interface PrimaryOptions {
  readonly folder: string;
  readonly zones: readonly PrimaryZone[];
  /** Where NOTIFY goes to on loopback. */
  readonly notify: number;
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string | undefined } | undefined;
}

export interface Primary extends Peer {
  /** Writes another version of a zone, and has it loaded. */
  edit(zone: string, text: string): void;
}

const fileOf = (folder: string, zone: string): string => join(folder, `${zone}.zone`);

function prepare({ folder, zones }: PrimaryOptions): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of zones) writeFileSync(fileOf(folder, name), text);
}

function editable(peer: Peer, folder: string): Primary {
  return {
    ...peer,
    edit(zone, text) {
      writeFileSync(fileOf(folder, zone), text);
      peer.signal('SIGHUP');
    },
  };
}

const keysOf = (zones: readonly PrimaryZone[]): PrimaryKey[] => [
  ...new Map(zones.map(({ key }) => [key.name, key])).values(),
];

export async function bindPrimary(options: PrimaryOptions): Promise<Primary> {
  prepare(options);
  const { folder, zones, notify, tls } = options;
  const port = await freePort();
  const tlsPort = tls === undefined ? 0 : await freePort();
  const keys = keysOf(zones).map(
    ({ name, algorithm, secret }) => `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`,
  );
  const ca = tls?.clientCa === undefined ? '' : ` ca-file "${tls.clientCa}";`;
  const config = `${keys.join('')}${tls === undefined ? '' : `tls own { cert-file "${tls.cert}"; key-file "${tls.key}";${ca} };\n`}options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
${tls === undefined ? '' : `  listen-on port ${tlsPort} tls own { ${LOOPBACK}; };\n`}  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  notify explicit;
  notify-delay 0;
  ixfr-from-differences yes;
  // A difference that is longer than the zone is sent, too.
  max-ixfr-ratio unlimited;
  dnssec-validation no;
  empty-zones-enable no;
  check-names primary ignore;
  check-integrity no;
};
controls { };
${zones
  .map(
    ({ name, key }) =>
      `zone "${name}" { type primary; file "${fileOf(folder, name)}"; allow-transfer { key "${key.name}"; }; also-notify { ${LOOPBACK} port ${notify} key "${key.name}"; }; };\n`,
  )
  .join('')}`;
  const file = join(folder, 'named.conf');
  writeFileSync(file, config);
  const peer = await startPeer('BIND', 'named', ['-g', '-n', '1', '-c', file, '-u', userInfo().username], port);
  return { ...editable(peer, folder), tlsPort };
}

export async function knotPrimary(options: PrimaryOptions): Promise<Primary> {
  prepare(options);
  const { folder, zones, notify } = options;
  const port = await freePort();
  const keys = keysOf(zones);
  const config = `server:
  rundir: "${folder}"
  listen: ${LOOPBACK}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-io-timeout: 10000
database:
  storage: "${folder}"
  journal-db-max-size: 64M
log:
  - target: stderr
    any: info
key:
${keys.map(({ name, algorithm, secret }) => `  - id: ${name}\n    algorithm: ${algorithm}\n    secret: ${secret}\n`).join('')}remote:
${keys.map(({ name }) => `  - id: to-${name}\n    address: ${LOOPBACK}@${notify}\n    key: ${name}\n`).join('')}acl:
${keys.map(({ name }) => `  - id: of-${name}\n    address: ${LOOPBACK}\n    key: ${name}\n    action: transfer\n`).join('')}template:
  - id: default
    storage: "${folder}"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: changes
    semantic-checks: off
zone:
${zones.map(({ name, key }) => `  - domain: "${name}"\n    file: "${fileOf(folder, name)}"\n    notify: to-${key.name}\n    acl: of-${key.name}\n`).join('')}`;
  const file = join(folder, 'knot.conf');
  writeFileSync(file, config);
  return editable(await startPeer('Knot', 'knotd', ['-c', file], port), folder);
}

export async function nsdPrimary(options: PrimaryOptions): Promise<Primary> {
  prepare(options);
  const { folder, zones, notify, tls } = options;
  const port = await freePort();
  const tlsPort = tls === undefined ? 0 : await freePort();
  const overTls =
    tls === undefined
      ? ''
      : `  ip-address: ${LOOPBACK}@${tlsPort}\n  tls-port: ${tlsPort}\n  tls-service-pem: "${tls.cert}"\n  tls-service-key: "${tls.key}"\n`;
  const config = `server:
  ip-address: ${LOOPBACK}@${port}
${overTls}  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${join(folder, 'zone.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  pidfile: ""
  logfile: ""
  verbosity: 2
remote-control:
  control-enable: no
${keysOf(zones)
  .map(({ name, algorithm, secret }) => `key:\n  name: "${name}"\n  algorithm: ${algorithm}\n  secret: "${secret}"\n`)
  .join('')}${zones
  .map(
    ({ name, key }) =>
      `zone:\n  name: "${name}"\n  zonefile: "${fileOf(folder, name)}"\n  provide-xfr: ${LOOPBACK} ${key.name}\n  notify: ${LOOPBACK}@${notify} ${key.name}\n  store-ixfr: yes\n  create-ixfr: yes\n`,
  )
  .join('')}`;
  const file = join(folder, 'nsd.conf');
  writeFileSync(file, config);
  const peer = await startPeer('NSD', 'nsd', ['-d', '-c', file], port);
  return { ...editable(peer, folder), tlsPort };
}
