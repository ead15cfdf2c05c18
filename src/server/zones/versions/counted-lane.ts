/** Counts the signatures of versions, and times the work. */
import type { SigningWork } from '../../../observe/metrics/signing-facts.js';
import type { ZoneSigners } from '../../signing/zone-signers.js';
import type { Signing } from '../jobs/apply-change.js';
import type { Lane } from '../jobs/loader-lane.js';

const WORKS: Readonly<Record<Signing['extent'], SigningWork>> = {
  content: 'whole',
  change: 'change',
  renewal: 'renewal',
  anew: 'whole',
};

/** A lane that tells `signers` of each version that it has signed. */
export function countedLane(lane: Lane, signers: Pick<ZoneSigners, 'signed'>): Lane {
  return {
    async run(job) {
      const began = performance.now();
      const result = await lane.run(job);
      if (job.kind === 'apply' && job.signing !== undefined && typeof result === 'object' && 'made' in result) {
        const seconds = (performance.now() - began) / 1000;
        signers.signed?.({ work: WORKS[job.signing.extent], signatures: result.made, seconds });
      }
      return result;
    },
  };
}
