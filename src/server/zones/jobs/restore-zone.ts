/** Makes a zone again from its data in the store of zones (state/zone-store.ts). */
import { contentOf } from '../../../dnssec/signing/content-runs.js';
import { applyDifference } from '../../../image/changes/apply.js';
import { recordsBetween } from '../../../image/changes/diff.js';
import { loadRun } from '../../../image/changes/load-run.js';
import type { LoadOptions } from '../../../image/load.js';
import { compose } from '../../../zone/changes/compose.js';
import type { Difference } from '../../../zone/changes/difference.js';
import type { RunPair } from '../../../zone/changes/record-run.js';

/** Plain data. */
export interface StoredBase {
  /** Name of the zone in wire format. */
  readonly apex: Uint8Array;
  readonly base: { readonly image: Uint8Array } | { readonly run: Uint8Array };
  /** From the base to the version that is wanted, oldest first. */
  readonly differences: readonly Difference[];
  /** The records of the zone's file as it was loaded, as a run. */
  readonly source?: Uint8Array | undefined;
  /** Whether the zone is signed here, or may be. */
  readonly isSigner: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Plain data. */
export interface Restored {
  /** undefined: the stored data make no zone. */
  readonly image: Uint8Array | undefined;
  /** The change from the file as it was loaded to the zone; without records that signing makes, where the zone is signed here. */
  readonly overlay: RunPair | undefined;
}

export function restoreZone({ apex, base, differences, source, isSigner, now }: StoredBase): Restored {
  const options: LoadOptions = { now, dnssecCheck: () => 'off' };
  const first = 'image' in base ? base.image : loadRun(apex, base.run, options).image;
  const whole = sum(differences);
  const image = first && whole ? applyDifference(first, whole, options).image : first;
  const file = source && loadRun(apex, source, options).image;
  const overlay = image && file && recordsBetween(file, image);
  return { image, overlay: overlay && isSigner ? contentOf(apex, overlay) : overlay };
}

/** A chain of differences as one; halves are added up, so that no record is copied more often than there are halvings. */
function sum(differences: readonly Difference[]): Difference | undefined {
  const [only] = differences;
  if (differences.length <= 1) return only;
  const middle = differences.length >> 1;
  const [first, second] = [sum(differences.slice(0, middle)), sum(differences.slice(middle))];
  return first && second && compose(first, second);
}
