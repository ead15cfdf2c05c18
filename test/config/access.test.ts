import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { mistakes } from './mistakes.js';

describe('access lists and policies of zones', () => {
  it('are empty unless given', () => {
    expect(parseConfig('', 'adotd.yaml')).toMatchObject({
      access: {},
      zones: { policies: [] },
      rate_limit: { mode: 'off' },
    });
  });

  it.each([
    ['access: { allow: [192.0.2.0/24, "2001:db8::/32", 127.0.0.1], deny: [192.0.2.128/25, "::/0"] }', []],
    ['access: { allow: [] }', ['adotd.yaml:1:18: access.allow: found [], expected at least 1 entry']],
    [
      'access: { deny: [192.0.2.1/24] }',
      [
        'adotd.yaml:1:18: access.deny[0]: found "192.0.2.1/24", it has bits behind the prefix; expected 192.0.2.0/24, or an address alone',
      ],
    ],
    [
      'access: { deny: ["::ffff:192.0.2.0/120"] }',
      ['adotd.yaml:1:18: access.deny[0]: found "::ffff:192.0.2.0/120", expected it as IPv4: 192.0.2.0/24'],
    ],
    [
      'access: { deny: [example.test] }',
      ['adotd.yaml:1:18: access.deny[0]: found "example.test", expected an address, or address/length'],
    ],
    [
      'access: { allow: [192.0.2.0/24, "2001:DB8::/32"], deny: ["2001:db8:0::/32"] }',
      ['adotd.yaml:1:58: access.deny[0]: found "2001:db8:0::/32", expected a prefix that is not allowed too'],
    ],
    ['access: { alow: [192.0.2.1] }', ['adotd.yaml:1:11: access.alow: unknown key; did you mean allow?']],
    ['zones: { policies: [{ zones: [A.test, b.test.], require: tls }, { zones: [c.test] }] }', []],
    [
      'zones: { policies: [{ zones: [a.test] }, { zones: [b.test, A.TEST.] }] }',
      ['adotd.yaml:1:60: zones.policies[1].zones[1]: found "A.TEST.", expected each zone in one policy, once'],
    ],
    [
      'zones: { policies: [{ zones: [a..test] }] }',
      ['adotd.yaml:1:31: zones.policies[0].zones[0]: found "a..test", expected a domain name'],
    ],
    [
      'zones: { policies: [{ require: tls }] }',
      ['adotd.yaml:1:21: zones.policies[0].zones: missing; expected names of zones, groups, or default: true'],
    ],
    [
      'zones: { policies: [{ zones: [a.test], require: TLS }] }',
      ['adotd.yaml:1:49: zones.policies[0].require: found "TLS", expected tls'],
    ],
    [
      'zones: { policies: [{ zones: [a.test], acess: {} }] }',
      ['adotd.yaml:1:40: zones.policies[0].acess: unknown key; did you mean access?'],
    ],
    [
      'tls: { enabled: false }\nzones: { policies: [{ zones: [a.test], require: tls }] }',
      [
        'adotd.yaml:2:49: zones.policies[0].require: found "tls", expected tls.enabled: true as well; without TLS these zones are never answered',
      ],
    ],
    ['rate_limit: { mode: on, exempt: [10.0.0.0/8] }', []],
    [
      'rate_limit: { mode: on, exempt: [10.0.0.1/8] }',
      [
        'adotd.yaml:1:34: rate_limit.exempt[0]: found "10.0.0.1/8", it has bits behind the prefix; expected 10.0.0.0/8, or an address alone',
      ],
    ],
    ['rate_limit: { mode: yes }', ['adotd.yaml:1:21: rate_limit.mode: found "yes", expected off or log or on']],
  ])('%s', (text, wanted) => {
    expect(mistakes(text)).toEqual(wanted);
  });
});
