import { type HistogramValue, SIGNING_TIMES } from '../counters/histogram-buckets.js';

/** Figures of zones that are signed here, for metrics. Times are seconds since 1970. */
export interface SigningFacts {
  /** The number of zones now, by state. */
  readonly zones: Readonly<Record<(typeof SIGNING_STATES)[number], number>>;
  /** Keys, now, by role and phase. */
  readonly keys: Readonly<Record<(typeof KEY_ROLES)[number], Readonly<Record<(typeof KEY_PHASES)[number], number>>>>;
  /** Keys whose DS record has to be published or removed at the parent. */
  readonly parentWaits: number;
  /** Keys whose DS record all servers of the parent were seen to have. */
  readonly dsSeen: number;
  /** When the next signatures are to be renewed; undefined: there are none. */
  readonly signaturesDue: number | undefined;
  /** When there is something to do next; undefined: never. */
  readonly next: number | undefined;
  /** Since the start: attempts to sign a zone that failed. */
  readonly failures: number;
  /** Since the start, by work: signatures that were made, and the seconds that signed versions took. */
  readonly made: Readonly<Record<SigningWork, number>>;
  readonly times: Readonly<Record<SigningWork, HistogramValue>>;
  /** Since the start: how often the clock was set. */
  readonly clockSets: Readonly<Record<ClockDirection, number>>;
}

/** As `adotd ctl dnssec status` has them; `frozen` and `bogus` zones are counted in their other state, too. */
export const SIGNING_STATES = ['unsigned', 'signed', 'waiting', 'leaving', 'failed', 'frozen', 'bogus'] as const;
export const KEY_ROLES = ['csk', 'ksk', 'zsk'] as const;
/** `coming`: it is to be used, and not all of its records are known everywhere. `going`: it is to disappear. */
export const KEY_PHASES = ['coming', 'used', 'going'] as const;

/** Why a version was signed: its records have changed; signatures were due or keys are others; or all signatures were made. */
export const SIGNING_WORKS = ['change', 'renewal', 'whole'] as const;
export type SigningWork = (typeof SIGNING_WORKS)[number];
export const CLOCK_DIRECTIONS = ['back', 'forward'] as const;
type ClockDirection = (typeof CLOCK_DIRECTIONS)[number];

const NO_TIMES: HistogramValue = { bounds: SIGNING_TIMES, counts: SIGNING_TIMES.map(() => 0).concat(0), sum: 0 };
const NO_KEYS = { coming: 0, used: 0, going: 0 };

export const NO_SIGNING: SigningFacts = {
  zones: { unsigned: 0, signed: 0, waiting: 0, leaving: 0, failed: 0, frozen: 0, bogus: 0 },
  keys: { csk: NO_KEYS, ksk: NO_KEYS, zsk: NO_KEYS },
  parentWaits: 0,
  dsSeen: 0,
  signaturesDue: undefined,
  next: undefined,
  failures: 0,
  made: { change: 0, renewal: 0, whole: 0 },
  times: { change: NO_TIMES, renewal: NO_TIMES, whole: NO_TIMES },
  clockSets: { back: 0, forward: 0 },
};
