import { describe, expect, it } from 'vitest';
import { type Catalog, findZone, NOT_SERVED, Publisher, ZONE_POLICY, ZONE_WORDS } from '../../src/image/catalog.js';
import { NO_POLICIES, POLICY_FLAGS, POLICY_TLS, type ZonePolicy } from '../../src/image/policy.js';
import { labelOffsets, nameFromText } from '../../src/protocol/name.js';
import { engineOf, loadText, zoneOf } from '../answer/support.js';

function zoneNumber(publisher: Publisher, name: string, above = 0): number {
  const wire = nameFromText(name);
  const offsets = Uint16Array.from(labelOffsets(wire));
  return findZone(publisher.publish(), wire, 0, offsets, offsets.length, above);
}

function published(...names: string[]): Publisher {
  const publisher = new Publisher();
  for (const name of names) {
    const { apex, image } = loadText(name, zoneOf(''));
    publisher.put(apex, image);
  }
  return publisher;
}

const TLS_ONLY: ZonePolicy = { tlsOnly: true, access: undefined };

/** Of each zone, in the catalog's order; undefined: there is none. */
function policiesOf({ zones, zoneCount, policies }: Catalog): (ZonePolicy | undefined)[] {
  return Array.from({ length: zoneCount }, (_, zone) => {
    const at = zones[zone * ZONE_WORDS + ZONE_POLICY] ?? 0;
    if (at === 0) return undefined;
    return { tlsOnly: policies[at + POLICY_FLAGS] === POLICY_TLS, access: undefined };
  });
}

describe('the catalog', () => {
  it('finds the closest enclosing zone, whatever the letter case', () => {
    const publisher = published('test', 'example.test', 'deep.down.example.test');
    expect(zoneNumber(publisher, 'TEST.')).toBe(0);
    expect(zoneNumber(publisher, 'www.eXample.Test.')).toBe(1);
    expect(zoneNumber(publisher, 'down.example.test.')).toBe(1);
    expect(zoneNumber(publisher, 'a.b.deep.down.example.test.')).toBe(2);
    expect(zoneNumber(publisher, 'example.org.')).toBe(NOT_SERVED);
    expect(zoneNumber(publisher, '.')).toBe(NOT_SERVED);
  });

  it('finds the closest zone above a name, for DS', () => {
    const publisher = published('test', 'example.test');
    expect(zoneNumber(publisher, 'example.test.', 1)).toBe(0);
    expect(zoneNumber(publisher, 'www.example.test.', 1)).toBe(1);
    expect(zoneNumber(publisher, 'test.', 1)).toBe(NOT_SERVED);
  });

  it('answers SERVFAIL for a zone that could not be loaded, and the others as before', () => {
    const engine = engineOf({ 'good.test': zoneOf('www A 192.0.2.2'), 'bad.test': undefined });
    expect(engine.query({ name: 'www.bad.test.' }).rcode).toBe(2);
    expect(engine.query({ name: 'www.good.test.' }).rcode).toBe(0);
  });

  it('keeps an older generation whole while zones are replaced, many times over', () => {
    const publisher = published('keep.test', 'change.test');
    const before = publisher.publish();
    const image = Buffer.from(publisher.imageOf(nameFromText('keep.test.'))!);
    for (let serial = 0; serial < 3000; serial++) {
      const { apex, image: next } = loadText('change.test', zoneOf(`n${serial} A 192.0.2.9`));
      publisher.put(apex, next);
      if (serial % 100 === 0) publisher.publish();
    }
    const after = publisher.publish();
    expect(after.segments.length).toBeLessThanOrEqual(2);
    expect(Buffer.compare(publisher.imageOf(nameFromText('keep.test.'))!, image)).toBe(0);
    expect(before.generation).toBeLessThan(after.generation);
    expect(before.zoneCount).toBe(2);
  });

  it('takes little memory for few zones, and few segments for many', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `zone${i}.test`);
    const octets = (...served: string[]) =>
      published(...served)
        .publish()
        .segments.map(({ bytes }) => bytes.length);
    expect(octets('one.test')).toEqual([256 * 1024]);
    expect(octets(...names).length).toBeLessThan(10);
  });

  it('removes zones', () => {
    const publisher = published('a.test', 'b.test');
    publisher.remove(nameFromText('A.test.'));
    expect(publisher.size).toBe(1);
    expect(zoneNumber(publisher, 'a.test.')).toBe(NOT_SERVED);
  });

  it('has the policies of zones in every generation, also of zones that come, or come again, later', () => {
    const publisher = published('a.test');
    publisher.restrict({
      ...NO_POLICIES,
      zones: new Map([
        ['a.test.', TLS_ONLY],
        ['b.test.', TLS_ONLY],
      ]),
    });
    expect(policiesOf(publisher.publish())).toEqual([TLS_ONLY]);
    const b = loadText('b.test', zoneOf(''));
    publisher.put(b.apex, b.image);
    publisher.fail(nameFromText('c.test.'));
    for (let generation = 2; generation < 5; generation++) {
      expect(policiesOf(publisher.publish())).toEqual([TLS_ONLY, TLS_ONLY, undefined]);
    }
    publisher.remove(b.apex);
    publisher.put(b.apex, b.image);
    expect(policiesOf(publisher.publish())).toEqual([TLS_ONLY, undefined, TLS_ONLY]);
    publisher.restrict(NO_POLICIES);
    expect(policiesOf(publisher.publish())).toEqual([undefined, undefined, undefined]);
  });
});
