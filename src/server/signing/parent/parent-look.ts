/** A look at the DS records of a zone at all servers of its parent: its result, and the time of the next look. */
import { DigestType, dsRdata } from '../../../dnssec/keys/delegation-signer.js';
import type { KeyProgress, ZoneKeys } from '../../../dnssec/rollover/key-state.js';
import { endOf } from '../../../dnssec/rollover/waits.js';
import { counted } from '../../../errors.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import type { StoredSigning } from '../stored/stored-signing.js';
import type { ResolverSays } from './delegation-resolver.js';
import type { DsAnswer } from './parent-servers.js';

export interface ParentLook {
  /** Seconds since 1970. */
  readonly at: number;
  /** Whether resolvers were asked, not the servers of the parent. */
  readonly isByResolver: boolean;
  /** The result in words. */
  readonly text: string;
  /** Whether there is no DS record (Facts.isDsDenied); undefined: that is not known. */
  readonly isDenied: boolean | undefined;
  /** RDATA of the DS records that any server has. */
  readonly ds: readonly Uint8Array[];
  /** Whether there are DS records, and none is of a key of the zone: then the zone is bogus for validators. */
  readonly isForeign: boolean;
  /** Looks, this one included, since the last one that was answered as a whole. */
  readonly silent: number;
  /** Since when no resolver is there; undefined: some are, or the parent is asked. */
  readonly silentSince: number | undefined;
}

/** Judge the DS records of an answer. */
export interface Judges {
  /** Whether there are DS records, and none is of a key of the zone. Those of other signers (RFC 8901) do not count. */
  isForeign(ds: readonly Uint8Array[]): boolean;
  /** Whether there are none but those of other signers. */
  isDenial(ds: readonly Uint8Array[]): boolean;
}

/** Seconds between two looks: half of the time that caches keep DS records, within these bounds. A guess. */
const MIN_INTERVAL = 1;
const MAX_INTERVAL = 3600;
/** Seconds until the DS record of a key in use is looked at again. A guess: only people change it. */
const WATCH_INTERVAL = 86_400;
/** Seconds until resolvers that did not answer are asked again; twice as many after each further failure. A guess. */
const RETRY = 5;
/** Seconds for which a look says whether a zone may be given its first key. A guess. */
const FRESH = 300;
/** Seconds without any resolver after which a zone gets its first key all the same. A guess: a slow network has come up by then. */
const LONELY = 60;
const DIGESTS = Object.values(DigestType);
/** Where the digest type is in DS RDATA. */
const DIGEST_TYPE = 3;

/**
 * Whether a server has a DS record of this key. Where we cannot make the digest, tag and algorithm decide: if such a record counted as
 * absent, the key would go while validators that know the digest need it.
 */
export function hasDs(answer: readonly Uint8Array[], dnskey: Uint8Array, zone: Uint8Array): boolean {
  const own = dsRdata(dnskey, zone);
  const isOfKey = (rdata: Uint8Array): boolean => Buffer.compare(rdata.subarray(0, 3), own.subarray(0, 3)) === 0;
  return answer.some((rdata) => {
    const digest = DIGESTS.find((known) => known === rdata[DIGEST_TYPE]);
    if (digest === undefined) return isOfKey(rdata);
    return Buffer.compare(rdata, dsRdata(dnskey, zone, digest)) === 0;
  });
}

/** `failures`: why servers gave no answer. */
export function lookOf(
  answers: readonly DsAnswer[],
  failures: readonly string[],
  now: number,
  before: ParentLook | undefined,
  { isForeign, isDenial }: Judges,
): ParentLook {
  const known = answers.filter((answer) => answer !== undefined);
  const isWhole = answers.length > 0 && known.length === answers.length;
  const shown = new Set(known.map(shownDs));
  const text = [`${known.length} of ${counted(answers.length, 'server')} of the parent answered`, ...shown].join(' ');
  return {
    at: now,
    isByResolver: false,
    text: [text, ...failures].join('; '),
    isDenied: isWhole ? known.every(isDenial) : undefined,
    ds: known.flat(),
    isForeign: known.some(isForeign),
    silent: isWhole ? 0 : (before?.silent ?? 0) + 1,
    silentSince: undefined,
  };
}

/** The look by the answer of resolvers. Where no resolver is there for a while, nobody can be asked: then a zone is signed all the same. */
export function resolverLookOf(
  says: ResolverSays,
  now: number,
  before: ParentLook | undefined,
  { isForeign, isDenial }: Judges,
): ParentLook {
  const look = { at: now, isByResolver: true, ds: [], isForeign: false, silentSince: undefined };
  if (says.kind === 'answer') {
    const { ds } = says;
    return {
      ...look,
      text: `resolvers answer ${shownDs(ds)}`,
      isDenied: isDenial(ds),
      ds,
      isForeign: isForeign(ds),
      silent: 0,
    };
  }
  const silent = (before?.silent ?? 0) + 1;
  if (says.kind === 'unclear')
    return { ...look, text: `resolvers do not say: ${says.reason}`, isDenied: undefined, silent };
  const silentSince = before?.silentSince ?? now;
  const isDenied = now - silentSince >= LONELY ? true : undefined;
  return { ...look, text: `no resolver is there: ${says.reason}`, isDenied, silent, silentSince };
}

function shownDs(ds: readonly Uint8Array[]): string {
  const tags = new Set(ds.map((rdata) => ((rdata[0] ?? 0) << 8) | (rdata[1] ?? 0)));
  return tags.size === 0
    ? 'without a DS record'
    : `with DS records of key ${[...tags].sort((a, b) => a - b).join(', ')}`;
}

/** `own`: our keys, and `others`: those of other signers; RDATA of their DNSKEY records. */
export function judgesOf(apex: Uint8Array, own: readonly Uint8Array[], others: readonly Uint8Array[]): Judges {
  const isOfOthers = (ds: Uint8Array): boolean => others.some((dnskey) => hasDs([ds], dnskey, apex));
  return {
    isForeign(ds) {
      const ours = ds.filter((one) => !isOfOthers(one));
      // Validators do not heed DS records whose digests they do not know (RFC 4035 §5.2); where there is no key, all count.
      const heeded =
        own.length === 0 ? ours : ours.filter((one) => DIGESTS.some((digest) => digest === one[DIGEST_TYPE]));
      return heeded.length > 0 && !own.some((dnskey) => hasDs(heeded, dnskey, apex));
    },
    isDenial: (ds) => ds.every(isOfOthers),
  };
}

/** The message where a look found DS records of other keys only, with the remedy. */
export function foreignDsText({ text }: ParentLook, { keys }: ZoneKeys, zone: string): string {
  const gives = `give it those keys with adotd ctl dnssec import ${zone}`;
  if (keys.length > 0)
    return `is bogus for resolvers that validate: its DS records are of none of its keys (${text}); ${gives}, or have the DS records replaced by those that adotd keys zone ${zone} prints`;
  return `gets no key, and is bogus for resolvers that validate: it has DS records, so it was signed before, and its keys are not here (${text}); ${gives}, or have the DS records removed; adotd ctl dnssec start ${zone} makes a new key all the same`;
}

/** The hint where a first key waits for an answer about DS records. */
export function startText(zone: string): string {
  return `adotd ctl dnssec start ${zone} makes a key without that`;
}

/** The look, if it asked the servers that the policy wants asked: those of the parent, or resolvers. */
export function lookInUse(look: ParentLook | undefined, { rollover }: DnssecPolicy): ParentLook | undefined {
  return look?.isByResolver === rollover.isParentAsked ? undefined : look;
}

/** Facts.isDsDenied for a zone that has no key yet. */
export function denialOf(
  { look, isDelegated }: Looked,
  policy: DnssecPolicy | undefined,
  now: number,
): boolean | undefined {
  if (policy?.rollover.isParentAsked !== true && !isDelegated) return true;
  const known = policy && lookInUse(look, policy);
  const isFresh = known !== undefined && now >= known.at && now - known.at <= FRESH;
  return isFresh ? known.isDenied : undefined;
}

/** The facts that decide when a zone's DS records are looked at. */
interface Looked {
  readonly look: ParentLook | undefined;
  /** Whether its name may have been delegated in the public DNS. */
  readonly isDelegated: boolean;
  /** Seconds since 1970: before that, the DS records of keys in use are not looked at. */
  readonly watchedFrom: number;
}

/**
 * Seconds since 1970: when DS records are to be looked at next; undefined: nothing depends on them. `policy`: the configured one, or the
 * last one.
 */
export function nextLook(
  { keys }: StoredSigning,
  policy: DnssecPolicy | undefined,
  isConfigured: boolean,
  { look, isDelegated, watchedFrom }: Looked,
): number | undefined {
  if (policy === undefined || keys.isFrozen) return undefined;
  const { isParentAsked } = policy.rollover;
  if (!isParentAsked && !isDelegated) return undefined;
  const isStarting = keys.keys.length === 0 && isConfigured && (isParentAsked || !keys.isStartAllowed);
  const isUrgent = isStarting || keys.keys.some(isAtParent);
  if (!isUrgent && !keys.keys.some(isKnownToParent)) return undefined;
  const last = lookInUse(look, policy);
  if (last === undefined) return isUrgent ? 0 : watchedFrom;
  const longest = isUrgent || last.isForeign ? MAX_INTERVAL : WATCH_INTERVAL;
  return isParentAsked
    ? nextParentLook(last, keys, policy, isUrgent, longest)
    : nextResolverLook(last, isStarting, longest);
}

/** `isUrgent`: something waits for the parent. `longest`: seconds between two looks. */
function nextParentLook(
  { at, silent }: ParentLook,
  keys: ZoneKeys,
  { rollover }: DnssecPolicy,
  isUrgent: boolean,
  longest: number,
): number {
  const half = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, Math.floor(rollover.dsTtl / 2)));
  if (silent > 0) return at + Math.min(longest, half * 2 ** Math.min(silent, 20));
  // A state moves only by a look that comes after its time is over.
  const ends = keys.keys.filter(isAtParent).flatMap((key) => endOf(key, 'ds', keys, rollover) ?? []);
  return Math.min(at + (isUrgent ? half : longest), ...ends.filter((end) => end > at));
}

/** `isStarting`: a first key waits for the answer. `longest`: seconds between two looks. */
function nextResolverLook({ at, silent, silentSince }: ParentLook, isStarting: boolean, longest: number): number {
  const next = at + (silent === 0 ? longest : Math.min(longest, RETRY * 2 ** Math.min(silent - 1, 20)));
  const lonely = isStarting && silentSince !== undefined ? silentSince + LONELY : next;
  return lonely > at ? Math.min(next, lonely) : next;
}

/** Whether the parent has the DS record of a key, as far as is known. */
function isKnownToParent({ role, records }: KeyProgress): boolean {
  return role !== 'zsk' && records.ds.state === 'omnipresent';
}

/** Whether the DS record of a key is about to be published or removed at the parent. */
function isAtParent({ role, records }: KeyProgress): boolean {
  const { state, since } = records.ds;
  return role !== 'zsk' && since !== undefined && (state === 'rumoured' || state === 'unretentive');
}
