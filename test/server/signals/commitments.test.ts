import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { type BrokenCommitment, brokenCommitments } from '../../../src/server/signals/broken-commitments.js';
import { type Commitment, Commitments, storedCommitments } from '../../../src/server/signals/commitments.js';
import { FakeClock } from '../../support/clock.js';
import { certificate, RolloverWorld } from './rollover-world.js';

const TTL = 10;
const NAME = 'ns.a.test.';

async function settled(secondaries = 0): Promise<RolloverWorld> {
  const world = new RolloverWorld([certificate('a')], secondaries);
  await world.pass(3);
  for (const one of world.secondaries) one.serial = world.serial;
  await world.pass(5);
  return world;
}

describe('what signals promise', () => {
  it('is remembered while records are there, and until two TTLs after all secondaries have lost them', async () => {
    const world = await settled(1);
    const promise = { name: NAME, zone: 'a.test.', port: 853, lasts: 2 * TTL, until: undefined };
    expect(world.signals.commitments).toEqual([promise]);
    world.tlsa = 'off';
    world.configure();
    await world.pass(500);
    expect(world.signals.commitments).toEqual([promise]);
    await world.stop();
    world.start();
    world.secondaries[0]!.serial = world.serial;
    let seconds = 0;
    while (world.signals.commitments[0]?.until === undefined && seconds++ < 100) await world.pass(1);
    const { until } = world.signals.commitments[0]!;
    expect(until).toBe(world.clock.seconds() + 1 + 2 * TTL);
    await world.pass(2 * TTL);
    expect(world.signals.commitments).toHaveLength(1);
    await world.pass(1);
    expect(world.signals.commitments).toEqual([]);
  });

  it('ends when its zone is no zone of the server any more, and so does the wait for a key', async () => {
    const world = await settled();
    world.isRemoved = true;
    world.files = [certificate('b')];
    world.load();
    await world.pass(5);
    expect(world.keys).toBe('a');
    await world.pass(3 * TTL);
    expect([world.keys, world.signals.commitments, world.signals.waits()]).toEqual(['b', [], []]);
  });

  it('is left out where it cannot be read, with an error', async () => {
    const values = new Map([
      ['ns.a.test.', Buffer.from('[{"zone":1}]')],
      ['ns.b.test.', Buffer.from('[{"zone":"b.test.","port":853,"ttl":10}]')],
    ]);
    const errors: string[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => void errors.push(text) };
    const table = {
      keys: () => [...values.keys()],
      get: (key: string) => values.get(key),
      put: async () => undefined,
      remove: async () => undefined,
    };
    const expected = [{ name: 'ns.b.test.', zone: 'b.test.', port: 853, lasts: 20, until: undefined }];
    expect(new Commitments(table, new FakeClock(), log).standing).toEqual(expected);
    expect(errors).toEqual([
      expect.stringContaining('what signals of DNS over TLS promise for ns.a.test. cannot be read'),
    ]);
    expect(storedCommitments(values, 0)).toEqual(expected);
  });
});

describe('a configuration breaks what signals promise', () => {
  const config = (text: object) => configSchema.parse({ state: { folder: '/a' }, ...text });
  const standing: Commitment = { name: NAME, zone: 'a.test.', port: 853, lasts: 20, until: undefined };
  const keys = (found: readonly BrokenCommitment[]): string[] => found.map(({ key }) => key.join('.'));

  it.each([
    { text: {}, broken: [] },
    { text: { tls: { enabled: false } }, broken: ['tls.enabled'] },
    { text: { tls_port: 8853 }, broken: ['tls_port'] },
    { text: { tls_port: 8853, signals: { port: 853 } }, broken: [] },
    { text: { tls_port: 853, signals: { port: 8853 } }, broken: ['signals.port'] },
    // Which port that is knows the running server only.
    { text: { tls_port: 0 }, broken: [] },
    { text: { state: { folder: '/b' } }, broken: ['state.folder'] },
  ])('$text: $broken', ({ text, broken }) => {
    expect(keys(brokenCommitments(config(text), [standing], config({})))).toEqual(broken);
  });

  it('says until when that is out there', () => {
    const off = config({ tls: { enabled: false } });
    const [now, later] = brokenCommitments(off, [standing, { ...standing, until: 1_800_000_000 }]);
    expect(now!.message).toBe(
      'records promise that ns.a.test. speaks DNS over TLS on port 853, and nameservers still have them: take signals out of the policy of a.test. and reload; caches have them for 20 s more, and then this can be changed; --force goes on',
    );
    expect(later!.message).toBe(
      'records promise that ns.a.test. speaks DNS over TLS on port 853, and caches may have them until 2027-01-15T08:00:00Z; --force goes on',
    );
  });
});
