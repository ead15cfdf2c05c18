import { describe, expect, it } from 'vitest';
import { ServerNames } from '../../src/tls/sni.js';

describe('server names', () => {
  it('are found exactly, then by a wildcard for one label, letter case and final dot apart', () => {
    const names = new ServerNames<string>();
    names.add(['ns.a.test', '*.a.test', '192.0.2.1'], 'first');
    names.add(['ns.a.test', 'ns.b.test', 'x.a.test'], 'second');
    expect(names.find('ns.a.test')).toBe('first');
    expect(names.find('NS.B.test.')).toBe('second');
    expect(names.find('x.a.test')).toBe('second');
    expect(names.find('y.a.test')).toBe('first');
    for (const none of ['a.test', 'z.y.a.test', '.a.test', '', '.', '192.0.2.1', '*', 'test']) {
      expect(names.find(none), none).toBeUndefined();
    }
  });
});
