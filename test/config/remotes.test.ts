import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { mistakes } from './mistakes.js';

const PIN = 'm3tkRhbVe1hMTm+ZlXPK8zkDsFFYFTcMAC0ABfOFzbQ=';
/** What the cases refer to: a key, and two remotes. */
const BASE = `state: { folder: state }
tsig: [{ name: k.test., secret: c2VjcmV0 }]
remotes: [{ name: one, addresses: [127.0.0.1] }, { name: asks, key: K.test }]
`;
afterEach(() => vi.unstubAllEnvs());

describe('remotes', () => {
  it.each([
    ['{ name: r, addresses: [192.0.2.1, "2001:db8::1", ns1.example.test], port: 5353 }', []],
    [`{ name: r, addresses: [::1], tls: { pins: ["${PIN}"], port: 8853, alpn: optional } }`, []],
    ['{ name: r, tls: { ca: ca.pem, name: ns.example.test, cert: c.pem, key_file: k.pem } }', []],
    ['{ name: r, addresses: [::1], source: [127.0.0.1, "::1"] }', []],
    ['{ name: r, addresses: [::1, ns1.example.test], source: ["::1"] }', []],
    ['{ name: r, addresses: ["fe80::1%lo"], source: ["::1"] }', []],
    [
      '{ name: r, addresses: [192.0.2.1], source: ["::1"] }',
      [
        'remotes[0].source: found ["::1"], expected an IPv4 address as well: without one, 192.0.2.1 would be asked from any address; or list it in a remote of its own',
      ],
    ],
    [
      '{ name: r, addresses: [192.0.2.1, "fe80::1%lo"], source: [127.0.0.1] }',
      [
        'remotes[0].source: found ["127.0.0.1"], expected an IPv6 address as well: without one, fe80::1%lo would be asked from any address; or list it in a remote of its own',
      ],
    ],
    ['{ name: r }', ['remotes[0]: found {"name":"r"}, expected addresses, key or tls; without them it can be anybody']],
    [
      '{ name: ns, addresses: [::1] }',
      ['remotes[0].name: found "ns", expected another name: ns stands for the NS records'],
    ],
    [
      '{ name: r, addresses: ["256.1.1.1"] }',
      ['remotes[0].addresses[0]: found "256.1.1.1", expected an IPv4 or IPv6 address, or the name of a host'],
    ],
    [
      '{ name: r, addresses: ["127.0.0.1@853"] }',
      [
        'remotes[0].addresses[0]: found "127.0.0.1@853", expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
      ],
    ],
    [
      '{ name: r, addresses: ["127.0.0.1:853"] }',
      [
        'remotes[0].addresses[0]: found "127.0.0.1:853", expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
      ],
    ],
    [
      '{ name: r, addresses: ["::1@53#ns.test"] }',
      [
        'remotes[0].addresses[0]: found "::1@53#ns.test", expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
      ],
    ],
    [
      '{ name: r, addresses: ["[::1]:53"] }',
      [
        'remotes[0].addresses[0]: found "[::1]:53", expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
      ],
    ],
    [
      '{ name: r, addresses: ["ns.test:53"] }',
      [
        'remotes[0].addresses[0]: found "ns.test:53", expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
      ],
    ],
    [
      '{ name: r, addresses: ["127.0.0.0/8"] }',
      [
        'remotes[0].addresses[0]: found "127.0.0.0/8", expected one address, not a prefix: list each address, or leave `addresses` out and give `key` or `tls`',
      ],
    ],
    [
      '{ name: r, addresses: ["ns 1.test"] }',
      ['remotes[0].addresses[0]: found "ns 1.test", expected an IPv4 or IPv6 address, or the name of a host'],
    ],
    [
      '{ name: r, addresses: [::1], source: ["::1", "::2"] }',
      ['remotes[0].source: found ["::1","::2"], expected one IPv4 and one IPv6 address'],
    ],
    [
      '{ name: r, addresses: [::1], tls: { ca: ca.pem } }',
      [
        'remotes[0].tls: found {"ca":"ca.pem"}, expected pins, or beside ca the name that its certificate has; without them it can be anybody',
      ],
    ],
    [
      '{ name: r, addresses: [::1], tls: { pins: ["AAAA"] } }',
      ['remotes[0].tls.pins[0]: found "AAAA", expected the base64 of a SHA-256 hash, as adotd keys prints it'],
    ],
    [
      '{ name: r, addresses: [::1], tls: { name: a.test, cert: c.pem } }',
      ['remotes[0].tls.cert: found "c.pem", expected key_file as well'],
    ],
    ['{ name: r, key: k.test }', ['remotes[0].key: found "k.test", expected the name of an entry of `tsig`']],
    [
      '{ name: r, addresses: [::1] }, { name: r, addresses: [::2] }',
      ['remotes[1].name: found "r", expected each name once'],
    ],
  ])('%s', (remotes, wanted) => {
    expect(mistakes(`remotes: [${remotes}]`).map((line) => line.replace(/^adotd.yaml:[0-9:]+ /, ''))).toEqual(wanted);
  });
});

describe('zones that live among other nameservers', () => {
  it.each([
    ['zones: { secondary: [{ zones: [a.test, b.test], from: [one] }], catalogs: [{ zone: c.test, from: [one] }] }', []],
    ['zones: { policies: [{ default: true, transfer: { to: [one, asks] }, notify: [one, ns], serial: date }] }', []],
    [
      'zones: { policies: [{ zones: [a.test], update: [{ key: k.test, allow: [{ self: true, types: [txt, TYPE65534] }] }] }] }',
      [],
    ],
    [
      'zones: { secondary: [{ zones: [a.test], from: [on] }] }',
      ['4:48: zones.secondary[0].from[0]: found "on", expected the name of an entry of `remotes`; did you mean one?'],
    ],
    [
      'zones: { secondary: [{ zones: [a.test], from: [asks] }] }',
      [
        '4:48: zones.secondary[0].from[0]: found "asks", expected a remote with addresses: this one is asked, not only asks',
      ],
    ],
    [
      'zones: { policies: [{ default: true, notify: [two], transfer: { to: [ns] } }] }',
      [
        '4:47: zones.policies[0].notify[0]: found "two", expected the name of an entry of `remotes`',
        '4:70: zones.policies[0].transfer.to[0]: found "ns", expected the name of an entry of `remotes`; did you mean one?',
      ],
    ],
    [
      'zones: { policies: [{ zones: [a.test], serial: keep, update: [{ remote: one, allow: [{ name: x.a.test }] }] }] }',
      [
        '4:48: zones.policies[0].serial: found "keep", expected increment, unixtime or date beside `update`: a changed zone needs a later serial',
      ],
    ],
    [
      'zones: { secondary: [{ zones: [A.test, a.test.], from: [one] }], files: [{ file: a.test.zone }] }',
      [
        '4:32: zones.secondary[0].zones[0]: found "A.test", expected each zone once: it is in `zones.files` too',
        '4:40: zones.secondary[0].zones[1]: found "a.test.", expected each zone once: it is in `zones.files` too',
      ],
    ],
    [
      'zones: { catalogs: [{ zone: c.test, from: [one] }], policies: [{ default: true, catalog: C.test }] }',
      [
        '4:90: zones.policies[0].catalog: found "C.test", expected a zone that the server makes: it is in `zones.catalogs`',
      ],
    ],
    [
      'zones: { policies: [{ zones: [c.test], catalog: C.test }] }',
      ['4:49: zones.policies[0].catalog: found "C.test", expected another zone: c.test would be a member of itself'],
    ],
    [
      'zones: { secondary: [{ zones: [a.test], from: [one] }], policies: [{ zones: [a.test], update: [{ key: k.test, allow: [{ subdomain: a.test }] }] }] }',
      [
        '4:78: zones.policies[0].zones[0]: found "a.test", expected no `update` for a zone that comes from a primary: send UPDATE to that',
      ],
    ],
    [
      'zones: { policies: [{ default: true, update: [{ key: k.test, remote: one, allow: [{ name: a.test, subdomain: a.test }] }] }] }',
      [
        '4:47: zones.policies[0].update[0]: found {"key":"k.test","remote":"one","allow":[{"name":"a.test",…, expected either key or remote',
        '4:83: zones.policies[0].update[0].allow[0]: found {"name":"a.test","subdomain":"a.test"}, expected one of name, subdomain and self',
      ],
    ],
    [
      'zones: { policies: [{ default: true, update: [{ remote: one, allow: [{ self: true, types: [ANY] }] }] }, { default: true, catalog_group: x }] }',
      [
        '4:78: zones.policies[0].update[0].allow[0].self: found true, expected name or subdomain: a remote has no name of its own',
        '4:92: zones.policies[0].update[0].allow[0].types[0]: found "ANY", expected a type of records, such as TXT or TYPE65534',
        '4:117: zones.policies[1].default: found true, expected one default policy',
        '4:138: zones.policies[1].catalog_group: found "x", expected catalog as well',
      ],
    ],
    [
      'zones: { policies: [{ groups: [x], catalog: c.test }, { groups: [y], zones: [a.test], access: { deny: ["::1"] }, dnssec_check: off }] }',
      [
        '4:128: zones.policies[1].dnssec_check: found "off", expected it in a policy without groups: members of catalogs come from a primary',
      ],
    ],
    [
      'tls: { enabled: false }\nzones: { policies: [{ default: true, transfer: { to: [one], require: tls } }] }',
      ['5:70: zones.policies[0].transfer.require: found "tls", expected tls.enabled: true as well: there is no TLS'],
    ],
    [
      'tls: { enabled: false }\ntransfer: { listen: [{ address: "::1", client_ca: a.pem }] }',
      ['4:17: tls.enabled: found false, expected true: the listeners of `transfer.listen` speak TLS'],
    ],
    [
      'listen: ["::"]\ntransfer: { listen: [{ address: "::1", client_ca: a.pem }, { address: 127.0.0.1, port: 853, client_ca: a.pem }] }',
      ['5:22: transfer.listen[0].port: missing; expected another port than `tls_port`, or another address'],
    ],
  ])('%s', (text, wanted) => {
    expect(mistakes(BASE + text)).toEqual(wanted.map((line) => `adotd.yaml:${line}`));
  });

  it('need a folder for their state where something has to be remembered', () => {
    const text = `${BASE.replace(/^state.*\n/, '')}zones:
  secondary: [{ zones: [a.test], from: [one] }]
  catalogs: [{ zone: c.test, from: [one] }]
  policies:
    - { zones: [b.test], update: [{ remote: one, allow: [{ name: x.b.test }] }], catalog: d.test }
    - { default: true, serial: unixtime, notify: [one], transfer: { to: [one] } }
`;
    const message = 'expected `state` as well: the server has to remember what it serves';
    expect(mistakes(text).map((line) => line.replace(/^[^ ]+ ([^ ]+) .*?, expected/, '$1 expected'))).toEqual(
      [
        'zones.secondary:',
        'zones.catalogs:',
        'zones.policies[0].update:',
        'zones.policies[0].catalog:',
        'zones.policies[1].serial:',
      ].map((path) => expect.stringMatching(new RegExp(`^${path.replace(/[[\].]/g, '\\$&')}.*${message}$`))),
    );
  });
});

describe('the state folder', () => {
  it('is that of the service manager when the configuration names none', () => {
    vi.stubEnv('STATE_DIRECTORY', '');
    expect(mistakes('state: {}')).toEqual([
      'adotd.yaml:1:8: state.folder: missing; expected a folder: $STATE_DIRECTORY, which is the default, is not set',
    ]);
    vi.stubEnv('STATE_DIRECTORY', '/var/lib/adotd:/var/lib/other');
    expect(parseConfig('state: {}', 'adotd.yaml').state?.folder).toBe('/var/lib/adotd');
    expect(parseConfig('state: { folder: mine }', 'adotd.yaml').state?.folder).toBe('mine');
    expect(parseConfig('', 'adotd.yaml').state).toBeUndefined();
  });
});
