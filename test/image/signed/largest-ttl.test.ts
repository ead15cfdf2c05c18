import { describe, expect, it } from 'vitest';
import { imageFacts } from '../../../src/image/image-facts.js';
import { loadText } from '../../answer/support.js';
import { seedOr } from '../../support/seed.js';
import { largestTtl } from './largest-ttl.js';
import { SignedVersions } from './signed-versions.js';

const SOA = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\n';
const ttlOf = (text: string): number => imageFacts(loadText('example', text).image).largestTtl;

describe('the largest TTL of a zone', () => {
  it('is that of any record, glue and occluded ones too', () => {
    expect(ttlOf(`${SOA}ns 60 A 192.0.2.1\n`)).toBe(60);
    expect(ttlOf(`${SOA}ns 60 A 192.0.2.1\nx 600 A 192.0.2.1\n`)).toBe(600);
    expect(ttlOf(`${SOA}ns 60 A 192.0.2.1\nsub 60 NS ns.sub\nns.sub 900 A 192.0.2.2\nx.y.z 60 A 192.0.2.3\n`)).toBe(
      900,
    );
    expect(ttlOf(`${SOA}ns 60 A 192.0.2.1\n@ 2147483647 MX 0 ns\n`)).toBe(2147483647);
  });

  it('does not count the records of the signer, which have TTLs of their own', () => {
    const key =
      '@ 86400 DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n';
    expect(ttlOf(`${SOA}ns 60 A 192.0.2.1\n${key}`)).toBe(60);
  });

  it('is in the header what a look at all nodes finds, signed with NSEC and NSEC3, after changes too', () => {
    const first = seedOr(0);
    for (let seed = first; seed < first + 4; seed++) {
      const versions = new SignedVersions(seed);
      for (let i = 0; i < 3; i++) {
        const { image } = versions.next();
        const { largestTtl: largest } = imageFacts(image);
        expect(largest, `seed ${seed}, change ${i}`).toBe(largestTtl(image));
      }
    }
  });
});
