import { describe, expect, it } from 'vitest';
import { Handles } from '../../../src/tls/openssl/handles.js';

interface Thing {
  readonly handle: number;
}

function put(handles: Handles<Thing>): Thing {
  const thing = { handle: handles.next() };
  handles.put(thing);
  return thing;
}

describe('handles', () => {
  it('name a thing until it is removed, and nothing afterwards, in whatever order', () => {
    const handles = new Handles<Thing>(40);
    const there = new Map<number, Thing>();
    const gone = new Set<number>();
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let i = 0; i < 20_000; i++) {
      if (there.size < 40 && random(2) === 0) {
        const thing = put(handles);
        expect(there.has(thing.handle)).toBe(false);
        there.set(thing.handle, thing);
        gone.delete(thing.handle);
      } else if (there.size > 0) {
        const thing = [...there.values()][random(there.size)] as Thing;
        handles.remove(thing);
        there.delete(thing.handle);
        gone.add(thing.handle);
      }
      expect(handles.count).toBe(there.size);
    }
    for (const [handle, thing] of there) expect(handles.find(handle)).toBe(thing);
    expect(gone.size).toBeGreaterThan(9000);
    expect([...gone].filter((handle) => handles.find(handle) !== null)).toEqual([]);
    expect(handles.all().sort((a, b) => a.handle - b.handle)).toEqual(
      [...there.values()].sort((a, b) => a.handle - b.handle),
    );
  });

  it('are small integers, not negative, and other ones for 32,768 things in one place', () => {
    const handles = new Handles<Thing>(1);
    const seen = new Set<number>();
    for (let i = 0; i < 0x8000; i++) {
      const thing = put(handles);
      expect(handles.next()).toBe(-1);
      seen.add(thing.handle);
      handles.remove(thing);
    }
    expect(seen.size).toBe(0x8000);
    expect(Math.min(...seen)).toBe(0);
    expect(Math.max(...seen)).toBeLessThan(2 ** 31);
    expect(seen.has(put(handles).handle)).toBe(true);
  });

  it('that were never given name nothing', () => {
    const handles = new Handles<Thing>(10);
    put(handles);
    for (const handle of [-1, 1, 65_535, 65_536, 2 ** 31 - 1, Number.NaN, 0.5]) expect(handles.find(handle)).toBeNull();
  });

  it('are at most 65,536 at once', () => {
    const handles = new Handles<Thing>(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 65_536; i++) put(handles);
    expect(handles.next()).toBe(-1);
    const [first] = handles.all();
    handles.remove(first as Thing);
    expect(handles.next() & 0xffff).toBe((first as Thing).handle & 0xffff);
  });
});
