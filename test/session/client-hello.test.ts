import { describe, expect, it } from 'vitest';
import { judgeOpening, Opening } from '../../src/session/client-hello.js';

const judge = (...octets: number[]): number => judgeOpening(Uint8Array.from(octets), 0, octets.length);

describe('telling a ClientHello from DNS (step 4)', () => {
  it.each([
    [[]],
    [[22]],
    [[22, 3]],
    [[22, 3, 0]],
    [[22, 3, 4, 0]],
    [[22, 3, 1, 0x40]],
    [[22, 3, 1, 0x40, 0]],
    [[22, 3, 3, 0, 4]],
  ])('waits at %j', (octets) => {
    expect(judge(...octets)).toBe(Opening.UNDECIDED);
  });

  it.each([
    ['the shortest record', [22, 3, 0, 0, 4, 1]],
    ['the longest record', [22, 3, 4, 0x40, 0, 1]],
    ['a usual one, with more behind it', [22, 3, 1, 2, 0, 1, 0, 1, 252]],
  ])('takes %s for a ClientHello', (_what, octets) => {
    expect(judge(...octets)).toBe(Opening.CLIENT_HELLO);
  });

  it.each([
    ['another first octet', [0]],
    ['a message of 5,633 octets', [22, 1]],
    ['a later minor version', [22, 3, 5]],
    ['a record above the limit', [22, 3, 1, 0x40, 1]],
    ['a record far above the limit', [22, 3, 1, 0x41]],
    ['a record that is too short', [22, 3, 1, 0, 3]],
    ['a message of 5,635 octets: ID, then flags', [22, 3, 1, 0, 20, 0]],
    ['a ServerHello', [22, 3, 3, 0, 40, 2]],
  ])('takes %s for plaintext', (_what, octets) => {
    expect(judge(...octets)).toBe(Opening.PLAINTEXT);
  });
});
