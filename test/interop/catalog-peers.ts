/** BIND and Knot as consumers of a catalog on loopback, and Knot as a producer of one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, startPeer } from '../support/peers/server.js';

interface ConsumerSettings {
  readonly folder: string;
  /** Where the catalog and its members are transferred from. */
  readonly primary: number;
  readonly port: number;
  /** Catalogs, the first one's groups known to Knot as templates. */
  readonly catalogs: readonly string[];
  readonly groups: readonly string[];
}

/** BIND looks at a catalog at most once in this many seconds, as it is configured here. */
export async function startBindConsumer({ folder, primary, port, catalogs }: ConsumerSettings): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const entries = catalogs.map(
    (zone) => `zone "${zone}" default-masters { ${LOOPBACK} port ${primary}; } in-memory yes min-update-interval 1;`,
  );
  const config = `options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  catalog-zones { ${entries.join(' ')} };
};
controls { };
${catalogs.map((zone) => `zone "${zone}" { type secondary; file "${zone}.db"; primaries { ${LOOPBACK} port ${primary}; }; };\n`).join('')}`;
  const file = join(folder, 'named.conf');
  writeFileSync(file, config);
  return startPeer('BIND', 'named', ['-g', '-n', '1', '-c', file, '-u', userInfo().username], port);
}

const knotHead = (folder: string, port: number): string => `server:
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
`;

export async function startKnotConsumer(settings: ConsumerSettings): Promise<Peer> {
  const { folder, primary, port, catalogs, groups } = settings;
  mkdirSync(folder, { recursive: true });
  const template = (id: string): string =>
    `  - id: ${id}\n    master: primary\n    acl: notify\n    storage: "${folder}"\n`;
  const config = `${knotHead(folder, port)}remote:
  - id: primary
    address: ${LOOPBACK}@${primary}
acl:
  - id: notify
    address: ${LOOPBACK}
    action: notify
template:
${['default', 'member', ...groups].map(template).join('')}zone:
${catalogs.map((zone) => `  - domain: ${zone}\n    catalog-role: interpret\n    catalog-template: [member, ${groups.join(', ')}]\n`).join('')}`;
  const file = join(folder, 'knot.conf');
  writeFileSync(file, config);
  return startPeer('Knot', 'knotd', ['-c', file], port);
}

/** A member of a catalog that Knot produces. */
interface ProducedMember {
  readonly zone: string;
  readonly group?: string;
}

/** Knot as a producer: it gives its catalog and its zones to whoever is on loopback. */
export interface KnotProducer extends Peer {
  /** Produces a catalog with these members from now on. */
  produce(members: readonly ProducedMember[]): void;
}

export async function startKnotProducer(
  folder: string,
  notify: number,
  catalog: string,
  members: readonly ProducedMember[],
): Promise<KnotProducer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const file = join(folder, 'knot.conf');
  const write = (all: readonly ProducedMember[]): void => {
    for (const { zone } of all)
      writeFileSync(join(folder, `${zone}.zone`), '@ 60 SOA ns h 1 60 30 600 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    const zones = all.map(
      ({ zone, group }) =>
        `  - domain: ${zone}\n    file: "${join(folder, `${zone}.zone`)}"\n    catalog-role: member\n    catalog-zone: ${catalog}\n${group === undefined ? '' : `    catalog-group: ${group}\n`}`,
    );
    const config = `${knotHead(folder, port)}remote:
  - id: consumer
    address: ${LOOPBACK}@${notify}
acl:
  - id: all
    address: ${LOOPBACK}
    action: transfer
template:
  - id: default
    storage: "${folder}"
    notify: consumer
    acl: all
    zonefile-sync: -1
zone:
  - domain: ${catalog}
    catalog-role: generate
${zones.join('')}`;
    writeFileSync(file, config);
  };
  write(members);
  const peer = await startPeer('Knot', 'knotd', ['-c', file], port);
  return {
    ...peer,
    produce(all) {
      write(all);
      peer.signal('SIGHUP');
    },
  };
}
