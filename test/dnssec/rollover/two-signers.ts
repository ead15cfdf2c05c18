/**
 * Years of a zone with two signers (RFC 8901 model 2): each rolls its own keys, and somebody copies keys and CDS from one to the other, late. A
 * resolver may take any RRset from either. The second one joins, and may leave. After every change it is found out whether some resolver could be unable to
 * validate.
 */
import { parentSeen, rollAsked, type SignerAnswer, signersSeen } from '../../../src/dnssec/rollover/events.js';
import {
  type ForeignKey,
  isWholly,
  type KeyRole,
  NO_KEYS_YET,
  type ZoneKeys,
} from '../../../src/dnssec/rollover/key-state.js';
import { publishedIds } from '../../../src/dnssec/rollover/published-keys.js';
import type { RolloverPolicy, WantedKey } from '../../../src/dnssec/rollover/rollover-policy.js';
import { type Barriers, isPending, published, step } from '../../../src/dnssec/rollover/step.js';
import { randomFrom } from '../../zone/random-zone.js';
import { bogusReason, type DnskeySet, Versions } from './caches.js';
import { Parent } from './parent.js';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const START = 1_700_000_000;

/** What a signer shows at one time. */
interface Shown {
  readonly dnskeys: readonly string[];
  /** undefined: it has no CDS records. */
  readonly cds: readonly string[] | undefined;
}

/** Records of the other signer in the content. */
interface Content {
  readonly dnskeys: readonly string[];
  readonly cds: readonly string[];
}

interface TwoSignersOutcome {
  readonly bogus: string | undefined;
  /** Keys that were made, and those whose roll has ended. */
  readonly keys: number;
  readonly rolled: number;
  readonly hasJoined: boolean;
  readonly hasLeft: boolean;
}

type Event = 'step' | 'publish' | 'look' | 'copy' | 'roll' | 'crash';

class Signer {
  state: ZoneKeys = NO_KEYS_YET;
  pending: ZoneKeys | undefined;
  content: Content = { dnskeys: [], cds: [] };
  policy: RolloverPolicy;
  shown: Shown = { dnskeys: [], cds: undefined };
  shownBefore: Shown = this.shown;
  shownSince = 0;
  lastShown: string | undefined;
  readonly zoneTtl: number;
  readonly dnskeys = new Versions<DnskeySet>();
  readonly signers = new Versions<readonly string[]>();

  constructor(policy: RolloverPolicy, zoneTtl: number) {
    this.policy = policy;
    this.zoneTtl = zoneTtl;
  }

  /** What one of its servers answers with: some lag behind. */
  answer(now: number, isLagging: boolean): Shown {
    return isLagging && now < this.shownSince + this.policy.propagation ? this.shownBefore : this.shown;
  }
}

class TwoSigners {
  readonly #random: () => number;
  readonly #barriers: Barriers | undefined;
  readonly #parent: Parent;
  readonly #signers: readonly [Signer, Signer];
  readonly #roles = new Map<string, KeyRole>();
  #now = START;
  #count = 0;
  #events: { readonly at: number; readonly what: Event; readonly who: number }[] = [];
  /** Whether resolvers ask the second one. */
  #isServing = false;
  #leftAt = Number.POSITIVE_INFINITY;
  readonly #joinsAt: number;
  readonly #leavesAt: number;
  #hasJoined = false;
  readonly #copiesKsks: boolean;
  #rolled = 0;
  #bogus: string | undefined;

  constructor(seed: number, barriers: Barriers | undefined) {
    this.#random = randomFrom(seed);
    this.#barriers = barriers;
    const parentPropagation = this.#pick([0, HOUR, DAY]);
    const dsTtl = this.#pick([5 * MINUTE, HOUR, DAY]);
    this.#parent = new Parent(this.#random, dsTtl, parentPropagation);
    const policy = (): RolloverPolicy => ({
      keys: this.#wanted(),
      keyTtl: this.#pick([MINUTE, HOUR, DAY, 7 * DAY]),
      dsTtl,
      // Each one knows how late the secondaries of the other are.
      propagation: 0,
      parentPropagation,
      isParentAsked: true,
      hasOtherSigners: false,
    });
    const propagation = this.#pick([0, MINUTE, HOUR, DAY]);
    const make = (): Signer => new Signer({ ...policy(), propagation }, this.#pick([MINUTE, HOUR, DAY, 7 * DAY]));
    this.#signers = [make(), make()];
    for (const { dnskeys, signers } of this.#signers) {
      dnskeys.serve({ keys: [], signers: [] }, MINUTE, 0);
      signers.serve([], MINUTE, 0);
    }
    this.#joinsAt = START + this.#random() * YEAR;
    this.#leavesAt = this.#random() < 0.5 ? Number.POSITIVE_INFINITY : START + (2 + this.#random() * 3) * YEAR;
    this.#copiesKsks = this.#random() < 0.5;
  }

  run(years: number): TwoSignersOutcome {
    const end = START + years * YEAR;
    this.#plan('step', 0, 0);
    for (const who of [0, 1]) {
      this.#plan('look', who, this.#random() * DAY);
      this.#plan('copy', who, this.#random() * DAY);
      this.#plan('roll', who, this.#random() * 200 * DAY);
      this.#plan('crash', who, this.#random() * 200 * DAY);
    }
    this.#plan('step', 1, this.#joinsAt - START);
    let poll = START;
    while (this.#now < end && this.#bogus === undefined) {
      const event = this.#events[0]!;
      const first = Math.min(event.at, this.#parent.next(), poll);
      this.#now = first;
      if (this.#parent.next() <= first) {
        this.#parent.advance(first);
        this.#check();
      } else if (poll <= first) {
        this.#poll();
        poll = this.#now + this.#random() * (this.#random() < 0.5 ? DAY : 10 * DAY);
      } else {
        this.#events.shift();
        this.#happen(event.what, event.who);
      }
      this.#joinOrLeave();
    }
    return {
      bogus: this.#bogus,
      keys: this.#count,
      rolled: this.#rolled,
      hasJoined: this.#hasJoined,
      hasLeft: this.#leftAt < Number.POSITIVE_INFINITY,
    };
  }

  #happen(what: Event, who: number): void {
    const signer = this.#signers[who]!;
    const isThere = who === 0 || (this.#now >= this.#joinsAt && this.#leftAt === Number.POSITIVE_INFINITY);
    switch (what) {
      case 'step':
        if (isThere) this.#step(who);
        return;
      case 'publish':
        this.#publish(who);
        return;
      case 'look':
        if (isThere) this.#look(who);
        this.#plan('look', who, this.#random() * (this.#random() < 0.8 ? DAY : 10 * DAY));
        return;
      case 'copy':
        if (isThere) this.#copy(who);
        this.#plan('copy', who, this.#random() * (this.#random() < 0.8 ? DAY : 20 * DAY));
        return;
      case 'roll':
        signer.state = rollAsked(signer.state, this.#pick(signer.policy.keys).role);
        this.#soon(who);
        this.#plan('roll', who, this.#random() * 200 * DAY);
        return;
      case 'crash':
        signer.state = JSON.parse(JSON.stringify(signer.state)) as ZoneKeys;
        signer.pending = undefined;
        signer.lastShown = undefined;
        this.#soon(who);
        this.#plan('crash', who, this.#random() * 200 * DAY);
    }
  }

  #soon(who: number): void {
    this.#events = this.#events.filter(
      (event) => event.who !== who || (event.what !== 'step' && event.what !== 'publish'),
    );
    this.#signers[who]!.pending = undefined;
    this.#signers[who]!.lastShown = undefined;
    this.#plan('step', who, 1);
  }

  #step(who: number): void {
    const signer = this.#signers[who]!;
    if (signer.pending !== undefined) return;
    const foreign = signer.content.dnskeys.map((id): ForeignKey => {
      const known = signer.state.foreign.find(({ dnskey }) => dnskey === id);
      const record = { state: 'rumoured', since: undefined } as const;
      return known ?? { dnskey: id, algorithm: 13, tag: 0, record };
    });
    const before = { ...signer.state, foreign };
    // The DS records of the other signer are no reason not to begin.
    const isDsDenied = this.#parent.servers.every((ds) =>
      ds.every((id) => signer.content.dnskeys.includes(id) || who === 1),
    );
    const makeKey = ({ role }: WantedKey) => {
      const id = `${who === 0 ? 'a' : 'b'}${++this.#count}`;
      this.#roles.set(id, role);
      return { id, tag: this.#count };
    };
    const facts = { now: this.#now, zoneTtl: signer.zoneTtl, isDsDenied };
    const { keys, next } = step(before, signer.policy, facts, makeKey, this.#barriers);
    this.#rolled += before.keys.filter(({ id }) => !keys.keys.some((key) => key.id === id)).length;
    signer.state = keys;
    this.#plan('step', who, Math.max(1, Math.min(next ?? Number.POSITIVE_INFINITY, this.#now + 20 * DAY) - this.#now));
    const shown = JSON.stringify([publishedIds(keys), signer.content]);
    if (!isPending(keys) && shown === signer.lastShown) return;
    signer.lastShown = shown;
    signer.pending = keys;
    this.#plan('publish', who, this.#random() < 0.8 ? this.#random() * MINUTE : this.#random() * DAY);
  }

  #publish(who: number): void {
    const signer = this.#signers[who]!;
    const state = signer.pending;
    if (state === undefined) return;
    signer.pending = undefined;
    const { dnskey, krrsig, zrrsig, ds } = publishedIds(state);
    const foreign = state.foreign.map((key) => key.dnskey);
    const end = this.#now + signer.policy.propagation;
    const dnskeys = [...dnskey, ...foreign];
    signer.dnskeys.serve({ keys: dnskeys, signers: krrsig }, signer.policy.keyTtl, end);
    signer.signers.serve(zrrsig, signer.zoneTtl, end);
    const cds = ds.length > 0 ? [...ds, ...signer.content.cds] : undefined;
    const shown = { dnskeys, cds };
    if (JSON.stringify(shown) !== JSON.stringify(signer.shown)) {
      signer.shownBefore = signer.shown;
      signer.shown = shown;
      signer.shownSince = this.#now;
    }
    this.#check();
    if (this.#random() < 0.9) signer.state = published(signer.state, this.#now);
    else signer.lastShown = undefined;
    this.#plan('step', who, 1);
  }

  /** Looks at the parent, and at the other signer. */
  #look(who: number): void {
    const signer = this.#signers[who]!;
    const { policy } = signer;
    const answers = this.#parent.answers(this.#now).map((ds) => ds && (({ id }: { id: string }) => ds.includes(id)));
    signer.state = parentSeen(signer.state, this.#now, answers, policy.parentPropagation);
    if (policy.hasOtherSigners) {
      const other = this.#signers[1 - who]!;
      const seen = [false, this.#random() < 0.5].map((isLagging): SignerAnswer | undefined => {
        if (this.#random() < 0.1) return undefined;
        const { dnskeys, cds } = other.answer(this.#now, isLagging);
        return {
          hasKey: ({ id }) => dnskeys.includes(id),
          hasCds: ({ id }) => cds?.includes(id),
          ttl: other.policy.keyTtl,
        };
      });
      signer.state = signersSeen(signer.state, this.#now, seen, policy.propagation);
    }
    if (signer.pending === undefined) this.#soon(who);
  }

  /** Somebody copies what a signer has of its own to the other one. */
  #copy(who: number): void {
    const [signer, other] = [this.#signers[who]!, this.#signers[1 - who]!];
    if (this.#now < this.#joinsAt || this.#leftAt < Number.POSITIVE_INFINITY) return;
    const own = who === 0 ? 'a' : 'b';
    const { dnskeys, cds } = signer.answer(this.#now, this.#random() < 0.5);
    const content = {
      dnskeys: dnskeys.filter((id) => id.startsWith(own) && (this.#copiesKsks || this.#roles.get(id) !== 'ksk')),
      cds: (cds ?? []).filter((id) => id.startsWith(own)),
    };
    if (JSON.stringify(content) === JSON.stringify(other.content)) return;
    other.content = content;
    this.#soon(1 - who);
  }

  #joinOrLeave(): void {
    const [first] = this.#signers;
    if (this.#now >= this.#joinsAt && !this.#hasJoined && first.policy.hasOtherSigners === false)
      for (const signer of this.#signers) signer.policy = { ...signer.policy, hasOtherSigners: true };
    if (!this.#hasJoined && this.#isReady()) {
      this.#hasJoined = true;
      this.#isServing = true;
      this.#check();
    }
    if (this.#now < this.#leavesAt || !this.#isServing) return;
    // Nobody has asked it since a while: no cache has anything of it, and its keys are taken out of the content.
    this.#isServing = false;
    this.#leftAt = this.#now;
    first.content = { dnskeys: [], cds: [] };
    first.policy = { ...first.policy, hasOtherSigners: false };
    this.#soon(0);
  }

  /** Whether the second signer may serve: everybody knows the keys of both, and the parent has its DS record. */
  #isReady(): boolean {
    const [first, second] = this.#signers;
    const isWhole = ({ keys }: ZoneKeys): boolean =>
      keys.length > 0 && keys.every((key) => isWholly(key, 'omnipresent'));
    const knows = (signer: Signer, other: Signer): boolean =>
      other.state.keys.every(
        ({ id, role }) =>
          role === 'ksk' ||
          signer.state.foreign.some(({ dnskey, record }) => dnskey === id && record.state === 'omnipresent'),
      );
    return (
      this.#now > this.#joinsAt &&
      isWhole(first.state) &&
      isWhole(second.state) &&
      knows(first, second) &&
      knows(second, first)
    );
  }

  #poll(): void {
    const who = this.#isServing && this.#random() < 0.5 ? 1 : 0;
    const { cds } = this.#signers[who]!.answer(this.#now, this.#random() < 0.5);
    if (cds !== undefined) this.#parent.read(cds, this.#now);
  }

  #check(): void {
    const held = new Set(this.#parent.versions.flatMap((one) => one.held(this.#now)).map((one) => one.join()));
    const serving = this.#isServing ? this.#signers : [this.#signers[0]];
    const dnskeys = serving.flatMap((signer) => signer.dnskeys.held(this.#now));
    const signers = serving.flatMap((signer) => signer.signers.held(this.#now));
    for (const one of held)
      for (const keys of dnskeys)
        for (const signed of signers) {
          const reason = bogusReason(one === '' ? [] : one.split(','), keys, signed, () => 13);
          if (reason === undefined) continue;
          const day = ((this.#now - START) / DAY).toFixed(2);
          this.#bogus ??= `day ${day}: ${reason}: DS [${one}], DNSKEY [${keys.keys}] signed by [${keys.signers}], zone signed by [${signed}]`;
        }
  }

  #wanted(): RolloverPolicy['keys'] {
    const lifetime = (): number | undefined => (this.#random() < 0.5 ? undefined : (60 + this.#random() * 400) * DAY);
    const roles: KeyRole[] = this.#random() < 0.4 ? ['csk'] : ['ksk', 'zsk'];
    return roles.map((role) => ({ role, algorithm: 13, lifetime: lifetime() }));
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #plan(what: Event, who: number, after: number): void {
    const at = this.#now + after;
    const i = this.#events.findIndex((event) => event.at > at);
    this.#events.splice(i < 0 ? this.#events.length : i, 0, { at, what, who });
  }
}

/** Runs the simulation with this seed. `barriers`: what holds states back, when it is less than it should be. */
export function simulateTwoSigners(seed: number, barriers?: Barriers, years = 6): TwoSignersOutcome {
  return new TwoSigners(seed, barriers).run(years);
}
