/** Makes the policies of the signer and of the rollover from the keys of `dnssec` in adotd.yaml. */
import type { Config } from '../../config/schema.js';
import { type DnssecConfig, dnssecPolicyNamed, signatureTimes, UNSIGNED } from '../../config/signing/dnssec.js';
import type { WantedKey } from '../../dnssec/rollover/rollover-policy.js';
import { DEFAULT_SIGNING_POLICY } from '../../dnssec/signing/signing-policy.js';
import type { DnssecPolicy } from './dnssec-policy.js';

/** The result takes the value of `dnssec` in a policy of zones: a name, `off`, or nothing. Each policy is made once. */
export function dnssecPolicies({ dnssec }: Pick<Config, 'dnssec'>): (name?: string) => DnssecPolicy | undefined {
  const made = new Map<string, DnssecPolicy | undefined>();
  return (name = UNSIGNED) => {
    if (name === UNSIGNED) return undefined;
    if (!made.has(name)) {
      const config = dnssecPolicyNamed(dnssec, name);
      made.set(name, config && policyOf(name, config));
    }
    return made.get(name);
  };
}

function policyOf(name: string, config: DnssecConfig): DnssecPolicy {
  const { nsec3, dnskey_ttl: keyTtl, ds_ttl: dsTtl, propagation, parent_propagation: parentPropagation } = config;
  const { inceptionOffset } = DEFAULT_SIGNING_POLICY;
  return {
    name,
    signing: {
      ...signatureTimes(config),
      nsec3: nsec3 === false ? undefined : { optOut: nsec3.opt_out },
      inceptionOffset,
      keyTtl,
    },
    rollover: {
      keys: wantedKeys(config),
      keyTtl,
      dsTtl,
      propagation,
      parentPropagation,
      isParentAsked: config.parent.length > 0,
      hasOtherSigners: config.multi_signer.length > 0,
    },
    hasCds: config.cds === 'on',
    parent: config.parent,
    signers: config.multi_signer,
  };
}

function wantedKeys({ algorithm, rsa_bits: bits, keys, ...lifetimes }: DnssecConfig): WantedKey[] {
  const wanted = (role: WantedKey['role'], lifetime: number | 'unlimited'): WantedKey => {
    const kind = { role, algorithm, ...(bits !== undefined && { bits }) };
    return { ...kind, lifetime: lifetime === 'unlimited' ? undefined : lifetime };
  };
  if (keys === 'csk') return [wanted('csk', lifetimes.csk_lifetime)];
  return [wanted('ksk', lifetimes.ksk_lifetime), wanted('zsk', lifetimes.zsk_lifetime)];
}
