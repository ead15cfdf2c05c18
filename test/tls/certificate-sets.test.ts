import { describe, expect, it } from 'vitest';
import { certificateSets } from '../../src/tls/certificate-sets.js';

interface Named {
  readonly id: string;
  readonly keyType: string;
  readonly names: readonly string[];
}

/** `kind name name …`, such as `rsa a.test *.b.test`; its identity is the text. */
const certificate = (text: string): Named => {
  const [keyType = '', ...names] = text.split(' ');
  return { id: text, keyType, names };
};
const sets = (first: string, ...others: readonly string[]) => {
  const found = certificateSets([certificate(first), ...others.map(certificate)]);
  const ids = (set: readonly Named[] | undefined) => set?.map(({ id }) => id);
  return {
    fallback: ids(found.fallback),
    find: (name: string) => ids(found.find(name)),
    count: found.all.length,
    unserved: found.unserved.map(({ certificate: { id }, instead }) => [id, instead.id]),
  };
};

describe('the certificates of a name', () => {
  it('are the first one of each kind of key', () => {
    const { fallback, find, unserved, count } = sets('rsa a.test', 'ec a.test', 'ec a.test b.test', 'rsa a.test');
    expect(find('a.test')).toEqual(['rsa a.test', 'ec a.test']);
    expect(find('A.Test.')).toEqual(['rsa a.test', 'ec a.test']);
    expect(find('b.test')).toEqual(['ec a.test b.test']);
    expect(find('c.test')).toBeUndefined();
    expect(fallback).toEqual(['rsa a.test', 'ec a.test']);
    expect(unserved).toEqual([['rsa a.test', 'rsa a.test']]);
    expect(count).toBe(2);
  });

  it('have the exact name rather than a wildcard, kind by kind', () => {
    const { find } = sets('rsa ns.a.test', 'ec *.a.test', 'rsa *.a.test');
    expect(find('ns.a.test')).toEqual(['rsa ns.a.test', 'ec *.a.test']);
    expect(find('other.a.test')).toEqual(['ec *.a.test', 'rsa *.a.test']);
    expect(find('a.b.a.test')).toBeUndefined();
  });

  it('without a known name are the first, and those of other kinds that share a name or an address with it', () => {
    expect(sets('ec a.test 192.0.2.1', 'rsa b.test', 'rsa 192.0.2.1', 'ed25519 b.test').fallback).toEqual([
      'ec a.test 192.0.2.1',
      'rsa 192.0.2.1',
    ]);
    expect(sets('ec').fallback).toEqual(['ec']);
  });

  it('are never those whose names others have, which is said', () => {
    expect(sets('ec a.test b.test', 'ec a.test', 'ec b.test c.test', 'ec').unserved).toEqual([
      ['ec a.test', 'ec a.test b.test'],
      ['ec', 'ec a.test b.test'],
    ]);
  });
});
