import { describe, expect, it } from 'vitest';
import { alternativeNames, certifiableName, MAX_NAMES } from '../../src/tls/alternative-names.js';

describe('the names of a self-signed certificate', () => {
  it('are DNS names in lower case, then addresses in their shortest form, each once', () => {
    const names = ['NS2.a.test.', 'ns1.a.test.', 'ns2.A.test.'];
    const addresses = ['192.0.2.1', '2001:DB8:0:0::1', '2001:db8::1'];
    expect(alternativeNames({ names, hostName: 'Host', addresses })).toEqual([
      'host',
      'ns1.a.test',
      'ns2.a.test',
      '192.0.2.1',
      '2001:db8::1',
    ]);
  });

  it('leave out what cannot stand in a certificate', () => {
    const odd = ['.', '*.a.test.', 'a\\.b.test.', 'a\\032b.test.', '192.0.2.1.', '-a.test.', 'a-.test.', ''];
    expect(odd.map(certifiableName)).toEqual(odd.map(() => undefined));
    expect(certifiableName('_ns.A-b.test.')).toBe('_ns.a-b.test');
    expect(certifiableName(`${'a'.repeat(63)}.test.`)).toBe(`${'a'.repeat(63)}.test`);
    expect(alternativeNames({ names: odd, addresses: ['0.0.0.0', '::', 'fe80::1%lo', 'nonsense'] })).toEqual([]);
  });

  it('are not more than fit two packets: those of the most zones, and always the host and some addresses', () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `ns${n}.test.`);
    const busy = Array.from({ length: 50 }, (_, n) => `zz${n}.test.`);
    const addresses = Array.from({ length: 200 }, (_, n) => `192.0.2.${n}`);
    const kept = alternativeNames({
      names: [...names, ...busy, ...busy],
      hostName: 'zzz.test',
      addresses: addresses.slice(0, 3),
    });
    expect(kept).toHaveLength(MAX_NAMES);
    for (const name of busy) expect(kept).toContain(name.slice(0, -1));
    for (const name of ['zzz.test', '192.0.2.0', '192.0.2.1', '192.0.2.2']) expect(kept).toContain(name);
    expect(alternativeNames({ names, addresses })).toHaveLength(MAX_NAMES);
    expect(alternativeNames({ names: [...names].reverse(), addresses })).toEqual(
      alternativeNames({ names, addresses }),
    );
  });
});
