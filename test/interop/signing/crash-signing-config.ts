/** The servers of crash-signer.ts: a parent, which takes DS records by UPDATE, and one that signs its children. TTLs are of a second. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

export const PARENT = 'above.test.';
/** Roles of the keys of each zone, by its first label. */
export const ROLES = { csk: ['csk'], split: ['ksk', 'zsk'], nsec3: ['ksk', 'zsk'] } as const;
export const ZONES = Object.keys(ROLES).map((name) => `${name}.${PARENT}`);
/** Seconds of every TTL. */
export const TTL = 1;
const TIMES = { dnskey_ttl: TTL, ds_ttl: TTL, propagation: 0, parent_propagation: 0 };

const BASE = { listen: ['127.0.0.1'], workers: 1, tls: { enabled: false } };
const soa = '@ 1 SOA ns h 1 60 30 60 1\n@ 1 NS ns\nns 1 A 127.0.0.1\n';

/** Writes what the parent serves; returns its configuration. */
export function writeParent(folder: string): string {
  mkdirSync(join(folder, 'parent-zones'), { recursive: true });
  const cuts = ZONES.map((zone) => `${zone} 1 NS ns.${zone}\nns.${zone} 1 A 127.0.0.1\n`).join('');
  writeFileSync(join(folder, 'parent-zones', `${PARENT}zone`), `$ORIGIN ${PARENT}\n${soa}${cuts}`);
  const file = join(folder, 'parent.yaml');
  const remotes = [{ name: 'registry', addresses: ['127.0.0.1'] }];
  const policies = [{ zones: [PARENT], update: [{ remote: 'registry', allow: [{ subdomain: PARENT }] }] }];
  const state = { folder: join(folder, 'parent-state') };
  const control = { socket: join(folder, 'parent.sock') };
  writeFileSync(
    file,
    stringify({ ...BASE, control, state, remotes, zones: { folder: join(folder, 'parent-zones'), policies } }),
  );
  return file;
}

/** The same of the server that signs. */
export function writeConfig(folder: string, parentPort: number): string {
  mkdirSync(join(folder, 'zones'), { recursive: true });
  for (const zone of ZONES)
    writeFileSync(join(folder, 'zones', `${zone}zone`), `$ORIGIN ${zone}\n${soa}cut 1 NS ns.cut\n*.wild 1 TXT "w"\n`);
  const file = join(folder, 'adotd.yaml');
  const times = { ...TIMES, parent: ['above'] };
  const config = {
    ...BASE,
    control: { socket: join(folder, 'ctl.sock') },
    state: { folder: join(folder, 'state') },
    remotes: [
      { name: 'client', addresses: ['127.0.0.1'] },
      { name: 'above', addresses: ['127.0.0.1'], port: parentPort },
    ],
    dnssec: {
      policies: {
        csk: { ...times, keys: 'csk' },
        split: { ...times, keys: 'ksk+zsk' },
        nsec3: { ...times, keys: 'ksk+zsk', nsec3: {}, algorithm: 'ED25519' },
      },
    },
    zones: {
      folder: join(folder, 'zones'),
      policies: ZONES.map((zone) => ({
        zones: [zone],
        dnssec: zone.split('.')[0],
        update: [{ remote: 'client', allow: [{ subdomain: zone }] }],
        transfer: { to: ['client'] },
      })),
    },
  };
  writeFileSync(file, stringify(config));
  return file;
}
