/**
 * Holds certificates with other keys back until resolvers can know of them: a certificate is served when its TLSA record has been out for
 * two TTLs, counted from the moment when all secondaries have it. Until then, the certificate before stays in service. The published keys
 * and the served certificates are remembered across restarts.
 */
import * as z from 'zod/mini';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { StoredTable } from '../../state/stored-table.js';
import { isValidAt } from '../../tls/certificate-dates.js';
import { certificateSets, pinHex, pinsUnder } from '../../tls/certificate-sets.js';
import type { Certificate } from '../../tls/certificates.js';
import type { Loaded } from '../../tls/served.js';
import * as States from './pin-states.js';
import type { ServedPairs } from './served-pairs.js';

type NamePins = States.NamePins;
type Pair = Loaded['pairs'][number];

/** As RunningTls sees it. */
export interface CertificateGate {
  /** The certificates of the files that may be served now. `before`: those that are served; undefined at the start. */
  admit(next: Loaded, before: Loaded | undefined): Loaded;
  /** All new connections get this from now on. */
  served(loaded: Loaded): void;
}

/** A key that waits, for `ctl status`. */
export interface PinWait {
  /** Name of the server. */
  readonly name: string;
  /** In hexadecimal. */
  readonly pin: string;
  /** `zone`: its record is in no version yet. `secondaries`: not all of them have that version. `time`: caches may have an older answer. */
  readonly waitsFor: 'zone' | 'secondaries' | 'time';
  /** Seconds since 1970; undefined: that is not known yet. */
  readonly until: number | undefined;
}

/** Name of the table of published keys in the state. */
export const PINS = 'pins';

interface RolloverParts {
  readonly table: Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'>;
  readonly pairs: Pick<ServedPairs, 'read' | 'write'>;
  readonly clock: Pick<Clock, 'seconds'>;
  readonly log: Log;
}

const storedPins = z.object({
  zone: z.string(),
  ttl: z.number(),
  longest: z.optional(z.object({ ttl: z.number(), until: z.number() })),
  pins: z.array(
    z.object({
      pin: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      serial: z.optional(z.number()),
      out: z.optional(z.number()),
      ttl: z.optional(z.number()),
      isServed: z.boolean(),
      left: z.optional(z.number()),
    }),
  ),
  gone: z.optional(z.object({ serial: z.number(), since: z.optional(z.number()) })),
});

export class PinRollover implements CertificateGate {
  readonly #parts: RolloverParts;
  /** By the key of the name. */
  readonly #names = new Map<string, NamePins>();
  /** As they were stored last. */
  readonly #stored = new Map<string, string>();
  /** The certificates that were served when the server ran last. */
  readonly #former: readonly Certificate[];
  #writtenPairs = '';
  #loaded: Loaded | undefined;
  /** Pins that others know: their records go at once. */
  readonly #dropped = new Set<string>();
  /** Certificates that were served too soon, and why, with the moment after which that does no harm any more. */
  readonly #early = new Map<string, number>();

  constructor(parts: RolloverParts) {
    this.#parts = parts;
    const { table, log } = parts;
    for (const name of table.keys()) {
      try {
        const text = Buffer.from(table.get(name) ?? []).toString('utf8');
        this.#names.set(name, storedPins.parse(JSON.parse(text)));
        this.#stored.set(name, text);
      } catch (error) {
        log.error({ err: error, name }, `the keys that were published for ${name} cannot be read: ${messageOf(error)}`);
      }
    }
    this.#former = this.#names.size > 0 ? parts.pairs.read() : [];
  }

  admit(next: Loaded, before: Loaded | undefined): Loaded {
    const now = this.#now;
    const blocked = this.#blocked(next.certificates, now);
    if (blocked.size === 0) return next;
    const known = before?.certificates ?? this.#former;
    const pairs = next.pairs.map((pair) => this.#held(pair, blocked, known, next, now));
    const [first, ...others] = new Set(pairs.flatMap(({ certificate }) => certificate ?? []));
    return first === undefined ? next : { certificates: [first, ...others], pairs };
  }

  served(loaded: Loaded): void {
    this.#loaded = loaded;
    this.#follow();
  }

  /** Names with records, or with records that resolvers may know. */
  names(): string[] {
    return [...this.#names.keys()];
  }

  /** Key of the zone that has the records of a name. */
  zoneOf(name: string): string | undefined {
    return this.#names.get(name)?.zone;
  }

  /** The pins that the zone is to have for a name. Fulfilled when it is on disk that they are published. Rejects with ADOTD_STATE. */
  async publish(name: string, zone: string, ttl: number): Promise<string[]> {
    if (!this.#names.has(name)) {
      const loaded = this.#loaded;
      if (loaded === undefined) return [];
      this.#names.set(name, States.firstPins(zone, ttl, pinsUnder(loaded.certificates, name)));
    }
    this.#change(name, (state) => (state.zone === zone ? state : States.inAnotherZone(state, zone)));
    this.#follow();
    await this.#write();
    return this.#names.get(name)?.pins.map(({ pin }) => pin) ?? [];
  }

  /** A version of the zone has these pins for the name. Rejects with ADOTD_STATE. */
  async inZone(name: string, pins: readonly string[], version: Parameters<typeof States.withZone>[2]): Promise<void> {
    this.#change(name, (state) => States.withZone(state, new Set(pins), version, this.#now));
    await this.#write();
  }

  /** A version of the zone of the name has no records of ours. Rejects with ADOTD_STATE. */
  async withdrawn(name: string, serial: number): Promise<void> {
    this.#change(name, (state) => States.withoutRecords(state, serial));
    this.#follow();
    await this.#write();
  }

  /** Zones whose secondaries are to be asked, each with the serials that they are to have. */
  unconfirmed(): Map<string, number[]> {
    const zones = new Map<string, number[]>();
    for (const state of this.#names.values()) {
      const serials = States.unconfirmed(state);
      if (serials.length > 0) zones.set(state.zone, [...(zones.get(state.zone) ?? []), ...serials]);
    }
    return zones;
  }

  /** All secondaries of a zone have answered; `isShown`: whether all of them have a serial, or a later one. Rejects with ADOTD_STATE. */
  async confirmed(zone: string, isShown: (serial: number) => boolean): Promise<void> {
    // A second that has begun counts as gone.
    const now = this.#now + 1;
    for (const [name, state] of this.#names)
      if (state.zone === zone) this.#names.set(name, States.withSecondaries(state, isShown, now));
    await this.#write();
  }

  /** Has waiting certificates served now: others know the old keys. Fulfilled with the new pins, when on disk. Rejects with ADOTD_STATE. */
  async switchNow(): Promise<string[]> {
    const waiting = [...new Set(this.waits().map(({ pin }) => pin))];
    for (const [name, state] of this.#names) {
      const wanted = new Set(this.#pins(name, true));
      // A key that others know must not be believed any longer than caches have its record.
      for (const { pin } of state.pins) if (!wanted.has(pin)) this.#dropped.add(pin);
      const pins = state.pins.filter(({ pin }) => wanted.has(pin)).map((one) => ({ ...one, isServed: true }));
      this.#names.set(name, { ...state, pins });
    }
    await this.#write();
    return waiting;
  }

  /** Whether a certificate may be served now that could not be before. */
  isDue(): boolean {
    return this.#offered().some((certificate) => !this.#blocked(this.#wanted(), this.#now).has(certificate));
  }

  /** Seconds since 1970: when something is to be done next; undefined: nothing waits for a moment. */
  nextAt(): number | undefined {
    const all = [...this.#names.values()].flatMap((state) => States.moments(state, this.#now));
    return all.length === 0 ? undefined : Math.min(...all);
  }

  waits(): PinWait[] {
    const now = this.#now;
    return [...this.#names].flatMap(([name, state]) =>
      this.#pins(name, true).flatMap((pin): PinWait[] => {
        const until = States.readyAt(state, pin, now);
        if (until !== undefined && until <= now) return [];
        const one = state.pins.find((known) => known.pin === pin);
        const waitsFor = until !== undefined ? 'time' : one?.serial === undefined ? 'zone' : 'secondaries';
        return [{ name, pin, waitsFor, until }];
      }),
    );
  }

  /** Certificates that are served although resolvers may not know of their keys yet, a line for each. */
  get problems(): readonly string[] {
    for (const [text, until] of this.#early) if (until <= this.#now) this.#early.delete(text);
    return [...this.#early.keys()];
  }

  /** The pair with a stand-in for a certificate that is not to be served yet. `known`: the certificates that were served before. */
  #held(pair: Pair, blocked: ReadonlySet<Certificate>, known: readonly Certificate[], next: Loaded, now: number): Pair {
    const { certificate, files } = pair;
    if (certificate === undefined || !blocked.has(certificate)) return pair;
    const isOf = (one: Certificate, { certFile, keyFile }: Pair['files']): boolean =>
      one.certFile === certFile && one.keyFile === keyFile;
    const usable = known.filter((one) => isValidAt(one, new Date(now * 1000)));
    const others = usable.filter((one) => !next.pairs.some((other) => isOf(one, other.files)));
    const before =
      usable.find((one) => isOf(one, files)) ??
      others.find(({ keyType }) => keyType === certificate.keyType) ??
      others[0];
    const isAdded = !known.some((one) => isOf(one, files)) && next.certificates.some((one) => !blocked.has(one));
    if (before !== undefined || isAdded) return { ...pair, state: 'held', certificate: before, waiting: certificate };
    this.#tooEarly(certificate, now);
    return pair;
  }

  #tooEarly({ certFile, pin }: Certificate, now: number): void {
    const ttl = Math.max(...Array.from(this.#names.values(), (state) => state.ttl));
    const text = `certificate ${certFile} (pin ${pin}) is served before its TLSA record is known everywhere, since the one before has expired or is gone: clients that verify TLSA records may refuse it`;
    if (!this.#early.has(text)) this.#parts.log.error({ file: certFile }, text);
    this.#early.set(text, now + 2 * ttl);
  }

  /** The certificates among these that a name is not ready for. */
  #blocked(certificates: Loaded['certificates'], now: number): Set<Certificate> {
    const sets = certificateSets(certificates);
    const blocked = new Set<Certificate>();
    for (const [name, state] of this.#names) {
      for (const certificate of sets.find(name) ?? sets.fallback) {
        const ready = States.readyAt(state, pinHex(certificate), now);
        if (ready === undefined || ready > now) blocked.add(certificate);
      }
    }
    return blocked;
  }

  /** Certificates that wait. */
  #offered(): Certificate[] {
    return (this.#loaded?.pairs ?? []).flatMap(({ state, waiting }) => (state === 'held' ? (waiting ?? []) : []));
  }

  /** The certificates that would be served if nothing waited. */
  #wanted(): Loaded['certificates'] {
    const { certificates, pairs } = this.#loaded!;
    const [first, ...others] = pairs.flatMap(({ state, certificate, waiting }) =>
      state === 'held' ? (waiting ?? []) : (certificate ?? []),
    );
    return first === undefined ? certificates : [first, ...others];
  }

  #pins(name: string, withWaiting: boolean): string[] {
    if (this.#loaded === undefined) return [];
    return pinsUnder(withWaiting ? this.#wanted() : this.#loaded.certificates, name);
  }

  #follow(): void {
    const now = this.#now;
    for (const [name, state] of this.#names) {
      if (States.isForgotten(state, now)) this.#names.delete(name);
      else if (this.#loaded !== undefined) {
        const [served, offered] = [this.#pins(name, false), this.#pins(name, true)].map(
          (pins) => new Set(pins.filter((pin) => !this.#dropped.has(pin))),
        );
        this.#names.set(name, States.withServed(state, served!, offered!, now));
      }
    }
  }

  #change(name: string, change: (state: NamePins) => NamePins): void {
    const state = this.#names.get(name);
    if (state !== undefined) this.#names.set(name, change(state));
  }

  /** Stores the pins and the certificates, if they have changed. */
  async #write(): Promise<void> {
    const { table, pairs } = this.#parts;
    const certificates = this.#loaded?.certificates ?? [];
    const text = certificates
      .map(({ cert, key, certFile, keyFile }) => [certFile, keyFile, cert, key].join('\n'))
      .join('\n');
    if (this.#names.size > 0 && text !== this.#writtenPairs && certificates.length > 0) {
      await pairs.write(certificates);
      this.#writtenPairs = text;
    }
    for (const name of new Set([...this.#stored.keys(), ...this.#names.keys()])) {
      const state = this.#names.get(name);
      const value = state && JSON.stringify(state);
      if (value === this.#stored.get(name)) continue;
      if (value === undefined) await table.remove(name);
      else await table.put(name, Buffer.from(value));
      if (value === undefined) this.#stored.delete(name);
      else this.#stored.set(name, value);
    }
  }

  get #now(): number {
    return this.#parts.clock.seconds();
  }
}
