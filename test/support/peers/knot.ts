/** Knot DNS as a peer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Peer, type PeerSettings, type PeerZone, startPeer } from './server.js';

/** Further lines of knot.conf. */
interface KnotOptions {
  readonly server?: string;
  readonly database?: string;
  readonly template?: string;
}

/**
 * Writes knot.conf into `folder`, and returns the command that runs it: one worker of each kind; zones are taken as they are, nothing
 * is written back. Other settings have Knot's defaults. Knot's responses are always minimal.
 */
export function configureKnot(
  { folder, port, zones, connections }: Omit<PeerSettings, 'tls' | 'options'>,
  { server = '', database = '', template = '' }: KnotOptions = {},
): string[] {
  const config = join(folder, 'knot.conf');
  const head = `server:
  rundir: "${folder}"
  listen: ${LOOPBACK}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 1232
  tcp-idle-timeout: 120
  tcp-io-timeout: 10000
  tcp-max-clients: ${connections}
${server}control:
  listen: "${join(folder, 'knot.sock')}"
database:
  storage: "${folder}"
${database}log:
  - target: stderr
    any: warning
${fromPrimaries(zones)}template:
  - id: default
    storage: "${folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
${template}zone:
`;
  const body = zones.map(({ name, file, primary }) => {
    const from = primary === undefined ? '' : `    master: primary-${primary}\n    acl: primaries\n`;
    return `  - domain: "${name}"\n    file: "${file}"\n${from}`;
  });
  writeFileSync(config, head + body.join(''));
  return ['knotd', '-c', config];
}

/** Sections for the primaries of zones, and their NOTIFY. */
function fromPrimaries(zones: readonly PeerZone[]): string {
  const ports = new Set(zones.flatMap(({ primary }) => primary ?? []));
  if (ports.size === 0) return '';
  const remotes = Array.from(ports, (port) => `  - id: primary-${port}\n    address: ${LOOPBACK}@${port}\n`);
  return `remote:\n${remotes.join('')}acl:\n  - id: primaries\n    address: ${LOOPBACK}\n    action: notify\n`;
}

/**
 * Starts Knot on the zones; its configuration and state go to `folder`, which is created. Only the mandatory checks are made.
 */
export async function startKnot(folder: string, zones: readonly PeerZone[]): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const [, ...words] = configureKnot(
    { folder, port, zones, connections: 200 },
    {
      server: '  answer-rotation: off\n',
      database: '  journal-db-max-size: 16M\n',
      template: '    semantic-checks: off\n',
    },
  );
  return startPeer('Knot', 'knotd', words, port);
}
