import { describe, expect, it } from 'vitest';
import { load } from '../../src/image/load.js';
import { Type } from '../../src/protocol/iana.js';
import { nameFromText } from '../../src/protocol/name.js';
import { nameserversOf, rrsetsOfType } from '../../src/zone/nameservers.js';

const ZONE = `$TTL 60
@ SOA ns h 1 2 3 4 5
@ NS NS
@ NS ns.Other.test.
d NS ns.d
ns A 192.0.2.1
ns.d A 192.0.2.2
_853._tcp.NS TLSA 3 1 1 0102
_853._tcp.NS TLSA 3 1 1 0304
`;

describe('what a zone says of its servers', () => {
  const { rrsets } = load({ file: 'a', bytes: Buffer.from(ZONE), origin: nameFromText('a.test') }, { now: 0 });

  it('are the names of the NS records at its apex, in lower case', () => {
    expect(nameserversOf(rrsets, nameFromText('a.test'))).toEqual(['ns.a.test.', 'ns.other.test.']);
    expect(nameserversOf(rrsets, nameFromText('ns.a.test'))).toEqual([]);
    expect(nameserversOf(rrsets, nameFromText('none.test'))).toEqual([]);
  });

  it('are RRsets of a type, by owner', () => {
    expect(rrsetsOfType(rrsets, Type.TLSA)).toEqual([
      { owner: '_853._tcp.ns.a.test.', rdatas: [Uint8Array.of(3, 1, 1, 1, 2), Uint8Array.of(3, 1, 1, 3, 4)] },
    ]);
    expect(rrsetsOfType(rrsets, Type.MX)).toEqual([]);
  });
});
