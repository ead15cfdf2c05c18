/** BIND, Knot and NSD as secondaries of a server on loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, startPeer } from '../support/peers/server.js';
import type { Tool } from '../support/peers/tools.js';

/** A zone that the secondary has from the primary. */
export interface SecondaryZone {
  readonly name: string;
  /** Name of the key that its transfers and NOTIFY are signed with. */
  readonly key?: string | undefined;
  /** Whether it is transferred inside TLS. */
  readonly tls?: boolean;
}

export interface SecondaryKey {
  readonly name: string;
  readonly algorithm: string;
  readonly secret: string;
}

/** TLS to the primary: the authority of its certificate, and what the secondary shows. */
export interface SecondaryTls {
  readonly port: number;
  readonly ca: string;
  readonly serverName: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SecondarySettings {
  readonly folder: string;
  readonly primary: number;
  readonly zones: readonly SecondaryZone[];
  readonly keys: readonly SecondaryKey[];
  readonly tls?: SecondaryTls | undefined;
  /** The port that it listens on. */
  readonly port?: number;
}

/** Writes the configuration into `folder`, which is made, and returns the command that runs the server. */
type ConfigureSecondary = (settings: SecondarySettings & { readonly port: number }) => readonly [Tool, ...string[]];

export type StartSecondary = (settings: SecondarySettings) => Promise<Peer>;

export const configureBindSecondary: ConfigureSecondary = ({ folder, primary, zones, keys, tls, port }) => {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'named.conf');
  const mutual = tls?.cert === undefined ? '' : `cert-file "${tls.cert}"; key-file "${tls.key}"; `;
  const head = `${keys.map(({ name, algorithm, secret }) => `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`).join('')}${
    tls === undefined ? '' : `tls primary { ca-file "${tls.ca}"; remote-hostname "${tls.serverName}"; ${mutual}};\n`
  }options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  allow-transfer { ${LOOPBACK}; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  max-records-per-type 0;
  max-types-per-name 0;
  min-retry-time 1;
  check-names secondary ignore;
};
controls { };
`;
  const body = zones.map(({ name, key, tls: secure }) => {
    const by = `${key === undefined ? '' : ` key "${key}"`}${secure ? ' tls primary' : ''}`;
    const from = `${LOOPBACK} port ${secure ? tls?.port : primary}${by}`;
    return `zone "${name}" { type secondary; file "${name}.db"; masterfile-format text; primaries { ${from}; }; };\n`;
  });
  writeFileSync(config, head + body.join(''));
  return ['named', '-g', '-n', '1', '-c', config, '-u', userInfo().username];
};

export const configureKnotSecondary: ConfigureSecondary = ({ folder, primary, zones, keys, port }) => {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'knot.conf');
  const names = [undefined, ...keys.map(({ name }) => name)];
  const idOf = (key: string | undefined): string => (key === undefined ? 'plain' : key.replaceAll('.', '-'));
  const signed = (key: string | undefined): string => (key === undefined ? '' : `    key: ${key}\n`);
  const text = `server:
  rundir: "${folder}"
  listen: ${LOOPBACK}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder}"
log:
  - target: stderr
    any: info
${keys.length === 0 ? '' : 'key:\n'}${keys.map(({ name, algorithm, secret }) => `  - id: ${name}\n    algorithm: ${algorithm}\n    secret: ${secret}\n`).join('')}remote:
${names.map((key) => `  - id: ${idOf(key)}\n    address: ${LOOPBACK}@${primary}\n${signed(key)}`).join('')}acl:
  - id: all
    address: ${LOOPBACK}
    action: transfer
${names.map((key) => `  - id: notify-${idOf(key)}\n    address: ${LOOPBACK}\n    action: notify\n${signed(key)}`).join('')}template:
  - id: default
    storage: "${folder}"
zone:
${zones.map(({ name, key }) => `  - domain: ${name}\n    master: ${idOf(key)}\n    acl: [all, notify-${idOf(key)}]\n`).join('')}`;
  writeFileSync(config, text);
  return ['knotd', '-c', config];
};

export const configureNsdSecondary: ConfigureSecondary = ({ folder, primary, zones, keys, tls, port }) => {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'nsd.conf');
  const mutual =
    tls?.cert === undefined
      ? ''
      : `  client-cert: "${tls.cert}"\n  client-key: "${tls.key}"\n  client-key-pw: "none"\n`;
  const text = `server:
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
  verbosity: 2
  xfrd-reload-timeout: 0
  rrl-ratelimit: 0
${tls === undefined ? '' : `  tls-cert-bundle: "${tls.ca}"\n`}remote-control:
  control-enable: no
${keys.map(({ name, algorithm, secret }) => `key:\n  name: "${name}"\n  algorithm: ${algorithm}\n  secret: "${secret}"\n`).join('')}${
  tls === undefined ? '' : `tls-auth:\n  name: primary\n  auth-domain-name: "${tls.serverName}"\n${mutual}`
}${zones
  .map(({ name, key = 'NOKEY', tls: secure }) => {
    const from = secure ? `${LOOPBACK}@${tls?.port} ${key} primary` : `${LOOPBACK}@${primary} ${key}`;
    return `zone:
  name: "${name}"
  zonefile: "${name}.zone"
  allow-notify: ${LOOPBACK} ${key}
  request-xfr: ${from}
  provide-xfr: ${LOOPBACK} NOKEY
  multi-master-check: no
`;
  })
  .join('')}`;
  writeFileSync(config, text);
  return ['nsd', '-d', '-c', config];
};

const starting =
  (name: string, configure: ConfigureSecondary): StartSecondary =>
  async (settings) => {
    const port = settings.port ?? (await freePort());
    const [tool, ...words] = configure({ ...settings, port });
    return startPeer(name, tool, words, port);
  };

export const startBindSecondary = starting('BIND', configureBindSecondary);
export const startKnotSecondary = starting('Knot', configureKnotSecondary);
export const startNsdSecondary = starting('NSD', configureNsdSecondary);
