/** The DNSSEC checks that the configuration wants of loaded zones: of their signatures, and of zones that are signed here. */
import { policyChoice } from '../../config/policy-choice.js';
import type { Config } from '../../config/schema.js';
import type { DnssecChecks } from '../zones/load-zone.js';
import type { SigningLimits } from './file-mistakes.js';
import { dnssecPolicies } from './policies-of-config.js';

export function dnssecChecksOf(config: Pick<Config, 'zones' | 'dnssec'>): DnssecChecks {
  const { policies, dnssec_check: otherwise } = config.zones;
  const checks = policies.map(({ dnssec_check: check }) => check);
  const dnssecPolicy = dnssecPolicies(config);
  const signing = policies.map(({ dnssec: name, transfer }): SigningLimits | undefined => {
    const policy = dnssecPolicy(name);
    if (policy === undefined) return undefined;
    const { signing: times, signers } = policy;
    const hasOtherSigners = signers.length > 0;
    return { policy: policy.name, refresh: times.refresh, hasSecondaries: transfer !== undefined, hasOtherSigners };
  });
  return { otherwise, policies: { choice: policyChoice(policies), checks, signing } };
}
