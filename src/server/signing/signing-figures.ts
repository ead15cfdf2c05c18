/** Figures and problems of zones that are signed here. They are read from memory: nothing is described or hashed. */
import { isWholly, type KeyProgress } from '../../dnssec/rollover/key-state.js';
import { messageOf } from '../../errors.js';
import {
  type HistogramValue,
  histogramWords,
  observe,
  readHistogram,
  SIGNING_TIMES,
} from '../../observe/counters/histogram-buckets.js';
import type { KEY_PHASES, SigningFacts, SigningWork } from '../../observe/metrics/signing-facts.js';
import type { SigningSummary } from '../zones/zone-outcome.js';
import { foreignDsText } from './parent/parent-look.js';
import type { RunningSigning } from './running-signing.js';
import { type DnssecStatus, stateOf } from './signing-status.js';
import { policyInForce, type SigningWish } from './signing-wish.js';
import type { SignedWork } from './zone-signers.js';

type Phase = (typeof KEY_PHASES)[number];

/** Counts of events since the start. */
export class SigningTally {
  failures = 0;
  readonly clockSets = { back: 0, forward: 0 };
  readonly made = { change: 0, renewal: 0, whole: 0 };
  readonly #times = { change: timesWords(), renewal: timesWords(), whole: timesWords() };

  /** A version was signed. */
  signed({ work, signatures, seconds }: SignedWork): void {
    this.made[work] += signatures;
    observe(this.#times[work], 0, SIGNING_TIMES, seconds);
  }

  get times(): SigningFacts['times'] {
    const read = (work: SigningWork): HistogramValue => readHistogram(this.#times[work], 0, SIGNING_TIMES);
    return { change: read('change'), renewal: read('renewal'), whole: read('whole') };
  }
}

function timesWords(): Float64Array {
  return new Float64Array(histogramWords(SIGNING_TIMES));
}

export function figuresOf(
  zones: Iterable<RunningSigning>,
  wishOf: (zone: string) => SigningWish,
  { failures, made, times, clockSets }: SigningTally,
): SigningFacts {
  const phases = (): Record<Phase, number> => ({ coming: 0, used: 0, going: 0 });
  const keys = { csk: phases(), ksk: phases(), zsk: phases() };
  const counts = { unsigned: 0, signed: 0, waiting: 0, leaving: 0, failed: 0, frozen: 0, bogus: 0 };
  let [parentWaits, dsSeen, signaturesDue, next] = [0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const running of zones) {
    const { signing } = running;
    counts[stateIn(running, wishOf(signing.zone))]++;
    const { keys: state } = signing.kept;
    if (state.isFrozen) counts.frozen++;
    if (running.look?.isForeign) counts.bogus++;
    for (const key of state.keys) {
      keys[key.role][phaseOf(key)]++;
      if (isParentAwaited(key)) parentWaits++;
      if (key.parent.seen !== undefined) dsSeen++;
    }
    signaturesDue = Math.min(signaturesDue, running.signaturesDue ?? signaturesDue);
    next = Math.min(next, running.next ?? next);
  }
  const time = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
  const due = { signaturesDue: time(signaturesDue), next: time(next) };
  return { zones: counts, keys, parentWaits, dsSeen, ...due, failures, made, times, clockSets };
}

export function summaryOf(running: RunningSigning, wish: SigningWish): SigningSummary {
  const { kept } = running.signing;
  const { isFrozen, keys } = kept.keys;
  const { next } = running;
  const policy = policyInForce(kept, wish)?.name;
  return { policy, state: stateIn(running, wish), isFrozen, keys: keys.length, next };
}

function stateIn({ signing, failure, look }: RunningSigning, wish: SigningWish): DnssecStatus['state'] {
  return stateOf(signing, { wish, failure: failure && messageOf(failure.error), look }).state;
}

/** A line for each zone that cannot be signed, or whose DS records are of other keys. */
export function problemsOf(zones: Iterable<RunningSigning>): string[] {
  return [...zones].flatMap(({ signing, failure, look }) => {
    const { zone, damage, kept } = signing;
    const reason = damage?.message ?? (failure && messageOf(failure.error));
    if (reason !== undefined) return [`${zone} cannot be signed: ${reason}`];
    return look?.isForeign ? [`${zone} ${foreignDsText(look, kept.keys, zone)}`] : [];
  });
}

function phaseOf(key: KeyProgress): Phase {
  if (key.goal === 'hidden') return 'going';
  return isWholly(key, 'omnipresent') ? 'used' : 'coming';
}

/** Whether the parent is asked to publish or to remove a key's DS record, and has not done so as far as is known. */
function isParentAwaited({ records: { ds }, parent }: KeyProgress): boolean {
  if (ds.since === undefined) return false;
  return ds.state === 'rumoured' ? parent.seen === undefined : ds.state === 'unretentive' && parent.gone === undefined;
}
