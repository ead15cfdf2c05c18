import { describe, expect, it } from 'vitest';
import { DELETE_CDNSKEY, DELETE_CDS, dsRdata } from '../../../src/dnssec/keys/delegation-signer.js';
import { generateKey, type SigningKey } from '../../../src/dnssec/keys/signing-key.js';
import { costOfCompromise, describeKeys } from '../../../src/dnssec/rollover/describe.js';
import {
  compromised,
  dsConfirmed,
  frozen,
  leaving,
  parentSeen,
  rollAsked,
  startAllowed,
} from '../../../src/dnssec/rollover/events.js';
import { NO_KEYS_YET, type ZoneKeys } from '../../../src/dnssec/rollover/key-state.js';
import { keySetOf, publishedIds } from '../../../src/dnssec/rollover/published-keys.js';
import type { RolloverPolicy, WantedKey } from '../../../src/dnssec/rollover/rollover-policy.js';
import { published, step } from '../../../src/dnssec/rollover/step.js';
import { nameFromText } from '../../../src/protocol/name.js';

const HOUR = 3600;
const START = 1_780_000_000;
const ZONE = nameFromText('example.test.');
const POLICY: RolloverPolicy = {
  keys: [{ role: 'csk', algorithm: 13, lifetime: undefined }],
  keyTtl: HOUR,
  dsTtl: 2 * HOUR,
  propagation: 600,
  parentPropagation: 1200,
  isParentAsked: true,
};
const KSK_ZSK: RolloverPolicy['keys'] = [
  { role: 'ksk', algorithm: 13, lifetime: undefined },
  { role: 'zsk', algorithm: 13, lifetime: undefined },
];

/** A zone, and a parent that does at once what it is asked for. */
class World {
  state: ZoneKeys = NO_KEYS_YET;
  now = START;
  policy = POLICY;
  isParentDeaf = false;
  /** What the zone and the parent had, one after the other, with hours since the start. */
  readonly history: string[] = [];
  readonly keys = new Map<string, SigningKey>();
  #ds: readonly string[] = [];

  /** Goes on for so many hours. */
  run(hours: number): this {
    for (const end = this.now + hours * HOUR; this.now < end; this.now += 300) this.#once();
    return this;
  }

  /** What was noted since the last call. */
  news(): string[] {
    return this.history.splice(0);
  }

  #once(): void {
    const facts = { now: this.now, zoneTtl: 4 * HOUR, isDsDenied: this.#ds.length === 0 };
    const makeKey = ({ role, algorithm, bits }: WantedKey, taken: readonly number[]) => {
      const id = `${role}${this.keys.size + 1}`;
      this.keys.set(id, generateKey(algorithm, role !== 'zsk', taken, bits));
      return { id, tag: this.keys.get(id)!.tag, bits };
    };
    const { keys } = step(this.state, this.policy, facts, makeKey);
    this.state = published(keys, this.now);
    const { dnskey, zrrsig, ds, isRemoval } = publishedIds(this.state);
    if (!this.isParentDeaf && (isRemoval || ds.length > 0)) this.#ds = ds;
    if (this.policy.isParentAsked)
      this.state = parentSeen(this.state, this.now, [({ id }) => this.#ds.includes(id)], POLICY.parentPropagation);
    const cds = isRemoval ? 'delete' : ds.join('+');
    const line = `DNSKEY ${dnskey.join('+')}, signed by ${zrrsig.join('+')}, CDS ${cds}, DS ${this.#ds.join('+')}`;
    if (this.#last !== line) this.history.push(`${((this.now - START) / HOUR).toFixed(1)}: ${line}`);
    this.#last = line;
  }
  #last = '';
}

describe('a zone', () => {
  it('is signed first; the parent is asked for DS when every resolver has the signatures', () => {
    expect(new World().run(48).news()).toEqual([
      '0.0: DNSKEY csk1, signed by csk1, CDS , DS ',
      '4.3: DNSKEY csk1, signed by csk1, CDS csk1, DS csk1',
    ]);
  });

  it('rolls a ZSK: the key is known before it signs, and stays until its signatures are forgotten', () => {
    const world = new World();
    world.policy = { ...POLICY, keys: KSK_ZSK };
    world.run(48).news();
    world.state = rollAsked(world.state, 'zsk');
    expect(world.run(48).news()).toEqual([
      '48.0: DNSKEY ksk1+zsk2+zsk3, signed by zsk2, CDS ksk1, DS ksk1',
      '49.3: DNSKEY ksk1+zsk2+zsk3, signed by zsk3, CDS ksk1, DS ksk1',
      '53.5: DNSKEY ksk1+zsk3, signed by zsk3, CDS ksk1, DS ksk1',
    ]);
  });

  it('rolls a KSK: the parent changes over when the new key is known, and the old one stays until its DS is forgotten', () => {
    const world = new World();
    world.policy = { ...POLICY, keys: KSK_ZSK };
    world.run(48).news();
    world.state = rollAsked(world.state, 'ksk');
    const news = world.run(48).news();
    expect(news.slice(0, 2)).toEqual([
      '48.0: DNSKEY ksk1+zsk2+ksk3, signed by zsk2, CDS ksk1, DS ksk1',
      '49.3: DNSKEY ksk1+zsk2+ksk3, signed by zsk2, CDS ksk3, DS ksk3',
    ]);
    expect(news[2]).toMatch(/^5[12]\.\d: DNSKEY zsk2\+ksk3, signed by zsk2, CDS ksk3, DS ksk3$/);
    expect(news.length).toBe(3);
  });

  it('rolls its algorithm: signatures come before the key, and go after it', () => {
    const world = new World();
    world.run(48).news();
    world.policy = { ...POLICY, keys: [{ role: 'csk', algorithm: 15, lifetime: undefined }] };
    const lines = world
      .run(72)
      .news()
      .map((line) => line.replace(/^[0-9.]+: /, ''));
    expect(lines).toEqual([
      'DNSKEY csk1, signed by csk1+csk2, CDS csk1, DS csk1',
      'DNSKEY csk1+csk2, signed by csk1+csk2, CDS csk1, DS csk1',
      'DNSKEY csk1+csk2, signed by csk1+csk2, CDS csk2, DS csk2',
      'DNSKEY csk2, signed by csk1+csk2, CDS csk2, DS csk2',
      'DNSKEY csk2, signed by csk2, CDS csk2, DS csk2',
    ]);
  });

  it('waits for a parent that was asked for a DS record: it may publish one late', () => {
    const world = new World();
    world.isParentDeaf = true;
    world.run(48);
    world.state = leaving(world.state, true);
    expect(publishedIds(world.run(500).state)).toMatchObject({ dnskey: ['csk1'], zrrsig: ['csk1'], ds: ['csk1'] });
    world.isParentDeaf = false;
    expect(world.run(48).state.keys).toEqual([]);
  });

  it('becomes unsigned only when no resolver knows a DS record any more', () => {
    const world = new World();
    world.run(48).news();
    world.state = leaving(world.state, true);
    const news = world.run(48).news();
    expect(news[0]).toBe('48.0: DNSKEY csk1, signed by csk1, CDS delete, DS ');
    expect(news[1]).toMatch(/^5[01]\.\d: DNSKEY , signed by , CDS , DS $/);
    expect(news.length).toBe(2);
    expect(world.run(100).state.keys).toEqual([]);
  });

  it('replaces a key when its lifetime is over', () => {
    const world = new World();
    world.policy = { ...POLICY, keys: [{ role: 'csk', algorithm: 13, lifetime: 100 * HOUR }] };
    world.run(300);
    expect(world.keys.size).toBe(3);
    expect(world.state.keys.map(({ id }) => id)).not.toContain('csk1');
  });

  it('replaces a compromised key at once, also one that is on its way', () => {
    const world = new World();
    world.run(48).news();
    world.state = rollAsked(world.state, 'csk');
    world.run(1).news();
    world.state = compromised(world.state, 'csk2');
    expect(world.run(0.1).news()).toEqual(['49.0: DNSKEY csk1+csk2+csk3, signed by csk1, CDS csk1, DS csk1']);
    world.run(100);
    expect(publishedIds(world.state).dnskey).toEqual(['csk3']);
    expect(() => compromised(world.state, 'csk1')).toThrow('found no key csk1, expected one of the zone');
    const [key] = world.state.keys;
    expect(costOfCompromise(key!, POLICY, 4 * HOUR)).toBe(
      `Resolvers trust key ${key!.tag} for 3 h 40 min more at least, and for as long as the parent needs for the new DS record. ` +
        'Taken away at once, it would leave the zone bogus for some of them for up to 4 h 10 min, and for as long as the parent needs for the new DS record.',
    );
    expect(costOfCompromise({ ...key!, role: 'zsk' }, POLICY, 4 * HOUR)).toBe(
      `Resolvers trust key ${key!.tag} for 5 h 20 min more at least. ` +
        'Taken away at once, it would leave the zone bogus for some of them for up to 4 h 10 min.',
    );
    const quick = { ...POLICY, keyTtl: 1, dsTtl: 1, propagation: 0, parentPropagation: 0 };
    expect(costOfCompromise({ ...key!, role: 'zsk' }, quick, 61)).toBe(
      `Resolvers trust key ${key!.tag} for 1 min 2 s more at least. ` +
        'Taken away at once, it would leave the zone bogus for some of them for up to 1 min 1 s.',
    );
  });

  it('stands still while it is frozen', () => {
    const world = new World();
    world.run(48).news();
    world.state = frozen(rollAsked(world.state, 'csk'), true);
    expect(world.run(200).news()).toEqual([]);
    expect(describeKeys(world.state, POLICY, world.now, 'a.test.')[0]?.waits).toEqual([
      'All keys stand still by command: adotd ctl dnssec thaw a.test. lets them move.',
    ]);
    world.state = frozen(world.state, false);
    expect(world.run(48).news().length).toBeGreaterThan(2);
  });

  it('waits for a parent that does not do what it is asked, for ever', () => {
    const world = new World();
    world.run(48).news();
    world.state = rollAsked(world.state, 'csk');
    world.isParentDeaf = true;
    world.run(24 * 365);
    expect(publishedIds(world.state).dnskey).toEqual(['csk1', 'csk2']);
    world.isParentDeaf = false;
    world.run(48);
    expect(publishedIds(world.state).dnskey).toEqual(['csk2']);
  });

  it('keeps its states when the clock is set back', () => {
    const world = new World();
    world.run(48);
    const facts = { now: START, zoneTtl: HOUR, isDsDenied: false };
    const noKey = () => expect.unreachable('made a key');
    expect(step(world.state, POLICY, facts, noKey)).toEqual({ keys: world.state, next: world.state.time });
  });
});

describe('the first key', () => {
  const facts = { now: START, zoneTtl: HOUR, isDsDenied: undefined };
  const makeKey = () => ({ id: 'k', tag: 1 });
  const byHand = { ...POLICY, isParentAsked: false };

  it('is made only when all servers of the parent deny a DS record', () => {
    expect(step(NO_KEYS_YET, POLICY, facts, makeKey).keys.keys).toEqual([]);
    expect(step(NO_KEYS_YET, POLICY, { ...facts, isDsDenied: false }, makeKey).keys.keys).toEqual([]);
    expect(step(NO_KEYS_YET, POLICY, { ...facts, isDsDenied: true }, makeKey).keys.keys.length).toBe(1);
  });

  it('is not made without being asked for where the zone was signed before', () => {
    const lost = { ...NO_KEYS_YET, wasSigned: true };
    expect(step(lost, byHand, facts, makeKey).keys.keys).toEqual([]);
    expect(step(startAllowed(lost), byHand, facts, makeKey).keys.keys.length).toBe(1);
  });
});

describe('what is published', () => {
  const world = new World().run(3);
  const keyOf = (id: string): SigningKey => world.keys.get(id)!;

  it('has no CDS before all signatures are everywhere, then both kinds, then the request to remove all', () => {
    expect(keySetOf(world.state, keyOf, ZONE, true).cds).toEqual([]);
    world.run(40);
    const { dnskey } = keyOf('csk1');
    expect(keySetOf(world.state, keyOf, ZONE, true)).toMatchObject({
      dnskey: [dnskey],
      cds: [dsRdata(dnskey, ZONE)],
      cdnskey: [dnskey],
    });
    expect(keySetOf(world.state, keyOf, ZONE, false)).toMatchObject({ cds: [], cdnskey: [] });
    world.state = leaving(world.state, true);
    world.run(0.1);
    expect(keySetOf(world.state, keyOf, ZONE, true)).toMatchObject({ cds: [DELETE_CDS], cdnskey: [DELETE_CDNSKEY] });
  });
});

describe('what is said about a key', () => {
  it('names what is waited for, and until when', () => {
    const world = new World();
    world.isParentDeaf = true;
    const said = (): readonly string[] => describeKeys(world.state, world.policy, world.now, 'a.test.')[0]?.waits ?? [];
    world.run(0.1);
    const [first] = describeKeys(world.state, POLICY, world.now, 'a.test.');
    expect(first?.title).toBe(`CSK ${world.keys.get('csk1')!.tag}, algorithm 13 (ECDSAP256SHA256), to be used`);
    expect(said()).toEqual([
      'The DNSKEY record: resolvers may lack it until 2026-05-28T21:36:41Z.',
      'The signature over the DNSKEY RRset: resolvers may lack it until 2026-05-28T21:36:41Z.',
      'The signatures over the zone: resolvers may lack it until 2026-05-29T00:36:41Z.',
      'The DS record: comes when resolvers can use it.',
    ]);
    world.run(10);
    expect(said()).toEqual(['The DS record: waits until all servers of the parent have it.']);
    world.policy = { ...POLICY, isParentAsked: false };
    expect(said()[0]).toMatch(
      /^The DS record: waits for somebody to publish it at the parent, and then to confirm by adotd ctl dnssec ds-seen a\.test\. \d+ that/,
    );
    world.state = dsConfirmed(world.state, 'csk1', true, world.now, false);
    world.run(10);
    world.state = rollAsked(world.state, 'csk');
    world.run(10);
    world.state = dsConfirmed(world.state, 'csk1', false, world.now, false);
    world.run(10);
    // Nobody has said that the new DS record is there; no look at the parent would help.
    expect(said()).toContain('The DS record: stays until nothing depends on it.');
    expect(said().join()).not.toContain('another look');
  });
});

describe('a confirmation by hand', () => {
  const world = new World();
  world.isParentDeaf = true;
  world.run(10);

  it('is refused where the parent is asked', () =>
    expect(() => dsConfirmed(world.state, 'csk1', true, world.now, true)).toThrow(/wait for them, or take them out/));

  it('is refused for a key that is not there', () =>
    expect(() => dsConfirmed(world.state, 'x', true, world.now, false)).toThrow(
      'found no key x, expected one of the zone',
    ));

  it('counts otherwise', () => {
    const policy = { ...POLICY, isParentAsked: false };
    const facts = { now: world.now + 24 * HOUR, zoneTtl: HOUR, isDsDenied: undefined };
    const { keys } = step(dsConfirmed(world.state, 'csk1', true, world.now, false), policy, facts, () => ({
      id: '',
      tag: 0,
    }));
    expect(keys.keys[0]?.records.ds.state).toBe('omnipresent');
  });
});
