/** The state of a signed zone in the running server, besides its keys, and the time of the next work for it. */
import { isPending } from '../../dnssec/rollover/step.js';
import type { SigningPolicy } from '../../dnssec/signing/signing-policy.js';
import { counted } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { isSpecialUse } from '../../protocol/special-use.js';
import { denialOf, nextLook, type ParentLook } from './parent/parent-look.js';
import { nextSignersLook, type SignersLook } from './signers/signers-look.js';
import { policyOrLast, type SigningWish, warningOf } from './signing-wish.js';
import type { SigningZone } from './signing-zone.js';

/** Times are seconds since 1970. */
export interface RunningSigning {
  readonly signing: SigningZone;
  /** Whether its name may have been delegated in the public DNS. */
  readonly isDelegated: boolean;
  look: ParentLook | undefined;
  /** From when on the DS records of keys in use are looked at. */
  watchedFrom: number;
  signersLook: SignersLook | undefined;
  /** Why the zone could not be signed; undefined: it could. */
  failure: SigningFailure | undefined;
  /** When signatures are to be looked at; undefined: there are none. */
  signaturesDue: number | undefined;
  /** Whether a check is under way that makes a version if one is due. */
  isResigning: boolean;
  /** When the last such check was. */
  resigned: number;
  /** When there is something to do; undefined: never. */
  next: number | undefined;
  /** The last warning about the configuration of the zone; undefined: none. */
  warning: string | undefined;
}

interface SigningFailure {
  readonly error: unknown;
  readonly count: number;
  readonly retryAt: number;
}

/** Seconds until a failed attempt is repeated; twice as many after each further failure, up to the longest. Guesses. */
const RETRY = 60;
const LONGEST_RETRY = 3600;

export function newRunning(signing: SigningZone): RunningSigning {
  const times = { signaturesDue: undefined, resigned: 0, next: undefined, warning: undefined };
  const isDelegated = signing.apex.length > 1 && !isSpecialUse(signing.apex);
  const looks = { look: undefined, signersLook: undefined, watchedFrom: 0 };
  return { signing, isDelegated, ...looks, failure: undefined, isResigning: false, ...times };
}

/** Warns once of the consequence for a zone where a missing line of the configuration, or `off`, may be a mistake. */
export function warnOnce(running: RunningSigning, wish: SigningWish, log: Pick<Log, 'warn'>): void {
  const { zone, kept } = running.signing;
  const text = warningOf(zone, kept, wish);
  if (text !== undefined && text !== running.warning) log.warn({ zone }, text);
  running.warning = text;
}

/** Notes that a zone is served. It may come from the stored versions: then nothing was signed, and the ends of signatures are not known. */
export function noteServed(running: RunningSigning, now: number): void {
  const { keys } = running.signing.kept;
  if (keys.keys.length > 0 && !isPending(keys)) running.signaturesDue ??= now;
}

export function isVersionDue(running: RunningSigning, wish: SigningWish, now: number): boolean {
  return running.signing.outlook(wish, denialOf(running, wish.dnssec, now)).isDue;
}

/** When the zone's DS records are to be looked at; undefined: they are not. */
export function lookTime(running: RunningSigning, wish: SigningWish): number | undefined {
  const { kept } = running.signing;
  return nextLook(kept, policyOrLast(kept, wish), wish.dnssec !== undefined, running);
}

/** When the other signers are to be looked at; undefined: they are not. */
export function signersTime({ signing: { kept }, signersLook }: RunningSigning, wish: SigningWish): number | undefined {
  return nextSignersLook(kept, policyOrLast(kept, wish), signersLook);
}

/** When there is something to do for a zone that is served; undefined: never. */
export function nextTime(running: RunningSigning, wish: SigningWish, now: number): number | undefined {
  const { signing, failure, signaturesDue, resigned } = running;
  if (signing.damage !== undefined) return undefined;
  if (failure !== undefined) return failure.retryAt;
  const { isDue, next } = signing.outlook(wish, denialOf(running, wish.dnssec, now));
  // A change that can never be published must not keep the server busy.
  const due = isDue ? Math.max(now, resigned + 1) : undefined;
  const looks = [lookTime(running, wish), signersTime(running, wish)];
  const times = [due, next, signaturesDue, ...looks].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** When signatures that have just been made are to be looked at: none has to be renewed before. */
export function firstDue({ validity, jitter, refresh }: SigningPolicy, now: number): number {
  return now + Math.max(0, validity - jitter - refresh);
}

export function failedAgain(before: SigningFailure | undefined, error: unknown, now: number): SigningFailure {
  const count = before?.count ?? 0;
  return { error, count: Math.min(20, count + 1), retryAt: now + Math.min(LONGEST_RETRY, RETRY * 2 ** count) };
}

/** `early`: RRsets that had signatures which are not valid yet. */
export function earlyText(zone: string, early: number): string {
  const found = `${zone}: found ${counted(early, 'RRset')} with signatures that begin in the future: the clock was ahead when they were made, or is behind now`;
  return `${found}; they were made anew, to be valid from now on, and as long as those before`;
}
