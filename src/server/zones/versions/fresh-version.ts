/** The version that a file makes of its zone on its own, without the version that was served before. */
import { PendingView } from '../../../image/changes/pending-view.js';
import { ContentView } from '../../../image/signed/content-view.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { Lane } from '../jobs/loader-lane.js';
import type { ZoneResult } from '../load-zone.js';
import { type FileVersion, withImage } from './file-outcome.js';
import { versionOf } from './making-changes.js';
import { type AskPlan, signingOf } from './signing-of.js';

interface FreshContext {
  /** Key of the zone's name. */
  readonly zone: string;
  readonly policy: EffectivePolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: Lane;
}

/**
 * The file as it is, signed if `ask` says so. `published`: the serial that was published last, if that is known: secondaries have it, and the
 * new one is later. A signed version never has the serial of its file: the file may have been served unsigned. Rejects as `ask` does.
 */
export async function freshVersion(
  result: ZoneResult,
  file: Uint8Array,
  published: number | undefined,
  { zone, policy, now, lane }: FreshContext,
  ask: AskPlan | undefined,
): Promise<FileVersion> {
  const plan = await ask?.(file);
  // The file and the zone differ in the SOA record only. The next merge of the file finds that.
  const fresh = { history: [], sourceSerial: result.serial, overlay: undefined, difference: undefined, plan: plan?.id };
  const isLater = published === undefined || isLaterSerial(published, result.serial);
  if (plan === undefined && isLater) return { ...fresh, result };
  const made = await versionOf(file, new PendingView(new ContentView(file)), {
    zone,
    published: published ?? result.serial,
    policy,
    now,
    lane,
    signing: signingOf(plan, file, undefined),
  });
  return { ...fresh, result: withImage(result, made.image, made.signaturesExpire), signedBy: plan };
}
