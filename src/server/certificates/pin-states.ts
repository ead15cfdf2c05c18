/**
 * The knowledge that resolvers may have of the keys under a server's name, by TLSA records that the server has published: the state of each
 * pin, and the moment from which a certificate with it may be served (RFC 7671 §8.1). Pure: `now` is in seconds since 1970.
 */

/** A pin: SHA-256 of a public key, in hexadecimal. Plain data, to be stored as JSON. */
export interface PinState {
  readonly pin: string;
  /** A version of the zone that has its record; undefined: none yet. */
  readonly serial?: number | undefined;
  /** Since when all secondaries have such a version; undefined: not all of them, as far as is known. */
  readonly out?: number | undefined;
  /** Seconds: the longest TTL of RRsets without this record that caches may have. */
  readonly ttl?: number | undefined;
  /** A certificate with it is served, or was. */
  readonly isServed: boolean;
  /** Since when it is neither served nor to be served. */
  readonly left?: number | undefined;
}

/** The pins under a name. Plain data, to be stored as JSON. */
export interface NamePins {
  /** Key of the zone that has the records. */
  readonly zone: string;
  /** Seconds: TTL of the records. */
  readonly ttl: number;
  /** A longer TTL that records had before, and until when caches may have those. */
  readonly longest?: { readonly ttl: number; readonly until: number } | undefined;
  readonly pins: readonly PinState[];
  /** The records are not to be there any more: the first version without them, and since when all secondaries have it. */
  readonly gone?: { readonly serial: number; readonly since?: number | undefined } | undefined;
}

/** TTLs that a record is out before its key is served, and stays after it was: RFC 7671 §8.1 asks for two. */
const TTLS = 2;

/** The pins of a name that gets its first records: resolvers know nothing of it, so a served key needs no wait. */
export function firstPins(zone: string, ttl: number, served: readonly string[]): NamePins {
  return { zone, ttl, pins: served.map((pin) => ({ pin, isServed: true })) };
}

/**
 * Follows the pins of certificates that are served, and of those that wait. New pins come; pins of neither kind leave. A pin that leaves is
 * forgotten when its time is over, or at once when no version of the zone has it.
 */
export function withServed(
  state: NamePins,
  served: ReadonlySet<string>,
  offered: ReadonlySet<string>,
  now: number,
): NamePins {
  const known = new Set(state.pins.map(({ pin }) => pin));
  const fresh = [...served, ...offered].filter((pin, index, all) => !known.has(pin) && all.indexOf(pin) === index);
  const pins = state.pins.flatMap((one): PinState[] => {
    const isServed = one.isServed || served.has(one.pin);
    if (served.has(one.pin) || offered.has(one.pin)) return [{ ...one, isServed, left: undefined }];
    const left = one.left ?? now;
    if (one.serial === undefined || now >= left + TTLS * longestTtl(state, now)) return [];
    return [{ ...one, left }];
  });
  return { ...state, pins: [...pins, ...fresh.map((pin) => ({ pin, isServed: served.has(pin) }))] };
}

/** The records of these pins are in a version of the zone. */
export function withZone(
  state: NamePins,
  inZone: ReadonlySet<string>,
  version: { readonly zone: string; readonly serial: number; readonly ttl: number },
  now: number,
): NamePins {
  const before = longestTtl(state, now);
  const { zone, serial, ttl } = version;
  const isShorter = ttl < before;
  const longest = isShorter ? (state.longest ?? { ttl: before, until: now + TTLS * before }) : undefined;
  const pins = state.pins.map((one) => {
    // A record that is not there any more, for whatever reason, has to be out anew.
    if (!inZone.has(one.pin)) return { ...one, serial: undefined, out: undefined };
    return one.serial === undefined ? { ...one, serial, ttl: Math.max(before, ttl) } : one;
  });
  return { ...state, zone, ttl, longest, pins, gone: undefined };
}

/** Another zone has the records of the name from now on. */
export function inAnotherZone(state: NamePins, zone: string): NamePins {
  return { ...state, zone, pins: state.pins.map((one) => ({ ...one, serial: undefined, out: undefined })) };
}

/** The records are not to be there any more, and `serial` is a version without them. */
export function withoutRecords(state: NamePins, serial: number): NamePins {
  if (state.gone !== undefined) return state;
  const pins = state.pins.map((one) => ({ ...one, serial: undefined, out: undefined }));
  return { ...state, pins, gone: { serial } };
}

/** All secondaries of the zone have answered; `isShown`: whether all of them have a serial, or a later one. */
export function withSecondaries(state: NamePins, isShown: (serial: number) => boolean, now: number): NamePins {
  const pins = state.pins.map((one) =>
    one.out === undefined && one.serial !== undefined && isShown(one.serial) ? { ...one, out: now } : one,
  );
  const { gone } = state;
  const isGone = gone !== undefined && gone.since === undefined && isShown(gone.serial);
  return { ...state, pins, gone: isGone ? { ...gone, since: now } : gone };
}

/** Whether nobody may know of records any more. */
export function isForgotten(state: NamePins, now: number): boolean {
  const { gone } = state;
  return gone?.since !== undefined && now >= gone.since + TTLS * longestTtl(state, now);
}

/** When a certificate with this pin may be served; 0: at once; undefined: that is not known yet. */
export function readyAt(state: NamePins, pin: string, now: number): number | undefined {
  const one = state.pins.find((known) => known.pin === pin);
  if (one?.isServed) return 0;
  const { gone } = state;
  // Without records, the key waits until nobody knows the old ones.
  if (gone !== undefined) return gone.since === undefined ? undefined : gone.since + TTLS * longestTtl(state, now);
  if (one?.out === undefined) return undefined;
  return one.out + TTLS * (one.ttl ?? state.ttl);
}

/** The serials that secondaries are asked for: of versions that not all of them have, as far as is known. */
export function unconfirmed({ pins, gone }: NamePins): number[] {
  const serials = pins.flatMap(({ serial, out }) => (serial !== undefined && out === undefined ? serial : []));
  return gone !== undefined && gone.since === undefined ? [...serials, gone.serial] : serials;
}

/** The moments after `now` at which a wait is over. */
export function moments(state: NamePins, now: number): number[] {
  const ttl = longestTtl(state, now);
  const all = [
    ...state.pins.flatMap(({ pin, left }) => (left === undefined ? readyAt(state, pin, now) : left + TTLS * ttl) ?? []),
    ...(state.gone?.since === undefined ? [] : [state.gone.since + TTLS * ttl]),
  ];
  return all.filter((moment) => moment > now);
}

function longestTtl({ ttl, longest }: NamePins, now: number): number {
  return longest !== undefined && now < longest.until ? Math.max(ttl, longest.ttl) : ttl;
}
