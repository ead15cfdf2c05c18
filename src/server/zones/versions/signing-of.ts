/** The settings for signing a version, by the plan of the keys' owner. */
import { imageFacts } from '../../../image/image-facts.js';
import type { SigningPlan } from '../../signing/zone-signers.js';
import type { Signing } from '../jobs/apply-change.js';

/** Asks for the plan of a zone's next version; undefined: it is not signed. Rejects as ZoneSigners.plan() does. */
export type AskPlan = (content: Uint8Array) => Promise<SigningPlan | undefined>;

/**
 * The work of signing a change of `older`, which is signed by the plan `before`, or not signed here. `extent`: more than
 * the change is signed.
 */
export function signingOf(
  plan: SigningPlan | undefined,
  older: Uint8Array,
  before: string | undefined,
  extent?: 'renewal' | 'anew',
): Signing | undefined {
  if (plan === undefined) return undefined;
  const { id, keys, policy } = plan;
  const isSigned = before !== undefined && imageFacts(older).signed;
  if (!isSigned && keys.zoneSigners.length > 0) return { keys, policy, extent: 'content' };
  return { keys, policy, extent: extent ?? (id !== before ? 'renewal' : 'change') };
}
