/** Numbers of zones in each state, from files and from other nameservers. */
import { imageFacts } from '../../image/image-facts.js';
import type { ZonesReport } from './served-zones.js';
import type { ZoneKeeper } from './zone-keeper.js';

/** Plain data. */
export interface ZoneCounts {
  /** Zones that answer. */
  readonly served: number;
  /** Zones that are answered with SERVFAIL because their files have errors, or because they have expired. */
  readonly failed: number;
  /** Of the zones that answer, those whose files have errors: they are served as they were. */
  readonly kept: number;
  /** Zones that are answered with SERVFAIL until they have been transferred for the first time. */
  readonly waiting: number;
  /** In all zones that answer. */
  readonly records: number;
}

export function zoneCounts(
  files: Pick<ZonesReport, 'served' | 'failed' | 'kept' | 'records'>,
  keeper: Pick<ZoneKeeper, 'all'>,
): ZoneCounts {
  let { served, failed, records } = files;
  let waiting = 0;
  for (const { role, state, image } of keeper.all()) {
    if (role === 'file') continue;
    if (state === 'empty') waiting++;
    else if (state !== 'served') failed++;
    else {
      served++;
      records += image === undefined ? 0 : imageFacts(image).records;
    }
  }
  return { served, failed, kept: files.kept, waiting, records };
}
