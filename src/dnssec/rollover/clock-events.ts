/** Moves the times that are noted of a zone's keys when the clock is set. */
import type { KeyProgress, Lasting, RecordProgress, SignersSight, ZoneKeys } from './key-state.js';

/** Seconds by which the clock is behind the latest time that the keys have seen; 0: it is not. */
export function clockBehind({ time }: ZoneKeys, now: number): number {
  return Math.max(0, time - now);
}

/**
 * The clock was set forward by `seconds`, to `now`. All noted times move with it, but none beyond it: so each is as long ago as it
 * was before, whether the clock was behind then or is ahead now.
 */
export function clockSetForward(state: ZoneKeys, seconds: number, now: number): ZoneKeys {
  const shift = Math.min(seconds, now - state.time);
  return shift > 0 ? withTimes(state, (time) => time + shift) : state;
}

/**
 * Somebody says that the clock, which was ahead, is right at `now`. An event that is noted for a later time has happened by then: it
 * counts as happening now, so that nothing moves too early. Such events keep their order, a second apart.
 */
export function clockTrusted(state: ZoneKeys, now: number): ZoneKeys {
  const later = [...new Set(timesOf(state).filter((time) => time > now))].sort((a, b) => a - b);
  const keys = state.keys.map((key) => ({ ...key, signers: undefined })); // They are asked again.
  const trusted = withTimes({ ...state, keys }, (time) => (time > now ? now + later.indexOf(time) : time));
  return { ...trusted, time: Math.min(state.time, now) };
}

function timesOf(state: ZoneKeys): number[] {
  const times: number[] = [];
  withTimes(state, (time) => {
    times.push(time);
    return time;
  });
  return times;
}

/** The states with all their times as `move` has them. */
function withTimes(state: ZoneKeys, move: (time: number) => number): ZoneKeys {
  const moved = <T extends number | undefined>(time: T): T => (time === undefined ? time : (move(time) as T));
  const progress = ({ state: own, since }: RecordProgress): RecordProgress => ({ state: own, since: moved(since) });
  const lasting = ({ since, sure }: Lasting): Lasting => ({ since: moved(since), sure: moved(sure) });
  const sight = ({ hasKey, lacksKey, hasCds, lacksCds, last }: SignersSight): SignersSight => ({
    hasKey: lasting(hasKey),
    lacksKey: lasting(lacksKey),
    hasCds: lasting(hasCds),
    lacksCds: lasting(lacksCds),
    last: moved(last),
  });
  const keys = state.keys.map((key): KeyProgress => {
    const { dnskey, krrsig, zrrsig, ds } = key.records;
    const { seen, gone, sure, last } = key.parent;
    return {
      ...key,
      created: moved(key.created),
      active: moved(key.active),
      records: { dnskey: progress(dnskey), krrsig: progress(krrsig), zrrsig: progress(zrrsig), ds: progress(ds) },
      parent: { seen: moved(seen), gone: moved(gone), sure: moved(sure), last: moved(last) },
      signers: key.signers && sight(key.signers),
    };
  });
  const served = (kind: 'dnskey' | 'zone' | 'ds') =>
    state.ttls[kind].map(({ ttl, last }) => ({ ttl, last: moved(last) }));
  const ttls = { dnskey: served('dnskey'), zone: served('zone'), ds: served('ds') };
  const foreign = state.foreign.map((key) => ({ ...key, record: progress(key.record) }));
  return { ...state, keys, foreign, ttls, time: moved(state.time) };
}
