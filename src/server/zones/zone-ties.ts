/**
 * The status of a zone among other nameservers, for `zone-status`: its source, its serials, its history, and the state of its primaries.
 */

import { imageFacts } from '../../image/image-facts.js';
import { nameToText, zoneKey } from '../../protocol/name.js';
import type { SecondaryStatus } from '../secondaries/secondary-host.js';
import type { KeptZone } from './kept-zone.js';
import { FAILED } from './served-zone.js';
import type { ServedZones } from './served-zones.js';
import type { ZoneKeeper } from './zone-keeper.js';
import type { SigningSummary, ZoneStatus } from './zone-outcome.js';

/** The status of zones besides their versions. */
interface ZoneLives {
  /** Of zones that have primaries. */
  status(zone: string): Promise<SecondaryStatus | undefined>;
  /** Of zones that are signed here; undefined: none is. */
  readonly signing: { readonly known: { summary(zone: string): SigningSummary | undefined } } | undefined;
}

/** The status of all zones, those of files first. */
export function statusOfAll(served: ServedZones, keeper: Pick<ZoneKeeper, 'all'>): ZoneStatus[] {
  return [...served.status(), ...[...keeper.all()].filter(({ role }) => role !== 'file').map(statusOf)];
}

/** The status of all zones, or of the one of this name: one or none. */
export async function statusWithTies(
  served: ServedZones,
  keeper: ZoneKeeper,
  lives: ZoneLives,
  name?: string,
): Promise<ZoneStatus[]> {
  const ofFiles = served.status(name);
  const kept = name === undefined ? [...keeper.all()] : [keeper.get(zoneKey(name)) ?? []].flat();
  const others = kept.filter(({ role }) => role !== 'file');
  const ties = async (zone: KeptZone): Promise<ZoneStatus['ties']> => {
    const { role, state, sourceSerial, origin, history, pending } = zone;
    const known = role === 'secondary' || role === 'catalog-consumed' ? await lives.status(zone.zone) : undefined;
    const journal = keeper.journal(zone.zone);
    const signing = lives.signing?.known.summary(zone.zone);
    return { role, state, sourceSerial, origin, history: history.length, journal, pending, secondary: known, signing };
  };
  return [
    ...(await Promise.all(
      ofFiles.map(async (status) => {
        const zone = keeper.get(zoneKey(status.name));
        return zone === undefined ? status : { ...status, ties: await ties(zone) };
      }),
    )),
    ...(await Promise.all(others.map(async (zone) => ({ ...statusOf(zone), ties: await ties(zone) })))),
  ];
}

/** A zone that is in no file. */
function statusOf({ apex, image, state, serial }: KeptZone): ZoneStatus {
  const { failed: _, kept: __, version: ___, nameservers: ____, ...none } = FAILED;
  const facts =
    image === undefined
      ? {}
      : { records: imageFacts(image).records, octets: image.byteLength, signed: imageFacts(image).signed };
  const status = state === 'served' ? 'served' : 'failed';
  return { ...none, ...facts, name: nameToText(apex), file: '', state: status, serial, diagnostics: [] };
}
