/** Owners of NSEC3 records in cases: `match(NAME)` and `cover(NAME)`, found in the zone's file. */

import { nameOf } from '../reference/names.js';
import { nsec3Label } from '../reference/proofs.js';

/** Puts owners in place of `match(…)` and `cover(…)`, from the NSEC3 records of `zoneText`, one a line. */
export function expandHashes(text: string, zoneText: string): string {
  return text.replace(/\b(match|cover)\(([^)]*)\)/g, (_all, how: string, name: string) => ownerOf(how, name, zoneText));
}

function ownerOf(how: string, name: string, zoneText: string): string {
  const [, iterations, salt = '-'] = /IN NSEC3PARAM 1 0 (\d+) (\S+)/.exec(zoneText) ?? [];
  const octets = Buffer.from(salt === '-' ? '' : salt, 'hex');
  const wanted = nsec3Label(nameOf(name), octets, Number(iterations));
  const owners = Array.from(zoneText.matchAll(/^(\w{32})\.(\S+) \d+ IN NSEC3 /gm), ([, label = '', zone = '']) => ({
    label: label.toLowerCase(),
    zone,
  })).sort((a, b) => (a.label < b.label ? -1 : 1));
  const owner = owners.filter(({ label }) => label <= wanted).at(-1) ?? owners.at(-1);
  if (!owner || (owner.label === wanted) !== (how === 'match')) throw new Error(`no NSEC3 can ${how} ${name}`);
  return `${owner.label}.${owner.zone}`;
}
