import { describe, expect, it } from 'vitest';
import { compareNames, nameFromText, nameKey, zoneKey } from '../../src/protocol/name.js';

describe('the key of a name', () => {
  it('is the same in any letter case, with and without the final dot', () => {
    expect(nameKey(nameFromText('Example.COM'))).toBe('example.com.');
    expect(['EXAMPLE.com', 'example.com.'].map(zoneKey)).toEqual(['example.com.', 'example.com.']);
    expect(zoneKey('.')).toBe('.');
  });

  it('has escapes in one form', () => {
    expect(zoneKey('\\069xample.\\C\\o\\109')).toBe('example.com.');
    expect(zoneKey('0\\0472.\\195\\164')).toBe('0/2.\\195\\164.');
  });

  it('keeps an escaped dot apart from the final one', () => {
    expect(zoneKey('example\\.')).toBe('example\\..');
    expect(zoneKey('example\\.')).not.toBe(zoneKey('example.'));
  });

  it('is refused with its A-labels where it has other characters than those of ASCII', () => {
    expect(() => nameFromText('www.bücher.test')).toThrow(
      '"www.bücher.test" is not a domain name: it has characters above 127; expected its A-labels, www.xn--bcher-kva.test',
    );
    expect(() => nameFromText('\u200b.test')).toThrow('it has characters above 127; expected its A-labels');
    expect(nameKey(nameFromText('\\195\\188.test'))).toBe('\\195\\188.test.');
  });

  it('is the text itself where that is no name', () => {
    expect(zoneKey('a..b')).toBe('a..b');
    expect(zoneKey('')).toBe('');
  });
});

describe('the canonical order of names', () => {
  it.each([0, 65_530, 65_536, 70_000])('does not depend on where they lie among octets: at octet %d', (at) => {
    const name = nameFromText('host-11513.example.test');
    const octets = new Uint8Array(at + name.length);
    octets.set(name, at);
    expect(compareNames(octets, at, name, 0)).toBe(0);
    expect(compareNames(name, 0, octets, at)).toBe(0);
    expect(compareNames(octets, at, nameFromText('host-11514.example.test'), 0)).toBeLessThan(0);
    expect(compareNames(octets, at, nameFromText('host-11513.x.example.test'), 0)).toBeLessThan(0);
  });
});
