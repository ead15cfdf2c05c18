import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { Type } from '../../src/protocol/iana.js';
import { configuredZones } from '../../src/server/policies.js';
import { type EffectivePolicy, type UpdateClient, zonePolicyOf } from '../../src/server/zone-policy.js';

const config = parseConfig(
  `state: { folder: state }
tsig: [{ name: Acme.test, secret: c2VjcmV0 }]
remotes: [{ name: second, addresses: [127.0.0.2] }]
zones:
  secondary: [{ zones: [From.test], from: [second] }]
  catalogs: [{ zone: consumed.test, from: [second] }]
  policies:
    - zones: ["*.example.test"]
      transfer: { to: [second], require: tls }
      notify: [ns, second]
      catalog: Catalog.test
      catalog_group: eu
      zonemd: remove
    - zones: [a.example.test]
      serial: unixtime
      update:
        - key: acme.TEST
          allow: [{ name: _acme-challenge.a.example.test, types: [TXT, type65534] }, { subdomain: Dyn.example.test }, { self: true }]
        - { remote: second, allow: [{ subdomain: a.example.test }] }
    - { groups: [special], catalog: special.test }
    - { zones: [dyn.test], update: [{ remote: second, allow: [{ name: x.dyn.test }] }] }
    - { default: true, notify: [second] }
`,
  'adotd.yaml',
);

describe('what policies say about a zone and other nameservers', () => {
  const policyOf = zonePolicyOf(config);

  it('is nothing without a policy', () => {
    const none = zonePolicyOf(parseConfig('', 'adotd.yaml'))('a.test.');
    expect(none).toEqual({
      transfer: { to: [], requireTls: false },
      notify: { remotes: [], nameservers: false },
      update: [],
      catalog: undefined,
      serial: 'keep',
      zonemd: 'auto',
      signals: { tlsa: false, svcb: false },
      dnssec: undefined,
    } satisfies EffectivePolicy);
  });

  it('is that of one policy as a whole: its name, a pattern, or the default', () => {
    expect(policyOf('b.example.test.')).toEqual({
      transfer: { to: ['second'], requireTls: true },
      notify: { remotes: ['second'], nameservers: true },
      update: [],
      catalog: { zone: 'catalog.test.', group: 'eu', owner: undefined },
      serial: 'keep',
      zonemd: 'remove',
      signals: { tlsa: false, svcb: false },
      dnssec: undefined,
    } satisfies EffectivePolicy);
    expect(policyOf('other.').notify).toEqual({ remotes: ['second'], nameservers: false });
    expect(policyOf('c.example.test.')).toBe(policyOf('b.example.test.'));
  });

  it('has names as keys, and types as numbers', () => {
    const [byKey, byRemote]: readonly UpdateClient[] = policyOf('a.example.test.').update;
    expect(byKey).toEqual({
      key: 'acme.test.',
      remote: undefined,
      allow: [
        { match: 'name', name: '_acme-challenge.a.example.test.', types: new Set([Type.TXT, 65534]) },
        { match: 'subdomain', name: 'dyn.example.test.', types: undefined },
        { match: 'self', name: 'acme.test.', types: undefined },
      ],
    });
    expect([byRemote?.key, byRemote?.remote]).toEqual([undefined, 'second']);
  });

  it('lifts the serial where clients change a zone, unless it says how', () => {
    expect(policyOf('dyn.test.').serial).toBe('increment');
  });
});

it('zones in no file are those of secondaries and of catalogs, consumed and made here', () => {
  expect(configuredZones(config)).toEqual(['from.test.', 'consumed.test.', 'catalog.test.', 'special.test.']);
});
