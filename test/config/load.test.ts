import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeIssues } from '../../src/config/issues.js';
import { parseConfig, readConfig } from '../../src/config/load.js';
import { configSchema, defaultConfig } from '../../src/config/schema.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { mistakes } from './mistakes.js';

describe('the configuration file', () => {
  it('may be empty: everything has a default', () => {
    expect(parseConfig('', 'adotd.yaml')).toEqual(defaultConfig());
    expect(defaultConfig()).toMatchObject({ listen: ['127.0.0.1'], port: 53, udp: { payload: 1232 } });
  });

  it('sets what it names and leaves the rest', () => {
    const config = parseConfig('port: 5300\nsessions:\n  max: 50\ncookies: { mode: off }\nworkers: 2\n', 'adotd.yaml');
    expect(config).toMatchObject({
      port: 5300,
      sessions: { max: 50, idle_timeout: 10 },
      cookies: { mode: 'off' },
      workers: 2,
    });
  });

  it('spells addresses as the system does', () => {
    const { listen } = parseConfig('listen: ["2001:DB8:0:0::1", "fe80:0::1%eth0", 0.0.0.0]', 'adotd.yaml');
    expect(listen).toEqual(['2001:db8::1', 'fe80::1%eth0', '0.0.0.0']);
    expect(parseConfig('listen: [0.0.0.0, "0::0"]', 'adotd.yaml').listen).toEqual(['0.0.0.0', '::']);
  });

  it.each([
    ['223.255.255.255', '224.0.0.0'],
    ['240.0.0.0', '239.255.255.255'],
    ['22.4.0.0', '225.0.0.1'],
    ['fe00::1', 'ff00::'],
    ['ff::1', 'ffff::1'],
    ['fe7f::1', 'fe80::'],
    ['fec0::1', 'febf::1'],
  ])('takes %s, which is beside the addresses of several hosts or of a link, and not %s', (taken, refused) => {
    expect(parseConfig(`listen: ["${taken}"]`, 'f').listen).toEqual([taken]);
    expect(() => parseConfig(`listen: ["${refused}"]`, 'f')).toThrow(/expected (?:an address of one host|its network)/);
  });

  it.each([
    ['prot: 53', ['adotd.yaml:1:1: prot: unknown key; did you mean port?']],
    [
      'port: 99999\nsessions:\n  max: x\n  idel_timeout: 3',
      [
        'adotd.yaml:1:7: port: found 99999, expected at most 65535',
        'adotd.yaml:3:8: sessions.max: found "x", expected a number',
        'adotd.yaml:4:3: sessions.idel_timeout: unknown key; did you mean idle_timeout?',
      ],
    ],
    [
      'sessions: { max_per_lisener: 5 }',
      ['adotd.yaml:1:13: sessions.max_per_lisener: unknown key; did you mean max_per_client?'],
    ],
    ['listen: 1.2.3.4', ['adotd.yaml:1:9: listen: found "1.2.3.4", expected a list']],
    ['listen: [1.2.3.400]', ['adotd.yaml:1:10: listen[0]: found "1.2.3.400", expected an IPv4 or IPv6 address']],
    ['listen: ["::1", "::1"]', ['adotd.yaml:1:9: listen: found ["::1","::1"], expected each address once']],
    ['listen: ["::", "0:0::0"]', ['adotd.yaml:1:9: listen: found ["::","0:0::0"], expected each address once']],
    [
      'listen: ["::FFFF:c000:0201"]',
      ['adotd.yaml:1:10: listen[0]: found "::FFFF:c000:0201", expected the IPv4 address in it'],
    ],
    [
      'listen: [0.0.0.0, "0::0", 127.0.0.1, "::1"]',
      [
        'adotd.yaml:1:27: listen[2]: found "127.0.0.1", expected no other IPv4 address beside "0.0.0.0", which stands for all',
        'adotd.yaml:1:38: listen[3]: found "::1", expected no other IPv6 address beside "::", which stands for all',
      ],
    ],
    [
      'listen: ["fe80::1", "fF02::1", 224.0.0.1, 255.255.255.255]',
      [
        'adotd.yaml:1:10: listen[0]: found "fe80::1", expected its network interface as well, as in "fe80::1%eth0"',
        'adotd.yaml:1:21: listen[1]: found "fF02::1", expected an address of one host, no multicast or broadcast',
        'adotd.yaml:1:32: listen[2]: found "224.0.0.1", expected an address of one host, no multicast or broadcast',
        'adotd.yaml:1:43: listen[3]: found "255.255.255.255", expected an address of one host, no multicast or broadcast',
      ],
    ],
    [
      'workers: 2\nport: 5300\ntls_port: 5300',
      ['adotd.yaml:3:11: tls_port: found 5300, expected another port than `port`: DNS over TLS needs one of its own'],
    ],
    [
      'port: 853',
      ['adotd.yaml:1:7: port: found 853, expected another port than `tls_port`: DNS over TLS needs one of its own'],
    ],
    [
      'metrics: {listen: 53}',
      ['adotd.yaml:1:19: metrics.listen: found 53, expected another port than `port`, or another address'],
    ],
    [
      'listen: [0.0.0.0]\nmetrics: {listen: 853}',
      ['adotd.yaml:2:19: metrics.listen: found 853, expected another port than `tls_port`, or another address'],
    ],
    [
      'listen: ["::1"]\nmetrics: {listen: "[0::0]:53"}',
      ['adotd.yaml:2:19: metrics.listen: found "[0::0]:53", expected another port than `port`, or another address'],
    ],
    [
      'sessions: {idle_timeout: 4, idle_timeout_min: 5}',
      ['adotd.yaml:1:26: sessions.idle_timeout: found 4, expected at least the 5 of idle_timeout_min'],
    ],
    ['workers: many', ['adotd.yaml:1:10: workers: found "many", expected auto, embedded or a number from 1 to 256']],
    ['- 1', ['adotd.yaml:1:1: found [1], expected a map of keys and values']],
    [
      'zones:\n  files:\n    - nam: x',
      [
        'adotd.yaml:3:7: zones.files[0].file: missing; expected text',
        'adotd.yaml:3:7: zones.files[0].nam: unknown key; did you mean name?',
      ],
    ],
    [
      'zones: {files: [{file: x, name: a..b}]}',
      ['adotd.yaml:1:33: zones.files[0].name: found "a..b", expected a domain name'],
    ],
    ['any:  maximal', ['adotd.yaml:1:7: any: found "maximal", expected minimal or full']],
    ['port: 1.5', ['adotd.yaml:1:7: port: found 1.5, expected a whole number']],
    ['strict: 1', ['adotd.yaml:1:9: strict: found 1, expected true or false']],
    ['udp:', ['adotd.yaml:1:5: udp: found null, expected a map of keys and values']],
    ['cookies: {secrets: [abc]}', ['adotd.yaml:1:21: cookies.secrets[0]: found "abc", expected 32 hexadecimal digits']],
    [
      'cookies: {secrets: [12345678901234567890123456789012]}',
      ['adotd.yaml:1:21: cookies.secrets[0]: found 1.2345678901234567e+31, expected text: put it in quotes'],
    ],
    [
      'port: 53\nlisten: &l\n  - *l',
      ['adotd.yaml:3:5: *l: found an alias within what it stands for; expected a value that ends'],
    ],
    [
      'zones: &a { files: [{ file: *a }], folder: *a }',
      [
        'adotd.yaml:1:29: *a: found an alias within what it stands for; expected a value that ends',
        'adotd.yaml:1:44: *a: found an alias within what it stands for; expected a value that ends',
      ],
    ],
    ['a: 1\na: 2', ['adotd.yaml:2:1: not YAML: found this key for the second time; expected each key once']],
  ])('says for %j where, what was found and what was expected', (text, wanted) => {
    expect(mistakes(text)).toEqual(wanted);
  });

  it.each(['a: [', '\tport: 1', '"', 'a: *nothing', 'a: &x [*x]', '%YAML 9\n---\na', '{'])(
    'says of %j that it is no YAML, or what is unknown',
    (text) => {
      expect(mistakes(text).length).toBeGreaterThan(0);
      for (const line of mistakes(text)) expect(line).toMatch(/^adotd\.yaml:\d+:\d+: /);
    },
  );

  it.each([
    'tls: {enabled: false}\nport: 853',
    'port: 0\ntls_port: 0',
    'listen: ["::1"]\nmetrics: {listen: 53}',
    'listen: [192.0.2.1]\nmetrics: {listen: 53}',
    'metrics: {listen: 0}',
  ])('takes addresses and ports that are not in each other’s way: %j', (text) => {
    expect(mistakes(text)).toEqual([]);
  });

  it.each([
    'starttls: { record_per_message: true }',
    'starttls: { record_per_message: false, strict: true }',
    'starttls: {\n record_per_message: nonsense }',
  ])('goes on without a key that was removed, and warns: %j', (text) => {
    const warnings: string[] = [];
    const config = parseConfig(text, 'adotd.yaml', (warning) => warnings.push(formatDiagnostic(warning)));
    const place = text.includes('\n') ? '2:2' : '1:13';
    expect(warnings).toEqual([
      `adotd.yaml:${place}: warning: starttls.record_per_message: found a key that was removed: each message now has a TLS record of its own, on every TLS session; take the key out`,
    ]);
    expect(config.starttls).toEqual({ ...defaultConfig().starttls, strict: text.includes('strict') });
  });

  it.each([
    [
      'starttls: { strict: 1, record_per_message: true }',
      ['adotd.yaml:1:21: starttls.strict: found 1, expected true or false'],
    ],
    [
      'starttls: [record_per_message]',
      ['adotd.yaml:1:11: starttls: found ["record_per_message"], expected a map of keys and values'],
    ],
    ['sessions: { record_per_message: true }', [expect.stringContaining('sessions.record_per_message: unknown key')]],
  ])('takes no other mistake for a removed key: %j', (text, wanted) => {
    expect(mistakes(text)).toEqual(wanted);
  });

  it('goes on without sessions.max_per_listener, and names what limits connections now', () => {
    const warnings: string[] = [];
    parseConfig('sessions: { max_per_listener: 5 }', 'adotd.yaml', ({ message }) => warnings.push(message));
    expect(warnings).toEqual([
      'sessions.max_per_listener: found a key that was removed: sessions.max limits all connections, and sessions.max_per_client those of one client; take the key out',
    ]);
  });

  it('says to a program that gives a removed key what became of it', () => {
    const value = { starttls: { record_per_message: true } };
    const text = describeIssues(configSchema.safeParse(value).error?.issues ?? [], value).message;
    expect(text).toMatch(/^starttls\.record_per_message: found a key that was removed: .*; take the key out$/);
  });

  it('shrinks the idle timeout to no more than it is', () => {
    const { sessions } = parseConfig('sessions: {idle_timeout: 1}', 'adotd.yaml');
    expect(sessions).toMatchObject({ idle_timeout: 1, idle_timeout_min: 1 });
    expect(defaultConfig().sessions).toMatchObject({ idle_timeout: 10, idle_timeout_min: 2 });
  });

  it('says of a value that is no JSON what it is', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const [port, shown] of [
      [circle, '<ref *1> [ [Circular *1] ]'],
      [5n, '5n'],
    ]) {
      const value = { port };
      const { error } = configSchema.safeParse(value);
      const text = describeIssues(error?.issues ?? [], value).message;
      expect(text).toBe(`port: found ${shown}, expected a number`);
    }
  });

  it('takes paths as relative to the file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
    const file = join(folder, 'adotd.yaml');
    writeFileSync(
      file,
      'zones: { folder: z, files: [{ file: a/b.zone }, { file: /c.zone }] }\ncookies: { secret_file: s }\n',
    );
    expect(readConfig(file)).toMatchObject({
      zones: { folder: join(folder, 'z'), files: [{ file: join(folder, 'a/b.zone') }, { file: '/c.zone' }] },
      cookies: { secret_file: join(folder, 's') },
    });
    rmSync(folder, { recursive: true });
  });

  it('says why a file cannot be read', () => {
    expect(() => readConfig('/nonexistent/adotd.yaml')).toThrow(
      'cannot read /nonexistent/adotd.yaml: no such file or directory',
    );
  });
});
