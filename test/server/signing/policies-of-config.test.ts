import { expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { DEFAULT_SIGNING_POLICY } from '../../../src/dnssec/signing/signing-policy.js';
import type { DnssecPolicy } from '../../../src/server/signing/dnssec-policy.js';
import { signingWishes } from '../../../src/server/signing/signing-wish.js';
import { zonePolicyOf } from '../../../src/server/zone-policy.js';

const config = parseConfig(
  `state: { folder: state }
remotes: [{ name: above, addresses: [192.0.2.1] }]
dnssec:
  policies:
    full:
      algorithm: ED25519
      keys: ksk+zsk
      ksk_lifetime: 365d
      validity: 28d
      refresh: 20d
      jitter: 1d
      nsec3: { opt_out: true }
      cds: off
      parent: [above]
      dnskey_ttl: 2h
      ds_ttl: 1h
      propagation: 10m
      parent_propagation: 5m
zones:
  policies:
    - { zones: [plain.test, other.test], dnssec: default }
    - { zones: [full.test], dnssec: full, serial: unixtime }
    - { zones: [off.test, '*.off.test'], dnssec: off }
    - { default: true, dnssec: off }
`,
  'adotd.yaml',
);

it('the policy of a zone says how it is signed', () => {
  const policyOf = zonePolicyOf(config);
  const { dnssec, serial } = policyOf('plain.test.');
  expect(serial).toBe('increment');
  expect(dnssec).toEqual({
    name: 'default',
    signing: DEFAULT_SIGNING_POLICY,
    rollover: {
      keys: [{ role: 'csk', algorithm: 13, lifetime: undefined }],
      keyTtl: 3600,
      dsTtl: 86_400,
      propagation: 3600,
      parentPropagation: 3600,
      isParentAsked: false,
      hasOtherSigners: false,
    },
    hasCds: true,
    parent: [],
    signers: [],
  } satisfies DnssecPolicy);
  expect(policyOf('other.test.').dnssec).toBe(dnssec);
  expect(policyOf('full.test.')).toMatchObject({
    serial: 'unixtime',
    dnssec: {
      name: 'full',
      signing: {
        nsec3: { optOut: true },
        validity: 2_419_200,
        refresh: 1_728_000,
        jitter: 86_400,
        inceptionOffset: 3600,
        keyTtl: 7200,
      },
      rollover: {
        keys: [
          { role: 'ksk', algorithm: 15, lifetime: 31_536_000 },
          { role: 'zsk', algorithm: 15, lifetime: 7_776_000 },
        ],
        keyTtl: 7200,
        dsTtl: 3600,
        propagation: 600,
        parentPropagation: 300,
        isParentAsked: true,
      },
      hasCds: false,
      parent: ['above'],
    },
  });
  for (const zone of ['off.test.', 'without.test.'])
    expect(policyOf(zone)).toMatchObject({ dnssec: undefined, serial: 'keep' });
});

it('keys of RSA have a size, others have none', () => {
  const keysOf = (policy: string) =>
    zonePolicyOf(
      parseConfig(
        `state: { folder: state }
dnssec: { policies: { p: { ${policy} } } }
zones: { policies: [{ zones: [a.test], dnssec: p }] }
`,
        'adotd.yaml',
      ),
    )('a.test.').dnssec?.rollover.keys;
  expect(keysOf('algorithm: 8')).toEqual([{ role: 'csk', algorithm: 8, lifetime: undefined }]);
  expect(keysOf('algorithm: 8, rsa_bits: 3072')).toEqual([
    { role: 'csk', algorithm: 8, bits: 3072, lifetime: undefined },
  ]);
  for (const bits of ['1023', '4097', '2048.5', 'large'])
    expect(() => keysOf(`algorithm: RSASHA256, rsa_bits: ${bits}`)).toThrow(
      /rsa_bits: found \S+, expected 1024 to 4096/,
    );
  expect(() => keysOf('rsa_bits: 2048')).toThrow(
    'expected none for algorithm 13 (ECDSAP256SHA256), whose keys have one size',
  );
});

it('only a policy that names a zone itself makes it unsigned: what a mistyped name falls back to does not', () => {
  const wishOf = signingWishes(config);
  const asked = (zone: string) => [wishOf(zone).dnssec?.name, wishOf(zone).isOff];
  expect(asked('plain.test.')).toEqual(['default', false]);
  expect(asked('off.test.')).toEqual([undefined, true]);
  expect(asked('a.off.test.')).toEqual([undefined, false]);
  expect(asked('without.test.')).toEqual([undefined, false]);
});
