/**
 * Tells the parent of a zone that is signed here that its CDS and CDNSKEY records have changed: NOTIFY(CDS) to where the parent's DSYNC
 * records point (RFC 9859 §4). A parent without them looks by itself, sooner or later, and is told nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import { ImageView } from '../../image/changes/zone-view.js';
import { imageFacts } from '../../image/image-facts.js';
import type { Log } from '../../observe/log.js';
import type { NotifyCounts } from '../../observe/metrics/transfer-facts.js';
import { Type } from '../../protocol/iana.js';
import type { Clock, Timer } from '../../session/clock.js';
import { DueQueue } from '../../transfer/in/due-queue.js';
import { type DsyncTarget, dsyncTargets } from '../../transfer/notify/dsync.js';
import { notifyRequest } from '../../transfer/notify/notify-message.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { Slots } from '../secondaries/slots.js';
import { type AskDsync, dsyncResolver } from './dsync-resolver.js';
import { NotifySender, type NotifyTarget } from './notify-sender.js';
import { type NotifySockets, openNotifySockets } from './notify-sockets.js';

/** Milliseconds until a lookup that failed is tried again, then until the next one. A guess: a resolver is seldom away for a day. */
const WAITS = [60_000, 300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000] as const;
/** Lookups at once. A guess: many zones may change together, and the resolver has other clients. */
const LOOKUPS = 16;

/** The facts about a zone that is signed here. */
interface ChildZone {
  /** Seconds until all nameservers of the zone have a new version: the parent must not look before (RFC 9859 §4). */
  readonly delay: number;
  /** Whether the parent has still to fulfil the wishes of the zone. */
  readonly isWaiting: boolean;
}

interface ParentNotifierParts {
  /** The version of a zone that is served now, by its key. */
  image(zone: string): Uint8Array | undefined;
  /** undefined: the zone is not signed here. */
  childZone(zone: string): ChildZone | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Others in tests. */
  readonly sockets?: typeof openNotifySockets;
  readonly resolver?: typeof resolverOf;
}

export class ParentNotifier {
  readonly #parts: ParentNotifierParts;
  readonly #timer: Timer;
  readonly #sender: NotifySender;
  /** For lookups. */
  readonly #streams: NotifySockets;
  readonly #slots = new Slots(LOOKUPS);
  /** By zone, its CDS and CDNSKEY records as they were last seen. */
  readonly #seen = new Map<string, string>();
  /** Zones whose parents are to be looked up, at milliseconds of the clock; and how often that has failed, also where it is given up. */
  readonly #due = new DueQueue();
  readonly #failures = new Map<string, number>();
  readonly #looking = new Set<string>();
  #resolvers: readonly string[];
  #resolve: ReturnType<typeof resolverOf>;
  #ask: AskDsync;
  #closed = false;

  constructor(config: Pick<Config, 'resolver'>, parts: ParentNotifierParts) {
    const { image, clock, log, sockets = openNotifySockets, resolver = resolverOf } = parts;
    this.#parts = parts;
    this.#timer = clock.timer(() => this.#work());
    this.#streams = sockets(() => undefined);
    this.#resolvers = config.resolver;
    this.#resolve = resolver(config.resolver);
    this.#ask = dsyncResolver(config.resolver, this.#streams, clock);
    this.#sender = new NotifySender({
      clock,
      log,
      sockets,
      what: 'NOTIFY(CDS)',
      otherwise: 'the parent finds out when it looks by itself',
      resolve: (host) => this.#resolve(host),
      isOwn: () => false,
      request(zone, id, key) {
        const served = image(zone);
        const subject = served && { zone: imageFacts(served).apex, type: Type.CDS, soa: new Uint8Array(0) };
        return subject && notifyRequest(id, subject, key, clock.seconds());
      },
    });
  }

  /** Follows a configuration. With other resolvers, parents that have not acted yet, or were not found, are looked up and told at once. */
  configure(config: Pick<Config, 'resolver'>): void {
    const { childZone, clock, resolver = resolverOf } = this.#parts;
    if (isDeepStrictEqual(config.resolver, this.#resolvers)) return;
    this.#resolvers = config.resolver;
    this.#resolve = resolver(config.resolver);
    this.#ask = dsyncResolver(config.resolver, this.#streams, clock);
    for (const [zone, wishes] of this.#seen) {
      const hasFailed = this.#failures.delete(zone);
      // Its nameservers do not have the new version yet, or it is looked up.
      if ((this.#due.has(zone) && !hasFailed) || this.#looking.has(zone)) continue;
      if (hasFailed || (wishes !== '' && childZone(zone)?.isWaiting === true))
        this.#due.set(zone, clock.milliseconds());
    }
    this.#arm();
  }

  /** To be called when a zone, by its key, has another serial, and at the start. */
  changed(zone: string): void {
    const child = this.#parts.childZone(zone);
    const image = this.#parts.image(zone);
    if (child === undefined || image === undefined || this.#closed) {
      this.#forget(zone);
      return;
    }
    const before = this.#seen.get(zone);
    const now = wishesOf(image);
    this.#seen.set(zone, now);
    if (now === before) return;
    this.#forgetLookup(zone);
    // Wishes that were told before the last stop are not known: they are told again, unless the parent has fulfilled them.
    const isNews = before !== undefined || child.isWaiting;
    if (now === '' || !isNews) return;
    this.#due.set(zone, this.#parts.clock.milliseconds() + child.delay * 1000);
    this.#arm();
  }

  get counts(): NotifyCounts {
    return this.#sender.counts;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.clear();
    this.#sender.close();
    this.#streams.close();
  }

  #arm(): void {
    const at = this.#due.nextAt;
    if (at === Number.POSITIVE_INFINITY || this.#closed) this.#timer.clear();
    else this.#timer.set(Math.max(0, at - this.#parts.clock.milliseconds()));
  }

  #work(): void {
    const now = this.#parts.clock.milliseconds();
    for (let zone = this.#due.take(now); zone !== undefined; zone = this.#due.take(now)) void this.#look(zone);
    this.#arm();
  }

  /** Looks up whom to tell, and tells them. Never rejects. */
  async #look(zone: string): Promise<void> {
    const { image, clock, log } = this.#parts;
    const wishes = this.#seen.get(zone);
    this.#looking.add(zone);
    await this.#slots.take();
    const ask = this.#ask;
    try {
      const served = image(zone);
      if (served === undefined || this.#closed) return;
      const { apex, serial } = imageFacts(served);
      const targets = await dsyncTargets(apex, ask);
      // Another look is under way, or will be.
      if (this.#seen.get(zone) !== wishes || this.#closed) return;
      this.#failures.delete(zone);
      this.#sender.tell(zone, serial, targets.map(targetOf));
      if (targets.length === 0)
        log.debug({ zone }, `the parent of zone ${zone} has no DSYNC record for CDS: it is not told of the new keys`);
    } catch (error) {
      if (this.#seen.get(zone) !== wishes || this.#closed) return;
      // The resolvers that have failed are not asked any more.
      if (ask !== this.#ask) this.#due.set(zone, clock.milliseconds());
      else this.#failed(zone, messageOf(error), clock.milliseconds());
      this.#arm();
    } finally {
      this.#looking.delete(zone);
      this.#slots.free();
    }
  }

  #failed(zone: string, reason: string, now: number): void {
    const { log } = this.#parts;
    const failures = this.#failures.get(zone) ?? 0;
    const wait = WAITS[failures];
    const what = `whom to tell of the new keys of zone ${zone} is not known: ${reason}`;
    this.#failures.set(zone, failures + 1);
    if (wait === undefined) {
      log.warn({ zone, reason }, `${what}; the parent finds out when it looks by itself`);
      return;
    }
    log.debug({ zone, reason }, `${what}; tried again in ${wait / 60_000} min`);
    this.#due.set(zone, now + wait);
  }

  #forget(zone: string): void {
    this.#seen.delete(zone);
    this.#forgetLookup(zone);
  }

  /** Forgets the wishes that were to be told: they are out of date. */
  #forgetLookup(zone: string): void {
    this.#due.delete(zone);
    this.#failures.delete(zone);
    this.#sender.tell(zone, 0, []);
  }
}

/** The RDATA of the CDS and CDNSKEY records, in canonical order; empty without any. */
function wishesOf(image: Uint8Array): string {
  const view = new ImageView(image);
  const text = (type: number): string[] =>
    view.rrset(view.apex, type).map(({ rdata }) => `${type} ${Buffer.from(rdata).toString('hex')}`);
  return [...text(Type.CDS), ...text(Type.CDNSKEY)].sort().join('\n');
}

function targetOf({ host, port }: DsyncTarget): NotifyTarget {
  const name = `${host}:${port} (DSYNC)`;
  return { name, hosts: [host.replace(/\.$/, '')], port, sources: [], key: undefined };
}
