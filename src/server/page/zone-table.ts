/** The table of zones, part by part: a server may have many. Viewers share the look at all of them. */
import { ZONES_A_PAGE, type ZoneOrder, type ZonePage, type ZoneRow } from '../../page/contract.js';
import { durationText } from '../../page/format.js';
import type { Server } from '../server.js';
import type { ZoneStatus } from '../zones/zone-outcome.js';
import { statusOfAll, statusWithTies } from '../zones/zone-ties.js';

/** Milliseconds for which a look at all zones is used. Measured: with 10,000 zones it takes some 10. */
const LOOK_TIME = 3000;
/** Characters of a filter: those of the longest name. */
const MAX_FILTER = 1023;

interface Look {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly zones: readonly ZoneStatus[];
  /** In other orders, once somebody has asked for them. */
  readonly ordered: Map<ZoneOrder, readonly ZoneStatus[]>;
}

/** The rows that are asked for. */
interface ZoneRequest {
  readonly filter: string;
  readonly order: ZoneOrder;
  /** Index of the first row. */
  readonly first: number;
}

export class ZoneTable {
  readonly #server: () => Server | undefined;
  readonly #now: () => number;
  #look: Look | undefined;

  /** `server`: undefined while it starts. `now`: milliseconds since 1970. */
  constructor(server: () => Server | undefined, now: () => number) {
    this.#server = server;
    this.#now = now;
  }

  async page({ filter, order, first }: ZoneRequest): Promise<ZonePage> {
    const server = this.#server();
    if (server === undefined) return { at: this.#now(), all: 0, matching: 0, first: 0, rows: [] };
    const look = this.#lookAt(server);
    const wanted = filter.slice(0, MAX_FILTER).toLowerCase();
    const zones = orderedBy(look, order).filter(({ name }) => name.toLowerCase().includes(wanted));
    const begin = Math.min(first, Math.max(0, Math.floor((zones.length - 1) / ZONES_A_PAGE) * ZONES_A_PAGE));
    const shown = zones.slice(begin, begin + ZONES_A_PAGE);
    const rows = await Promise.all(shown.map((status) => rowOf(status, server, look.at / 1000)));
    return { at: look.at, all: look.zones.length, matching: zones.length, first: begin, rows };
  }

  #lookAt(server: Server): Look {
    const now = this.#now();
    const age = now - (this.#look?.at ?? Number.NEGATIVE_INFINITY);
    if (this.#look !== undefined && age >= 0 && age < LOOK_TIME) return this.#look;
    const zones = statusOfAll(server.loaded, server.keeper).sort(byName);
    this.#look = { at: now, zones, ordered: new Map([['name', zones]]) };
    return this.#look;
  }
}

const STATES = ['failed', 'kept', 'served'];

/** Each order goes on by name. */
const ORDERS: Readonly<Record<ZoneOrder, (one: ZoneStatus, other: ZoneStatus) => number>> = {
  name: () => 0,
  state: (one, other) => STATES.indexOf(one.state) - STATES.indexOf(other.state),
  records: (one, other) => other.records - one.records,
  signatures: (one, other) => expiry(one) - expiry(other),
};

function orderedBy({ zones, ordered }: Look, order: ZoneOrder): readonly ZoneStatus[] {
  const known = ordered.get(order);
  if (known !== undefined) return known;
  const sorted = [...zones].sort(ORDERS[order]);
  ordered.set(order, sorted);
  return sorted;
}

function byName({ name: one }: ZoneStatus, { name: other }: ZoneStatus): number {
  return one < other ? -1 : Number(one > other);
}

function expiry({ signaturesExpire }: ZoneStatus): number {
  return signaturesExpire ?? Number.MAX_VALUE;
}

async function rowOf(status: ZoneStatus, { loaded, keeper, life }: Server, now: number): Promise<ZoneRow> {
  const [known] = await statusWithTies(loaded, keeper, life, status.name);
  const { name, state, serial, records, octets, signaturesExpire = null, file, ties } = known ?? status;
  const hasSerial = state !== 'failed' && records > 0;
  return {
    name,
    state,
    serial: hasSerial ? serial : null,
    records,
    octets,
    signaturesExpire,
    role: ties?.role ?? (file === '' ? 'unknown' : 'file'),
    note: [transferNote(ties, now), signingNote(ties), ...mistakes(known ?? status)]
      .filter((text) => text !== '')
      .join('; '),
  };
}

function transferNote(ties: ZoneStatus['ties'], now: number): string {
  const { state, secondary } = ties ?? {};
  const words = state === 'empty' ? 'not transferred yet' : state === 'expired' ? 'expired' : '';
  if (secondary === undefined) return words;
  const { checked, refresh, expires, error } = secondary;
  const texts = [
    words,
    error === undefined ? '' : error,
    checked === undefined ? '' : `checked ${durationText(now - checked)} ago`,
    refresh === undefined ? '' : `next in ${durationText(refresh - now)}`,
    expires === undefined || error === undefined ? '' : `expires in ${durationText(expires - now)}`,
  ];
  return texts.filter((text) => text !== '').join(', ');
}

function signingNote(ties: ZoneStatus['ties']): string {
  if (ties?.signing === undefined) return '';
  const { state, isFrozen, keys } = ties.signing;
  return `signed here: ${state}${isFrozen ? ', frozen' : ''}, ${keys} keys`;
}

/** The first error of a zone that is not served from its files as they are. */
function mistakes({ state, diagnostics }: ZoneStatus): string[] {
  if (state === 'served') return [];
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .slice(0, 1)
    .map(({ message, line }) => (line > 0 ? `line ${line}: ${message}` : message));
}
