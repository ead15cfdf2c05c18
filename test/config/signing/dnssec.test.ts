import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { configSchema } from '../../../src/config/schema.js';
import { durationText } from '../../../src/config/signing/duration-text.js';
import { mistakes } from '../mistakes.js';

const STATE = 'state: { folder: state }\n';
const policy = (text: string): unknown =>
  parseConfig(`${STATE}remotes: [{ name: p, addresses: [192.0.2.1] }]\ndnssec: { policies: { x: {${text}} } }`, 'f')
    .dnssec.policies.x;

describe('durations', () => {
  it.each([
    ['14d', 1_209_600],
    ['2w', 1_209_600],
    ['1d12h', 129_600],
    ['90m', 5400],
    ['3600s', 3600],
    ['7200', 7200],
    ['"7200s"', 7200],
  ])('%s are %i seconds', (text, seconds) => {
    expect(policy(`validity: ${text}`)).toMatchObject({ validity: seconds });
  });

  it.each(['"14"', '14 days', '1h1d', 'd', '""', '-1', '1.5d', '59s', '366d', '99999999999d', 'true', 'unlimited'])(
    '%s is refused, with what was expected',
    (text) => {
      const [line, ...others] = mistakes(`dnssec: { policies: { x: { validity: ${text} } } }`);
      expect(line).toMatch(
        /^adotd.yaml:1:\d+: dnssec\.policies\.x\.validity: found .*expected 1m to 365d: text such as 14d/,
      );
      expect(others).toEqual([]);
    },
  );

  it.each([
    [0, '0'],
    [59, '59s'],
    [5400, '1h30m'],
    [1_209_600, '14d'],
  ])('%i seconds are %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});

describe('policies of signing', () => {
  it('have a default for every key', () => {
    expect(policy('')).toEqual({
      algorithm: 13,
      keys: 'csk',
      csk_lifetime: 'unlimited',
      ksk_lifetime: 'unlimited',
      zsk_lifetime: 7_776_000,
      validity: 1_209_600,
      multi_signer: [],
      nsec3: false,
      cds: 'on',
      parent: [],
      dnskey_ttl: 3600,
      ds_ttl: 86_400,
      propagation: 3600,
      parent_propagation: 3600,
    });
  });

  it.each([
    ['13', 13],
    ['ed25519', 15],
    ['ED448', 16],
    ['"8"', 8],
    ['RSASHA256', 8],
    ['ECDSAP384SHA384', 14],
  ])('take algorithm %s', (text, algorithm) => {
    expect(policy(`algorithm: ${text}`)).toMatchObject({ algorithm });
  });

  it('are what they are when they are read once more', () => {
    const config = parseConfig(
      `${STATE}dnssec: { policies: { x: { algorithm: ED25519, refresh: 3d, zsk_lifetime: unlimited, nsec3: {} } } }`,
      'f',
    );
    expect(configSchema.parse(config)).toEqual(config);
    expect(config.dnssec.policies.x).toMatchObject({ nsec3: { opt_out: false }, refresh: 259_200 });
  });
});

const ZONES = (text: string): string => `zones: { policies: [${text}] }`;

describe('mistakes of signing', () => {
  it.each<[text: string, ...wanted: string[]]>([
    [
      'dnssec: { policies: { x: { algorithm: RSASHA1 } } }',
      'dnssec.policies.x.algorithm: found "RSASHA1", expected RSASHA256, ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448, or the number of one of them',
    ],
    [
      'dnssec: { policies: { x: { algorithm: 10 } } }',
      'dnssec.policies.x.algorithm: found 10, expected RSASHA256, ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448, or the number of one of them',
    ],
    [
      'dnssec: { policies: { x: { algoritm: 13 } } }',
      'dnssec.policies.x.algoritm: unknown key; did you mean algorithm?',
    ],
    [
      'dnssec: { policies: { x: { nsec3: { optout: true } } } }',
      'dnssec.policies.x.nsec3.optout: unknown key; did you mean opt_out?',
    ],
    [
      'dnssec: { policies: { x: { nsec3: true } } }',
      'dnssec.policies.x.nsec3: found true, expected false, or a map such as { opt_out: false }',
    ],
    [
      'dnssec: { policies: { off: {} } }',
      'dnssec.policies.off: found {}, expected another name: off stands for no signing',
    ],
    [
      'dnssec: { policies: { "a b": {} } }',
      'dnssec.policies.a b: found {}, expected at most 63 letters, digits, dots, hyphens and underscores',
    ],
    ['dnssec: { policies: { x: { keys: zsk } } }', 'dnssec.policies.x.keys: found "zsk", expected csk or ksk+zsk'],
    [
      'dnssec: { policies: { x: { validity: 5d, refresh: 5d } } }',
      'dnssec.policies.x.refresh: found "5d", expected less than the 5d of `validity`',
    ],
    [
      'dnssec: { policies: { x: { refresh: 10d, jitter: 5d } } }',
      'dnssec.policies.x.jitter: found "5d", expected at most 4d: `validity` less `refresh`',
    ],
    [
      'dnssec: { policies: { x: { keys: ksk+zsk, ksk_lifetime: 1d, zsk_lifetime: 1h } } }',
      'dnssec.policies.x.ksk_lifetime: found "1d", expected more than 1d3h: a roll takes as long as that at least',
      'dnssec.policies.x.zsk_lifetime: found "1h", expected more than 2h: a roll takes as long as that at least',
    ],
    [
      'dnssec: { policies: { x: { parent: [p] } } }',
      'dnssec.policies.x.parent[0]: found "p", expected the name of an entry of `remotes`',
    ],
    [
      'tsig: [{ name: k., secret: c2VjcmV0 }]\nremotes: [{ name: parents, key: k. }]\ndnssec: { policies: { x: { parent: [parents, paretns] } } }',
      'dnssec.policies.x.parent[0]: found "parents", expected a remote with addresses: this one is asked, not only asks',
      'dnssec.policies.x.parent[1]: found "paretns", expected the name of an entry of `remotes`; did you mean parents?',
    ],
    [
      ZONES('{ zones: [a], dnssec: default }'),
      'zones.policies[0].dnssec: found "default", expected `state` as well: the server has to remember what it serves',
    ],
    [
      `${STATE}dnssec: { policies: { strong: {} } }\n${ZONES('{ zones: [a], dnssec: stong }, { zones: [b], dnssec: of }, { zones: [c], dnssec: rather-other }')}`,
      'zones.policies[0].dnssec: found "stong", expected a name in `dnssec.policies`, default or off; did you mean strong?',
      'zones.policies[1].dnssec: found "of", expected a name in `dnssec.policies`, default or off; did you mean off?',
      'zones.policies[2].dnssec: found "rather-other", expected a name in `dnssec.policies`, default or off',
    ],
    [
      `${STATE}${ZONES('{ zones: [a], dnssec: default, serial: keep }')}`,
      'zones.policies[0].serial: found "keep", expected increment, unixtime or date beside `dnssec`: a zone that is signed anew needs a later serial',
    ],
    [
      `${STATE}${ZONES('{ groups: [g], dnssec: stong }')}`,
      'zones.policies[0].dnssec: found "stong", expected a name in `dnssec.policies`, default or off',
    ],
    [
      `${STATE}remotes: [{ name: p, addresses: [192.0.2.1] }]
zones:
  secondary: [{ zones: [a, b.b], from: [p] }]
  catalogs: [{ zone: c, from: [p] }]
  policies: [{ zones: [a], dnssec: default }, { default: true, dnssec: default, catalog: d }, { zones: [b.b] }]`,
      'zones.catalogs[0].zone: found "c", expected no `dnssec` for a catalog zone, which nobody validates: give it a policy of its own without `dnssec`',
      'zones.policies[1].catalog: found "d", expected no `dnssec` for a catalog zone, which nobody validates: give it a policy of its own without `dnssec`',
    ],
  ])('are told for %j', (text, ...wanted) => {
    expect(mistakes(text).map((line) => line.replace(/^adotd\.yaml:\d+:\d+: /, ''))).toEqual(wanted);
  });

  it.each([
    `${STATE}${ZONES('{ default: true, dnssec: default }')}`,
    ZONES('{ default: true, dnssec: off }'),
    `${STATE}dnssec: { policies: { default: { algorithm: ED25519 }, x: { refresh: 13d } } }\n${ZONES('{ zones: [a], dnssec: x, serial: date }')}`,
    'dnssec: { policies: { unused: { validity: 5m, dnskey_ttl: 1, ds_ttl: 1, propagation: 0, parent_propagation: 0, csk_lifetime: 1m } } }',
  ])('are none in %j', (text) => {
    expect(mistakes(text)).toEqual([]);
  });
});
