/** A zone file that is taken as it is, in place of what is stored of its zone. */
import { PendingView } from '../../../image/changes/pending-view.js';
import { ImageView } from '../../../image/changes/zone-view.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { LoaderLane } from '../jobs/loader-lane.js';
import type { KeptState } from '../kept-state.js';
import type { Kept } from '../kept-zone.js';
import type { ZoneResult } from '../load-zone.js';
import type { FileVersion } from './file-versions.js';
import { versionOf } from './making-changes.js';

interface Context {
  readonly policy: EffectivePolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: LoaderLane;
}

/**
 * Stores the file as the zone, and forgets what was stored. Secondaries have the serial that was published last, if that is known: the
 * new one is later. Rejects with ADOTD_STATE.
 */
export async function acceptedVersion(
  kept: Kept,
  result: ZoneResult,
  file: Uint8Array,
  { policy, now, lane }: Context,
  state: KeptState,
): Promise<FileVersion> {
  const published = state.serial(kept.zone);
  const isLater = published === undefined || isLaterSerial(published, result.serial);
  const image = isLater ? file : await withLaterSerial(file, published, { zone: kept.zone, policy, now, lane });
  await state.remove(kept.zone);
  await state.commit(kept, { image, differences: undefined, source: file, sourceSerial: result.serial });
  // What differs between the file and the zone is found when the file is merged the next time: nothing but the SOA record.
  const serial = isLater ? result.serial : (state.serial(kept.zone) ?? result.serial);
  const accepted = { ...result, image, serial };
  return { result: accepted, history: [], sourceSerial: result.serial, overlay: undefined, difference: undefined };
}

async function withLaterSerial(
  file: Uint8Array,
  published: number,
  context: Context & { readonly zone: string },
): Promise<Uint8Array> {
  const { image } = await versionOf(file, new PendingView(new ImageView(file)), { ...context, published });
  return image;
}
