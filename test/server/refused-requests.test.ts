import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { nameFromText } from '../../src/protocol/name.js';
import type { RequestTsig } from '../../src/protocol/tsig/tsig.js';
import { TsigError } from '../../src/protocol/tsig/tsig-record.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { RefusedRequests } from '../../src/server/refused-requests.js';
import { FakeClock } from '../support/clock.js';

const NOW = 1_795_000_000;
const ZONE = nameFromText('zone.test.');
const ADDRESS = Uint8Array.of(192, 0, 2, 7);
const [KEY] = configuredKeys(
  configSchema.parse({ tsig: [{ name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0' }] }),
);

function open(clock = new FakeClock()) {
  const logged: string[] = [];
  const refused = new RefusedRequests(
    {
      info: (_: object, text: string) => void logged.push(text),
      warn: (_: object, text: string) => void logged.push(`warn: ${text}`),
    },
    clock,
  );
  return { logged, clock, refused };
}

function tsig(verdict: RequestTsig['verdict'], change: Partial<RequestTsig> = {}, time = NOW): RequestTsig {
  const fields = { at: 0, fudge: 300, mac: new Uint8Array(16), originalId: 1, error: 0, other: new Uint8Array() };
  const names = { name: nameFromText('key.test.'), algorithm: nameFromText('hmac-sha512.') };
  return { record: { ...fields, ...names, time }, key: KEY, verdict, ...change };
}

describe('the log about a request that is refused for who sent it', () => {
  it.each([
    [
      'a key of another name',
      tsig(TsigError.BADKEY, { key: undefined }),
      'no key of `tsig` is called key.test. (BADKEY)',
    ],
    [
      'another algorithm',
      tsig(TsigError.BADKEY),
      'key key.test. is for hmac-sha256 here, and for hmac-sha512 there (BADKEY)',
    ],
    ['another secret', tsig(TsigError.BADSIG), 'the secret of key key.test. is another one here (BADSIG)'],
    [
      'a clock that is ahead',
      tsig(TsigError.BADTIME, {}, NOW + 400),
      "its clock is ahead of this server's by more than 300 s: set the wrong one (BADTIME)",
    ],
    ['a short MAC', tsig(TsigError.BADTRUNC), 'its MAC with key key.test. is shorter than `tsig` allows (BADTRUNC)'],
  ])('names %s', (_, signature, reason) => {
    const { logged, refused } = open();
    refused.signature(ZONE, { address: ADDRESS }, signature, NOW);
    expect(logged).toEqual([`warn: refused a signed request of 192.0.2.7 for zone.test.: ${reason}`]);
  });

  it('names the client, its key and the list that it is not in', () => {
    const { logged, refused } = open();
    refused.transfer(ZONE, { address: ADDRESS, key: undefined }, '');
    refused.transfer(ZONE, { address: ADDRESS, key: KEY }, 'over TLS only');
    expect(logged).toEqual([
      'refused the transfer of zone zone.test. to 192.0.2.7, not signed: no remote in `transfer.to` of its policy has this address, key and certificate',
      'refused the transfer of zone zone.test. to 192.0.2.7, signed with key key.test.: over TLS only',
    ]);
  });

  it('says the same once an hour', () => {
    const { logged, clock, refused } = open();
    const ask = (): void => refused.transfer(ZONE, { address: ADDRESS, key: undefined }, '');
    for (let i = 0; i < 1000; i++) ask();
    expect(logged).toHaveLength(1);
    clock.advance(3_600_000);
    ask();
    expect(logged).toHaveLength(2);
  });

  it('is bounded, whoever sends them, and says so', () => {
    const { logged, refused } = open();
    for (let i = 0; i < 256; i++) refused.transfer(ZONE, { address: Uint8Array.of(10, 0, 0, i), key: undefined }, '');
    expect(logged).toHaveLength(51);
    expect(logged.at(-1)).toMatch(/^warn: 50 requests were refused .* for an hour$/);
  });
});
