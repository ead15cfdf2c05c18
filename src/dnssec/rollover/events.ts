/**
 * Events from outside for a zone's keys: the parent is asked, and people give commands. No time is noted that is before an earlier
 * noted one: when the clock is behind, the latest time that was seen counts.
 */
import { AdotdError, ErrorCode } from '../../errors.js';
import type { KeyProgress, KeyRole, Lasting, SignersSight, ZoneKeys } from './key-state.js';
import { noteTtls } from './served-ttls.js';

/**
 * Notes the answers of the parent's servers at `at`: for each, whether it has the DS record of a key, or undefined when it did not
 * answer. An answer counts only if all servers give it, and from the time since which none has given another. It is sure when all
 * still give it after `parentPropagation` (seconds): an answer may be that old, and the parent may have changed its mind since.
 */
export function parentSeen(
  state: ZoneKeys,
  at: number,
  answers: readonly (((key: KeyProgress) => boolean) | undefined)[],
  parentPropagation: number,
): ZoneKeys {
  const now = Math.max(at, state.time);
  const keys = state.keys.map((key) => {
    const known = answers.filter((answer) => answer !== undefined).map((answer) => answer(key));
    if (known.length === 0) return key;
    const isWhole = known.length === answers.length;
    const seen = known.includes(false) ? undefined : (key.parent.seen ?? (isWhole ? now : undefined));
    const gone = known.includes(true) ? undefined : (key.parent.gone ?? (isWhole ? now : undefined));
    const since = seen ?? gone;
    const isGoingOn = since !== undefined && (since === key.parent.seen || since === key.parent.gone);
    const isSure = isWhole && since !== undefined && now >= since + parentPropagation;
    const sure = (isGoingOn ? key.parent.sure : undefined) ?? (isSure ? now : undefined);
    return { ...key, parent: { seen, gone, sure, last: isWhole ? now : key.parent.last } };
  });
  return { ...state, keys, time: now };
}

/** The answer of a server of another signer about the keys of the zone. */
export interface SignerAnswer {
  hasKey(key: KeyProgress): boolean;
  /** Whether its CDS and CDNSKEY records ask the parent for the key; undefined: it has none, and so asks for nothing. */
  hasCds(key: KeyProgress): boolean | undefined;
  /** Seconds: TTL of its DNSKEY RRset. */
  readonly ttl: number;
}

const NEVER: Lasting = { since: undefined, sure: undefined };
const NOTHING_SEEN: SignersSight = {
  hasKey: NEVER,
  lacksKey: NEVER,
  hasCds: NEVER,
  lacksCds: NEVER,
  last: undefined,
};

/**
 * Notes the answers of the servers of the other signers at `at`, as parentSeen() does. `propagation`: seconds until all their
 * servers answer as the asked ones do. The TTLs of their DNSKEY RRsets count as served: a resolver may hold those as well as ours.
 */
export function signersSeen(
  state: ZoneKeys,
  at: number,
  answers: readonly (SignerAnswer | undefined)[],
  propagation: number,
): ZoneKeys {
  const known = answers.filter((answer) => answer !== undefined);
  if (known.length === 0) return state;
  const now = Math.max(at, state.time);
  const isWhole = known.length === answers.length;
  const keys = state.keys.map((key) => {
    const before = key.signers ?? NOTHING_SEEN;
    const noted = (lasting: Lasting, holds: (answer: SignerAnswer) => boolean): Lasting => {
      if (!known.every(holds)) return NEVER;
      const since = lasting.since ?? (isWhole ? now : undefined);
      const isSure = isWhole && since !== undefined && now >= since + propagation;
      return { since, sure: lasting.sure ?? (isSure ? now : undefined) };
    };
    const signers: SignersSight = {
      hasKey: noted(before.hasKey, (answer) => answer.hasKey(key)),
      lacksKey: noted(before.lacksKey, (answer) => !answer.hasKey(key)),
      hasCds: noted(before.hasCds, (answer) => answer.hasCds(key) !== false),
      lacksCds: noted(before.lacksCds, (answer) => answer.hasCds(key) !== true),
      last: isWhole ? now : before.last,
    };
    return { ...key, signers };
  });
  const ttls = known.map(({ ttl }) => ttl);
  return { ...state, keys, ttls: { ...state.ttls, dnskey: noteTtls(state.ttls.dnskey, ttls, now) }, time: now };
}

/**
 * Somebody says that all servers of the parent have, or have no more, the DS record of a key. Throws ADOTD_DNSSEC_KEY for a key
 * that is not there, and where the parent's servers are asked: they know better.
 */
export function dsConfirmed(
  state: ZoneKeys,
  id: string,
  isThere: boolean,
  at: number,
  isParentAsked: boolean,
): ZoneKeys {
  checkKey(state, id);
  const now = Math.max(at, state.time);
  if (isParentAsked)
    throw new AdotdError(
      ErrorCode.DNSSEC_KEY,
      `found DS records confirmed by hand for key ${id}, expected none, as the parent's servers are asked: wait for them, or take them out of the policy`,
    );
  const keys = state.keys.map((key) =>
    key.id === id
      ? {
          ...key,
          parent: { seen: isThere ? now : undefined, gone: isThere ? undefined : now, sure: now, last: undefined },
        }
      : key,
  );
  return { ...state, keys, time: now };
}

/** Asks for new keys of a role. While keys of that role are on their way, the roll waits for them. */
export function rollAsked(state: ZoneKeys, role: KeyRole): ZoneKeys {
  return state.rolls.includes(role) ? state : { ...state, rolls: [...state.rolls, role] };
}

/**
 * Replaces a key that others may know, at once: a new key is made at the next step, whether this one was in use already or not. It
 * disappears as fast as the rules allow. Throws ADOTD_DNSSEC_KEY for a key that is not there.
 */
export function compromised(state: ZoneKeys, id: string): ZoneKeys {
  checkKey(state, id);
  const keys = state.keys.map((key) => (key.id === id ? { ...key, goal: 'hidden' as const } : key));
  return { ...state, keys };
}

function checkKey({ keys }: ZoneKeys, id: string): void {
  if (keys.some((key) => key.id === id)) return;
  throw new AdotdError(ErrorCode.DNSSEC_KEY, `found no key ${id}, expected one of the zone`);
}

/** Stops all states, or lets them move again. */
export function frozen(state: ZoneKeys, isFrozen: boolean): ZoneKeys {
  return { ...state, isFrozen };
}

/** Makes the zone unsigned by and by, or signed again. */
export function leaving(state: ZoneKeys, isLeaving: boolean): ZoneKeys {
  return { ...state, isLeaving };
}

/** Allows a first key, even if the zone was signed before, and whatever others say of DS records. */
export function startAllowed(state: ZoneKeys): ZoneKeys {
  return { ...state, isStartAllowed: true };
}
