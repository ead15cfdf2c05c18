/**
 * A parent that follows CDS: late, with servers that lag, do not answer, or answer in turns with the old and the new. It may read an
 * older CDS from a secondary that lags, and take a step back.
 */
import { Versions } from './caches.js';

const DAY = 86_400;

/** What the parent read: ids of keys, `delete`, or nothing to do. */
export type Cds = readonly string[] | 'delete';

interface Planned {
  readonly at: number;
  readonly server: number;
  readonly ds: readonly string[];
}

export class Parent {
  /** By server: what it answers. */
  readonly servers: (readonly string[])[];
  readonly versions: readonly Versions<readonly string[]>[];
  readonly #random: () => number;
  readonly #ttl: number;
  readonly #lag: number;
  /** By server: how long it takes to get an update. */
  readonly #lags: readonly number[];
  readonly #propagation: number;
  /** Longest time from reading CDS to acting on it. */
  readonly #processing: number;
  /** Whether new DS records are added first, and old ones removed later. */
  readonly #isCareful: boolean;
  #planned: Planned[] = [];
  /** By server, until when it answers in turns with what it had. */
  readonly #wavering: { until: number; ds: readonly string[] }[];

  constructor(random: () => number, ttl: number, propagation: number) {
    this.#random = random;
    this.#ttl = ttl;
    this.#propagation = propagation;
    const count = 1 + Math.floor(random() * 3);
    this.servers = Array.from({ length: count }, () => []);
    this.versions = this.servers.map(() => new Versions<readonly string[]>());
    for (const versions of this.versions) versions.serve([], ttl, 0);
    this.#wavering = this.servers.map(() => ({ until: 0, ds: [] }));
    this.#lag = random() < 0.3 ? 0 : random() * 5 * DAY;
    this.#lags = this.servers.map(() => random() * this.#lag);
    this.#processing = random() < 0.5 ? random() * DAY : random() * 60 * DAY;
    this.#isCareful = random() < 0.5;
  }

  /** Reads CDS at `now`. What it asks for comes to be later, in the order in which it was read. */
  read(cds: Cds, now: number): void {
    const ds = cds === 'delete' ? [] : cds;
    const start = now + this.#processing;
    const before = this.#planned.at(-1)?.ds ?? this.servers[0]!;
    const steps = this.#isCareful && ds.length > 0 ? [[...new Set([...before, ...ds])], ds] : [ds];
    steps.forEach((step, i) => {
      this.servers.forEach((_, server) => {
        // A server gets its updates in order.
        const last = this.#planned.findLast((one) => one.server === server)?.at ?? 0;
        const at = Math.max(last, start + i * this.#lag + this.#lags[server]!);
        this.#planned.push({ at, server, ds: step });
      });
    });
    this.#planned.sort((a, b) => a.at - b.at);
  }

  /** When something changes next. */
  next(): number {
    return this.#planned[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Does what is due. Returns whether something changed. */
  advance(now: number): boolean {
    let hasChanged = false;
    while ((this.#planned[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
      const { server, ds } = this.#planned.shift()!;
      if (JSON.stringify(this.servers[server]) === JSON.stringify(ds)) continue;
      const end = now + this.#propagation;
      if (this.#random() < 0.3)
        this.#wavering[server] = { until: now + this.#random() * this.#propagation, ds: this.servers[server]! };
      this.servers[server] = ds;
      this.versions[server]!.serve(ds, this.#ttl, end);
      hasChanged = true;
    }
    return hasChanged;
  }

  /** What each server answers at `now`; undefined: it does not. */
  answers(now: number): (readonly string[] | undefined)[] {
    return this.servers.map((ds, server) => {
      if (this.#random() < 0.1) return undefined;
      const wavering = this.#wavering[server]!;
      return now < wavering.until && this.#random() < 0.5 ? wavering.ds : ds;
    });
  }
}
