import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { nameToText } from '../../src/protocol/name.js';
import { leaksOfZone, policyMistakes, tlsZones } from '../../src/server/policy-leaks.js';
import { loadText, zoneOf } from '../answer/support.js';

const policiesFor = (...zones: string[]) =>
  parseConfig(JSON.stringify({ zones: { policies: [{ zones, require: 'tls' }] } }), 'adotd.yaml').zones.policies;

/** `line: owner type`, of the records in a zone that leak from zones for TLS alone. */
function leaks(name: string, records: string, ...secret: string[]): string[] {
  const { list } = leaksOfZone(
    loadText(name, zoneOf(records)),
    tlsZones(policiesFor(...secret), ['x.hidden.test.', 'open.test.']),
    100,
  );
  expect(list.every(({ severity }) => severity === 'warning')).toBe(true);
  return list.map(({ line, message }) => `${line}: ${/^found (\S+ \S+),/.exec(message)?.[1]}`);
}

describe('records of a zone that requires TLS, in a zone above it', () => {
  it('are glue where there is a delegation: nothing else below it is ever sent', () => {
    const ds = `secret DS 1 13 2 ${'00'.repeat(32)}`;
    const records = `secret NS ns1.secret\nns1.secret A 192.0.2.1\nns1.secret AAAA ::1\n${ds}\nwww A 192.0.2.2`;
    expect(leaks('example.test', records, 'SECRET.example.test')).toEqual([
      '6: ns1.secret.example.test. A',
      '7: ns1.secret.example.test. AAAA',
    ]);
  });

  it('are glue also where the delegation is further up', () => {
    const records = 'sub NS ns.x.sub\nns.x.sub A 192.0.2.1';
    expect(leaks('example.test', records, 'x.sub.example.test')).toEqual(['6: ns.x.sub.example.test. A']);
  });

  it('are all that stand at or below it where there is no delegation', () => {
    const records =
      'secret TXT x\nwww.secret A 192.0.2.1\n*.a.secret MX 1 www\nsecrets A 192.0.2.2\nasecret A 192.0.2.3';
    expect(leaks('example.test', records, 'secret.example.test')).toEqual([
      '5: secret.example.test. TXT',
      '6: www.secret.example.test. A',
      '7: *.a.secret.example.test. MX',
    ]);
  });

  it('are none without glue, in the zone itself, in one that requires TLS too, beside it and below it', () => {
    expect(leaks('example.test', 'secret NS ns1.elsewhere.test.', 'secret.example.test')).toEqual([]);
    expect(leaks('example.test', 'www A 192.0.2.1', 'example.test')).toEqual([]);
    const records = 'b NS ns.b\nns.b A 192.0.2.1';
    expect(leaks('a.test', records, 'a.test', 'b.a.test')).toEqual([]);
    expect(leaks('c.test', records, 'b.a.test')).toEqual([]);
    expect(leaks('x.b.a.test', records, 'b.a.test')).toEqual([]);
  });

  it('are found from the root, and in names with dots and backslashes in their labels', () => {
    const root = zoneOf('a.test. NS ns.a.test.\nns.a.test. A 192.0.2.1')
      .replaceAll('ns1', 'ns1.')
      .replaceAll('hostmaster', 'h.');
    const { list } = leaksOfZone(loadText('.', root), tlsZones(policiesFor('a.test'), []), 100);
    expect(list.map(({ line }) => line)).toEqual([6]);
    expect(leaks('test', 'x\\.secret A 192.0.2.1', 'secret.test')).toEqual([]);
    expect(leaks('test', 'x\\\\.secret A 192.0.2.1', 'secret.test')).toEqual(['5: x\\\\.secret.test. A']);
  });

  it('are found below zones that a pattern names', () => {
    expect(leaks('test', 'a.x.hidden A 192.0.2.1\ny.hidden A 192.0.2.2', '*.hidden.test')).toEqual([
      '5: a.x.hidden.test. A',
    ]);
  });

  it('are listed up to a limit, and counted beyond it', () => {
    const text = zoneOf(Array.from({ length: 50 }, (_, i) => `n${i}.secret A 192.0.2.1`).join('\n'));
    const { list, warnings } = leaksOfZone(loadText('test', text), tlsZones(policiesFor('secret.test'), []), 5);
    expect([list.length, warnings]).toEqual([5, 50]);
  });
});

describe('mistakes of policies', () => {
  const place = (path: readonly PropertyKey[]) => ({ file: path.join('.'), line: 1, column: 1 });
  const mistakes = (zones: string[], served: string[]): string[] =>
    policyMistakes(policiesFor(...zones), new Set(served), place).map(
      ({ severity, file, message }) => `${severity} ${file} ${message}`,
    );

  it('are names that no zone has', () => {
    expect(mistakes(['exmaple.test', 'b.test'], ['example.test.', 'b.test.'])).toEqual([
      'error zones.policies.0.zones.0 zones.policies[0].zones[0]: no zone exmaple.test. is served; did you mean example.test.?',
    ]);
  });

  it('are zones in cleartext directly below one that requires TLS', () => {
    const served = ['a.test.', 'b.a.test.', 'c.b.a.test.', 'd.e.a.test.', 'ba.test.'];
    expect(mistakes(['a.test'], served)).toEqual([
      expect.stringMatching(/^warning .* but b\.a\.test\. below it is answered in cleartext/),
      expect.stringMatching(/^warning .* but d\.e\.a\.test\. below it/),
    ]);
    expect(mistakes(['a.test', 'B.a.test', 'c.b.a.test', 'd.e.a.test'], served)).toEqual([]);
    expect(mistakes(['*.a.test'], served)).toEqual([]);
    expect(mistakes(['*.b.a.test', 'a.test'], served)).toEqual([
      expect.stringMatching(/^warning zones\.policies\.0\.zones\.1 .* but b\.a\.test\. below it/),
      expect.stringMatching(/ but d\.e\.a\.test\. below it/),
    ]);
    expect(mistakes(['.'], ['.', nameToText(Uint8Array.of(4, 116, 101, 115, 116, 0))])).toHaveLength(1);
  });
});
