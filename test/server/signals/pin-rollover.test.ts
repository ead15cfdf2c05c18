import { describe, expect, it } from 'vitest';
import { SEED } from '../../support/seed.js';
import { certificate, RolloverWorld } from './rollover-world.js';

/** Seconds of one TTL in these worlds. */
const TTL = 10;

/** A world in which the record of key a has been out for long. */
async function settled(secondaries = 0): Promise<RolloverWorld> {
  const world = new RolloverWorld([certificate('a')], secondaries);
  await world.pass(3);
  for (const one of world.secondaries) one.serial = world.serial;
  expect(await world.pass(5 * TTL)).toEqual([]);
  expect([world.keys, world.records]).toEqual(['a', 'a']);
  return world;
}

/** Seconds until it is so, at most a thousand; nothing may be refused meanwhile. */
async function until(world: RolloverWorld, isSo: () => boolean): Promise<number> {
  for (let seconds = 0; seconds < 1000; seconds++) {
    if (isSo()) return seconds;
    expect(await world.pass(1)).toEqual([]);
  }
  throw new Error(`still ${world.keys} with records ${world.records}`);
}

function change(world: RolloverWorld, ...letters: string[]): void {
  world.files = letters.map((letter) => certificate(letter));
  world.load();
}

describe('a certificate with another key', () => {
  it('is served two TTLs after its record is out, and the record before leaves two TTLs later', async () => {
    const world = await settled();
    change(world, 'b');
    expect(world.keys).toBe('a');
    const published = await until(world, () => world.records === 'ab');
    expect(published).toBeLessThanOrEqual(2);
    const wait = await until(world, () => world.keys === 'b');
    expect(wait).toBeGreaterThanOrEqual(2 * TTL);
    expect(wait).toBeLessThanOrEqual(2 * TTL + 5);
    const stay = await until(world, () => world.records === 'b');
    expect(stay).toBeGreaterThanOrEqual(2 * TTL);
    expect(stay).toBeLessThanOrEqual(2 * TTL + 5);
    expect(await world.pass(100)).toEqual([]);
    expect([world.signals.waits(), world.rollover.nextAt(), world.signals.problems]).toEqual([[], undefined, []]);
  });

  it('waits for the slowest secondary, and says for which', async () => {
    const world = await settled(2);
    const [fast, slow] = world.secondaries;
    slow!.isSilent = true;
    change(world, 'b');
    await until(world, () => world.records === 'ab');
    fast!.serial = world.serial;
    expect(await world.pass(500)).toEqual([]);
    expect(world.keys).toBe('a');
    const waits = () => world.signals.waits().map(({ waitsFor, behind }) => ({ waitsFor, behind }));
    expect(waits()).toEqual([{ waitsFor: 'secondaries', behind: ['s1: no answer'] }]);
    slow!.isSilent = false;
    expect(await world.pass(100)).toEqual([]);
    expect(waits()).toEqual([{ waitsFor: 'secondaries', behind: [`s1: serial ${world.serial - 1}`] }]);
    slow!.serial = world.serial;
    await until(world, () => waits()[0]?.waitsFor === 'time');
    expect(await until(world, () => world.keys === 'b')).toBeGreaterThanOrEqual(2 * TTL - 1);
  });

  it('comes at no other moment when the server starts anew, whenever that is', async () => {
    for (let moment = 0; moment <= 4 * TTL + 12; moment++) {
      const world = await settled(1);
      change(world, 'b');
      const follow = async (seconds: number): Promise<void> => {
        for (let i = 0; i < seconds; i++) {
          expect(await world.pass(1)).toEqual([]);
          world.secondaries[0]!.serial = world.serial;
        }
      };
      await follow(moment);
      await world.stop();
      world.start();
      await follow(5 * TTL + 20);
      expect([moment, world.keys, world.records]).toEqual([moment, 'b', 'b']);
    }
  });

  it('is itself replaced before it was served: its record goes, and the wait begins anew', async () => {
    const world = await settled();
    change(world, 'b');
    await until(world, () => world.records === 'ab');
    expect(await world.pass(TTL)).toEqual([]);
    change(world, 'c');
    await until(world, () => world.records.includes('c'));
    expect(await until(world, () => world.keys === 'c')).toBeGreaterThanOrEqual(2 * TTL - 2);
    await until(world, () => world.records === 'c');
  });

  it('is served at once, with an alert, when the one before has expired', async () => {
    const world = await settled();
    world.files = [certificate('a', world.clock.seconds() + 15)];
    world.load();
    change(world, 'b');
    expect(world.keys).toBe('a');
    world.clock.advance(16_000);
    world.load();
    expect(world.keys).toBe('b');
    expect(world.signals.problems).toEqual([expect.stringContaining('before its TLSA record is known everywhere')]);
    await world.pass(6 * TTL);
    expect([world.signals.problems, world.records]).toEqual([[], 'b']);
  });

  it('is served at once when others know the key before, whose record goes at once', async () => {
    const world = await settled();
    change(world, 'b');
    await until(world, () => world.records === 'ab');
    expect(await world.signals.switchNow()).toHaveLength(1);
    expect(world.keys).toBe('b');
    await world.pass(3);
    expect(world.records).toBe('b');
    await world.stop();
    world.start();
    expect(world.keys).toBe('b');
  });

  it('has the records of other kinds of keys beside it, and waits beside them', async () => {
    const world = await settled();
    const rsa = certificate('r', 10_000_000, 'b', 'rsa');
    world.files = [certificate('a'), rsa];
    world.load();
    expect(world.keys).toBe('a');
    await until(world, () => world.keys === 'ar');
    world.files = [certificate('b'), rsa];
    world.load();
    await until(world, () => world.keys === 'br');
    await until(world, () => world.records === 'br');
  });

  it('comes by other files: what was served before is served until then', async () => {
    const world = await settled();
    world.files = [certificate('b', 10_000_000, 'new')];
    world.load();
    expect(world.keys).toBe('a');
    await world.stop();
    world.start();
    expect(world.keys).toBe('a');
    await until(world, () => world.keys === 'b');
    await until(world, () => world.records === 'b');
  });

  it('waits until nobody knows of records any more, when those are not wanted any more', async () => {
    const world = await settled();
    world.tlsa = 'off';
    world.configure();
    change(world, 'b');
    expect(world.keys).toBe('a');
    await until(world, () => world.records === '');
    expect(await until(world, () => world.keys === 'b')).toBeGreaterThanOrEqual(2 * TTL - 2);
    await until(world, () => world.rollover.names().length === 0);
  });

  it('waits for the longest TTL that records had', async () => {
    const world = await settled();
    world.ttl = 2;
    world.configure();
    change(world, 'b');
    await until(world, () => world.records === 'ab');
    expect(await until(world, () => world.keys === 'b')).toBeGreaterThanOrEqual(2 * TTL - 2);
    await until(world, () => world.records === 'b');
  });

  it('is never one that a resolver could refuse, whatever happens', async () => {
    let state = SEED;
    const random = (count: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % count;
    };
    for (let round = 0; round < 20; round++) {
      const world = await settled(2);
      for (let second = 0; second < 300; second++) {
        if (random(40) === 0) change(world, 'abcdefgh'[random(8)]!);
        if (random(60) === 0) {
          await world.stop();
          world.start();
        }
        for (const one of world.secondaries) {
          if (random(8) === 0) one.serial = world.serial;
          if (random(30) === 0) one.isSilent = !one.isSilent;
        }
        expect([SEED, round, await world.pass(1)]).toEqual([SEED, round, []]);
      }
    }
  });
});
