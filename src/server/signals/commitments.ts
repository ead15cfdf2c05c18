/**
 * The commitments that signals of DNS over TLS make, for as long as resolvers may know of them: this server speaks DNS over TLS under a
 * name, on a port. They are remembered across restarts. PinRollover knows which keys are promised.
 */
import * as z from 'zod/mini';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { StoredTable } from '../../state/stored-table.js';

/** Name of their table in the state. */
export const COMMITMENTS = 'commitments';

/** TTLs that a commitment lasts when no nameserver has its records any more, as for keys (RFC 7671 §8.1): caches may ask caches. */
const TTLS = 2;

/** The stored form, as JSON, by the key of the name. */
const storedPorts = z.array(
  z.object({
    /** Key of the zone that has, or had, the records. */
    zone: z.string(),
    port: z.number(),
    /** Seconds: the longest TTL that the records had. */
    ttl: z.number(),
    /** The first version of the zone without the records; undefined: it has them. */
    serial: z.optional(z.number()),
    /** Since when all secondaries have such a version, in seconds since 1970; undefined: not all of them, as far as is known. */
    gone: z.optional(z.number()),
  }),
);
type StoredPort = z.output<typeof storedPorts>[number];

/** A commitment that resolvers may know of. */
export interface Commitment {
  /** Key of the name. */
  readonly name: string;
  readonly zone: string;
  readonly port: number;
  /** Seconds for which it lasts when no nameserver has its records any more. */
  readonly lasts: number;
  /** Seconds since 1970: when it ends; undefined: a nameserver has the records, or may have them. */
  readonly until: number | undefined;
}

type Table = Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'>;

export class Commitments {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #names = new Map<string, readonly StoredPort[]>();

  /** Damaged entries are left out, with an error in the log. */
  constructor(table: Table, clock: Clock, log: Log) {
    this.#table = table;
    this.#clock = clock;
    for (const name of table.keys()) {
      try {
        this.#names.set(name, decoded(table.get(name) ?? new Uint8Array(0)));
      } catch (error) {
        const text = `what signals of DNS over TLS promise for ${name} cannot be read: ${messageOf(error)}`;
        log.error({ err: error, name }, text);
      }
    }
  }

  /** Those that resolvers may know of now. */
  get standing(): Commitment[] {
    const now = this.#clock.seconds();
    return [...this.#names].flatMap(([name, ports]) => ports.flatMap((one) => standingOf(name, one, now)));
  }

  /** Zones of which a version has records, as far as is known. */
  zones(): Set<string> {
    return new Set(
      [...this.#names.values()].flatMap((ports) =>
        ports.flatMap(({ zone, serial }) => (serial === undefined ? zone : [])),
      ),
    );
  }

  /** A version of the zone has records for these names, each with a port, and for no others. Rejects with ADOTD_STATE. */
  async inZone(
    { zone, serial, ttl }: { readonly zone: string; readonly serial: number; readonly ttl: number },
    promised: ReadonlyMap<string, number>,
  ): Promise<void> {
    for (const name of new Set([...this.#names.keys(), ...promised.keys()])) {
      const port = promised.get(name);
      const before = this.#names.get(name) ?? [];
      const isIt = (one: StoredPort): boolean => one.zone === zone && one.port === port;
      const others = before.flatMap((one): StoredPort[] => {
        if (isIt(one) || this.#isOver(one)) return [];
        return [one.zone === zone && one.serial === undefined ? { ...one, serial } : one];
      });
      const longest = Math.max(ttl, ...before.filter(isIt).map((one) => one.ttl));
      await this.#write(name, port === undefined ? others : [...others, { zone, port, ttl: longest }]);
    }
  }

  /** By zone, the serials that secondaries are to have: of versions without the records. */
  unconfirmed(): Map<string, number[]> {
    const zones = new Map<string, number[]>();
    for (const { zone, serial, gone } of [...this.#names.values()].flat())
      if (serial !== undefined && gone === undefined) zones.set(zone, [...(zones.get(zone) ?? []), serial]);
    return zones;
  }

  /** All secondaries of a zone have answered; `isShown`: whether all of them have a serial, or a later one. Rejects with ADOTD_STATE. */
  async confirmed(zone: string, isShown: (serial: number) => boolean): Promise<void> {
    // A second that has begun counts as gone.
    const now = this.#clock.seconds() + 1;
    for (const [name, ports] of this.#names) {
      const isGone = ({ zone: of, serial, gone }: StoredPort): boolean =>
        of === zone && serial !== undefined && gone === undefined && isShown(serial);
      await this.#write(
        name,
        ports.map((one) => (isGone(one) ? { ...one, gone: now } : one)),
      );
    }
  }

  #isOver({ gone, ttl }: StoredPort): boolean {
    return gone !== undefined && gone + TTLS * ttl <= this.#clock.seconds();
  }

  /** Stores the ports of a name, if they have changed. */
  async #write(name: string, ports: readonly StoredPort[]): Promise<void> {
    const before = this.#names.get(name);
    if (JSON.stringify(before ?? []) === JSON.stringify(ports)) return;
    if (ports.length === 0) {
      this.#names.delete(name);
      await this.#table.remove(name);
    } else {
      this.#names.set(name, ports);
      await this.#table.put(name, Buffer.from(JSON.stringify(ports)));
    }
  }
}

/** The commitments of a table that resolvers may know of at `now`, in seconds since 1970; damaged entries are left out. */
export function storedCommitments(table: ReadonlyMap<string, Uint8Array>, now: number): Commitment[] {
  return [...table].flatMap(([name, value]) => {
    try {
      return decoded(value).flatMap((one) => standingOf(name, one, now));
    } catch {
      // The server says so when it starts.
      return [];
    }
  });
}

function decoded(value: Uint8Array): StoredPort[] {
  return storedPorts.parse(JSON.parse(Buffer.from(value).toString('utf8')));
}

function standingOf(name: string, { zone, port, ttl, gone }: StoredPort, now: number): Commitment[] {
  const lasts = TTLS * ttl;
  const until = gone === undefined ? undefined : gone + lasts;
  return until !== undefined && until <= now ? [] : [{ name, zone, port, lasts, until }];
}
