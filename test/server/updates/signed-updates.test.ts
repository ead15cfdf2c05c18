import { describe, expect, it } from 'vitest';
import { Rcode } from '../../../src/protocol/iana.js';
import { remotesOf } from '../../../src/server/remotes.js';
import { UpdateHandler } from '../../../src/server/updates/update-handler.js';
import { updateMessage, type WireUpdate, ZONE } from '../../transfer/update/update-case.js';
import { contentLines, FakeSigners } from '../zones/fake-signers.js';
import { KeeperBench } from '../zones/keeper-support.js';
import { CONFIG, requestOf } from './update-requests.js';

/** A server's keeper with a zone that is signed here, and what answers UPDATE. */
async function setUp(nsec3?: { optOut: boolean }) {
  const signers = new FakeSigners();
  signers.zones.add('example.');
  signers.policy = { ...signers.policy, nsec3 };
  const bench = new KeeperBench(undefined, signers);
  bench.clock.now = 1_780_000_000_000;
  bench.policies.set('example.', { serial: 'increment' });
  await bench.load({ example: `${ZONE.join('\n')}\n` });
  const said: string[] = [];
  const say = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`);
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const handler = new UpdateHandler(CONFIG, { keeper: bench.keeper, log, remotes: remotesOf(CONFIG) });
  const send = (update: WireUpdate) => handler.handle(requestOf(updateMessage(update), 'all.'), () => true);
  const text = () => String(bench.answered('example.'));
  const mistakes = () => signers.mistakes('example', text(), bench.clock.seconds());
  return { bench, signers, send, text, mistakes, said };
}

describe('UPDATE of a zone that is signed here', () => {
  it.each([undefined, { optOut: false }, { optOut: true }])('is signed, whatever it changes: %j', async (nsec3) => {
    const { send, text, mistakes } = await setUp(nsec3);
    const updates = [
      ['_acme-challenge 60 IN TXT "token"'],
      ['a.b.c 60 IN A 192.0.2.9', 'alias 0 ANY CNAME'],
      // All RRsets of a name, and of the apex: what signing makes stays.
      ['www 0 ANY ANY', '@ 0 ANY ANY'],
      ['redirect 0 ANY ANY', 'deep.ent 0 ANY ANY', 'ent 60 IN DNAME www.example.'],
    ];
    for (const changes of updates) {
      expect(await send({ changes }), changes.join()).toEqual({ rcode: Rcode.NOERROR });
      expect(mistakes(), changes.join()).toEqual([]);
    }
    expect(contentLines(text()).filter((line) => /^(www|alias|redirect)\./.test(line))).toEqual([]);
    expect(text()).toMatch(/^example\. 3600 IN DNSKEY /m);
    expect(text()).not.toMatch(/^www\.example\. /m);
  });

  it('is judged on the content: names and RRsets that signing makes are not there', async () => {
    const { send } = await setUp();
    expect(await send({ prerequisites: ['ns1 0 NONE NSEC', 'www 0 ANY TXT'] })).toEqual({ rcode: Rcode.NOERROR });
    await send({ changes: ['www 0 ANY ANY'] });
    expect(await send({ prerequisites: ['www 0 NONE ANY'] })).toEqual({ rcode: Rcode.NOERROR });
  });

  it.each([
    '@ 60 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==',
    '@ 60 IN CDS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000',
    'www 60 IN NSEC x.example. A',
  ])('that brings what signing makes is REFUSED: %s', async (change) => {
    const { send, text, said } = await setUp();
    const before = text();
    expect(await send({ changes: [change] })).toMatchObject({ rcode: Rcode.REFUSED });
    expect(text()).toBe(before);
    expect(said.at(-1)).toMatch(/^warn: zone example\.: UPDATE of .* answered REFUSED/);
  });

  it.each(['plan', 'key'] as const)('that cannot be signed is SERVFAIL, and changes nothing: %s', async (failure) => {
    const { send, signers, text, mistakes, said, bench } = await setUp();
    const before = text();
    const serial = bench.keeper.get('example.')?.serial;
    signers.failure = failure;
    expect(await send({ changes: ['x 60 IN A 192.0.2.9'] })).toMatchObject({
      rcode: Rcode.SERVFAIL,
      text: 'the change could not be signed; nothing is changed',
    });
    expect([text(), bench.keeper.get('example.')?.serial]).toEqual([before, serial]);
    expect(said.at(-1)).toMatch(/^error: zone example\.: UPDATE of .* answered SERVFAIL, nothing is changed: /);
    signers.failure = undefined;
    expect(await send({ changes: ['x 60 IN A 192.0.2.9'] })).toEqual({ rcode: Rcode.NOERROR });
    expect(mistakes()).toEqual([]);
  });
});
