/** A server with a zone that is changed by UPDATE and one that it has from a primary, whose state meets with accidents. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from '../support/patience.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { updateMessage } from '../transfer/update/update-case.js';
import { serialAt } from './crash-load.js';
import { Requests } from './update-peers.js';

export const OWN = 'own.test';
export const TAKEN = 'taken.test';

/** A zone of so many records, with timers of a second. */
export const zoneText = (records: number, serial = 1): string =>
  [
    `@ 60 SOA ns h ${serial} 1 1 86400 60`,
    '@ 60 NS ns',
    'ns 60 A 192.0.2.1',
    ...Array.from({ length: records }, (_, i) => `host${i} 60 TXT "${serial} ${String(i).padStart(60, '0')}"`),
    '',
  ].join('\n');

interface Written {
  readonly config: string;
  readonly port: number;
  readonly state: string;
  /** Holds `ZONE.zone` for each zone of its own. */
  readonly zones: string;
}

/** Writes a configuration into `folder`. With a primary's port, TAKEN comes from there, else it is a file. */
export async function writeServer(folder: string, primary: number | undefined, notified: number): Promise<Written> {
  const [zones, state] = [join(folder, 'zones'), join(folder, 'disk', 'state')];
  for (const one of [zones, join(folder, 'disk')]) mkdirSync(one, { recursive: true });
  writeFileSync(join(zones, `${primary === undefined ? TAKEN : OWN}.zone`), zoneText(2000));
  const [config, port] = [join(folder, 'adotd.yaml'), await freePort()];
  const settings = {
    workers: 1,
    tls: { enabled: false },
    control: { socket: join(folder, 'sock') },
    watch: { settle: 20 },
    state: { folder: state },
    remotes: [
      { name: 'here', addresses: [LOOPBACK] },
      { name: 'primary', addresses: [LOOPBACK], port: primary ?? 1 },
      { name: 'second', addresses: [LOOPBACK], port: notified },
    ],
    zones: {
      folder: zones,
      secondary: primary === undefined ? [] : [{ zones: [TAKEN], from: ['primary'] }],
      policies: [
        { zones: [OWN], transfer: { to: ['here'] }, update: [{ remote: 'here', allow: [{ subdomain: OWN }] }] },
        { zones: [TAKEN], transfer: { to: ['here'] }, ...(primary === undefined && { notify: ['second'] }) },
      ],
    },
  };
  writeFileSync(config, stringify(settings));
  return { config, port, state, zones };
}

/** Adds a record to OWN; returns the RCODE. */
export async function update(port: number, name: string): Promise<number | undefined> {
  using requests = new Requests(port);
  const answer = await requests.ask(updateMessage({ zone: `${OWN}.`, changes: [`${name} 60 IN TXT "${name}"`] }));
  return answer === undefined ? undefined : (answer[3] ?? 0) & 15;
}

export const untilSerial = (port: number, zone: string, serial: number): Promise<void> =>
  until(`serial ${serial} of ${zone}`, async () => (await serialAt(port, zone)) === serial);
