import { expect, it } from 'vitest';
import { dsRdata } from '../../../../src/dnssec/keys/delegation-signer.js';
import { generateKey } from '../../../../src/dnssec/keys/signing-key.js';
import { nameFromText } from '../../../../src/protocol/name.js';
import { hasDs } from '../../../../src/server/signing/parent/parent-look.js';

const zone = nameFromText('a.test.');
const { dnskey } = generateKey(13, true);
const ds = dsRdata(dnskey, zone);
const changed = (at: number, by: number): Uint8Array => ds.map((octet, i) => (i === at ? octet ^ by : octet));
const DIGEST_TYPE = 3;

it.each([
  ['SHA-1', dsRdata(dnskey, zone, 1), true],
  ['SHA-256', ds, true],
  ['SHA-384', dsRdata(dnskey, zone, 4), true],
  ['another digest of SHA-256', changed(10, 1), false],
  ['a digest that is not known', changed(DIGEST_TYPE, 64), true],
  ['one that is not known, with another tag', changed(DIGEST_TYPE, 64).fill(1, 0, 2), false],
  ['one that is not known, with another algorithm', changed(DIGEST_TYPE, 64).fill(8, 2, 3), false],
  ['nothing', new Uint8Array(0), false],
] as const)('a DS record with %s', (_, rdata, isThere) => {
  expect(hasDs([rdata], dnskey, zone)).toBe(isThere);
});
