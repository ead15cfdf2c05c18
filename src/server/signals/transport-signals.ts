/**
 * Signals of DNS over TLS in the zones of this server's names: TLSA records of the certificates that are served (RFC 7671), and an SVCB
 * record (RFC 9461). They follow the service over TLS, and the addresses of the name in its zone.
 */
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { AddedRecord } from '../../image/changes/added-records.js';
import { ImageView } from '../../image/changes/zone-view.js';
import { imageFacts } from '../../image/image-facts.js';
import type { Log } from '../../observe/log.js';
import { Type } from '../../protocol/iana.js';
import { nameFromText, zoneKey } from '../../protocol/name.js';
import type { Clock, Timer } from '../../session/clock.js';
import { configuredShares, svcbOwner, svcbRdata } from '../../tls/service-binding.js';
import { TLSA_FIXED, tlsaOwner, tlsaRdata } from '../../tls/tlsa.js';
import type { PinRollover, PinWait } from '../certificates/pin-rollover.js';
import { zonePolicyOf } from '../zone-policy.js';
import { Additions, type ChangeableZone, type ZoneChanger } from './additions.js';
import type { AdditionsTable } from './additions-table.js';
import { type BrokenCommitment, brokenCommitments, type CommittedConfig } from './broken-commitments.js';
import type { Commitment, Commitments } from './commitments.js';
import { placeOfName } from './place-of-name.js';
import { SecondaryQuestions } from './secondary-questions.js';
import type { SecondarySerials } from './secondary-serials.js';

/** Milliseconds from the first reason to look to the look: many zones change together. A guess. */
const DELAY = 1000;
/** Milliseconds until a failed attempt is repeated, and the longest time between two looks. A guess. */
const RETRY = 60_000;
const LONGEST = 3_600_000;

/** The service over TLS. */
export interface ServedTls {
  readonly port: number;
  /** Has certificates served that may be served by now. Never rejects. */
  reconsider(): Promise<unknown>;
}

interface TransportSignalsParts {
  readonly keeper: ZoneChanger;
  readonly table: AdditionsTable;
  /** Says which keys are published, and which are served. */
  readonly rollover: PinRollover;
  /** Remembers the promises of records. */
  readonly commitments: Commitments;
  /** Asks the secondaries of a zone which serial they have. */
  readonly secondaries: Pick<SecondarySerials, 'ask' | 'configure'>;
  /** undefined: TLS is not served. */
  served(): ServedTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A name of this server that has signals in a zone. */
interface SignalledName {
  readonly name: string;
  readonly zone: string;
  readonly image: Uint8Array;
}

/** A key that waits, with the reason. */
export interface SignalWait extends PinWait {
  /** Secondaries that do not show its record yet, and why not. */
  readonly behind: readonly string[];
}

export class TransportSignals {
  readonly #parts: TransportSignalsParts;
  readonly #additions: Additions;
  readonly #timer: Timer;
  readonly #questions: SecondaryQuestions;
  #config: Config;
  #policyOf: ReturnType<typeof zonePolicyOf>;
  /** Whether there is a reason to look that the look under way may have missed. */
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(config: Config, parts: TransportSignalsParts) {
    this.#parts = parts;
    this.#config = config;
    this.#policyOf = zonePolicyOf(config);
    this.#additions = new Additions({
      ...parts,
      nameOf: (zone) => `the signals of DNS over TLS in zone ${zone}`,
      textOf: signalsText,
    });
    this.#timer = parts.clock.timer(() => {
      this.#running ??= this.#run();
    });
    this.#questions = new SecondaryQuestions({
      ...parts,
      waiting: [parts.rollover, parts.commitments],
      imageOf: (zone) => parts.keeper.get(zone)?.image,
      // The answers set the next moment.
      asked: () => this.changed(),
    });
    for (const problem of this.problems) parts.log.error({}, problem);
    this.changed();
  }

  configure(config: Config): void {
    this.#config = config;
    this.#policyOf = zonePolicyOf(config);
    this.#parts.secondaries.configure(config);
    this.changed();
  }

  /** To be called when a zone has changed, come or gone, and when something else is served over TLS. */
  changed(): void {
    const isIdle =
      this.#config.signals.names.length + this.#additions.zones().length + this.#parts.rollover.names().length === 0;
    if (this.#isWanted || this.#isClosed || isIdle) return;
    this.#isWanted = true;
    // A look that is under way looks once more when it is done.
    if (this.#running === undefined) this.#timer.set(DELAY);
  }

  /** The new keys that wait, with the reason for each. */
  waits(): SignalWait[] {
    const { rollover } = this.#parts;
    return rollover.waits().map((wait) => {
      const zone = wait.waitsFor === 'secondaries' ? rollover.zoneOf(wait.name) : undefined;
      return { ...wait, behind: zone === undefined ? [] : this.#questions.behind(zone) };
    });
  }

  /** The promises of records, as far as resolvers may know of them. */
  get commitments(): readonly Commitment[] {
    return this.#parts.commitments.standing;
  }

  /** The commitments that another configuration would break; the keys of certificates are held back all the same. */
  brokenBy(config: CommittedConfig): BrokenCommitment[] {
    return brokenCommitments(config, this.commitments, this.#config);
  }

  get problems(): readonly string[] {
    const broken = this.brokenBy(this.#config);
    return [...this.#parts.rollover.problems, ...broken.map(({ key, message }) => `${key.join('.')}: ${message}`)];
  }

  /** Has new keys served at once: others know the old ones. Fulfilled with the pins of the new keys. Rejects with ADOTD_STATE. */
  async switchNow(): Promise<readonly string[]> {
    const { rollover, served, log } = this.#parts;
    const pins = await rollover.switchNow();
    if (pins.length > 0)
      log.error(
        { pins },
        `certificates are served before resolvers can know of their keys, as was asked for: ${pins.join(', ')}`,
      );
    await served()?.reconsider();
    this.changed();
    return pins;
  }

  /** Fulfilled when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#running;
    await this.#questions.close();
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    let isDone = false;
    try {
      isDone = await this.#look();
    } catch (error) {
      this.#parts.log.error({ err: error }, `the signals of DNS over TLS stay as they were: ${messageOf(error)}`);
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    const { rollover, clock } = this.#parts;
    if (this.#isWanted) this.#timer.set(DELAY);
    else if (!isDone) this.#timer.set(RETRY);
    else {
      const next = rollover.nextAt();
      if (next !== undefined) this.#timer.set(Math.min(LONGEST, Math.max(0, next - clock.seconds()) * 1000));
    }
    this.#questions.changed();
  }

  /** Brings all signals to where they should be. Returns false when something has failed. Rejects with ADOTD_STATE. */
  async #look(): Promise<boolean> {
    const { rollover, keeper, commitments } = this.#parts;
    const served = this.#parts.served();
    // Without a service over TLS, nothing is promised.
    const names = served === undefined ? [] : this.#names();
    const wanted = new Map<string, AddedRecord[]>();
    for (const one of names) {
      const records = served === undefined ? [] : await this.#recordsOf(one, this.#portOf(served));
      wanted.set(one.zone, [...(wanted.get(one.zone) ?? []), ...records]);
    }
    let isDone = true;
    for (const zone of new Set([...wanted.keys(), ...this.#additions.zones()])) {
      if (this.#isClosed) return true;
      const brought = await this.#additions.bring(zone, wanted.get(zone) ?? []);
      if (brought === 'failed') isDone = false;
      if (typeof brought === 'object') await this.#note(zone, brought.made, brought.serial, served);
    }
    const hasNone = (zone: string): boolean =>
      keeper.get(zone) === undefined || !this.#additions.zones().includes(zone);
    for (const name of rollover.names()) {
      const zone = rollover.zoneOf(name) ?? '';
      if (!names.some((one) => one.name === name) && hasNone(zone))
        await rollover.withdrawn(name, keeper.get(zone)?.serial ?? 0);
    }
    for (const zone of commitments.zones())
      if (hasNone(zone)) await commitments.inZone({ zone, serial: keeper.get(zone)?.serial ?? 0, ttl: 0 }, NONE);
    if (rollover.isDue()) await served?.reconsider();
    return isDone;
  }

  /** Notes the keys that a version of a zone shows, and its other promises. */
  async #note(
    zone: string,
    made: readonly AddedRecord[],
    serial: number,
    served: ServedTls | undefined,
  ): Promise<void> {
    const { rollover, commitments } = this.#parts;
    const { ttl } = this.#config.signals;
    const names = served === undefined ? [] : this.#names().flatMap(({ name }) => (hasSignals(made, name) ? name : []));
    const promised = served === undefined ? NONE : new Map(names.map((name) => [name, this.#portOf(served)]));
    await commitments.inZone({ zone, serial, ttl }, promised);
    for (const name of rollover.names().filter((one) => rollover.zoneOf(one) === zone)) {
      const pins = made.flatMap(({ owner, type, rdata }) =>
        type === Type.TLSA && owner.endsWith(`._tcp.${name}`) ? rdata.slice(TLSA_FIXED * 2) : [],
      );
      if (pins.length > 0) await rollover.inZone(name, pins, { zone, serial, ttl });
      else await rollover.withdrawn(name, serial);
    }
  }

  /** Names of this server in zones that get signals. */
  #names(): SignalledName[] {
    return [...new Set(this.#config.signals.names.map(zoneKey))].flatMap((name) => {
      const kept = placeOfName(name, this.#parts.keeper);
      if (kept?.image === undefined || !isChangedHere(kept)) return [];
      return [{ name, zone: kept.zone, image: kept.image }];
    });
  }

  /** The port as resolvers reach it. */
  #portOf(served: ServedTls): number {
    return this.#config.signals.port || served.port;
  }

  async #recordsOf({ name, zone, image }: SignalledName, port: number): Promise<AddedRecord[]> {
    const { ttl } = this.#config.signals;
    const { tlsa, svcb } = this.#policyOf(zone).signals;
    const hex = (rdata: Uint8Array): string => Buffer.from(rdata).toString('hex');
    const records: AddedRecord[] = [];
    if (tlsa)
      for (const pin of await this.#parts.rollover.publish(name, zone, ttl))
        records.push({ owner: tlsaOwner(name, port), type: Type.TLSA, ttl, rdata: hex(tlsaRdata(pin)) });
    if (svcb) {
      const view = new ImageView(image);
      const addresses = (type: number): Uint8Array[] => view.rrset(nameFromText(name), type).map(({ rdata }) => rdata);
      const shares = configuredShares(this.#config.signals);
      const service = { port, ipv4: addresses(Type.A), ipv6: addresses(Type.AAAA), shares };
      records.push({ owner: svcbOwner(name), type: Type.SVCB, ttl, rdata: hex(svcbRdata(name, service)) });
    }
    return records;
  }
}

/** Whether the zone is originated here, and not signed elsewhere. */
function isChangedHere({ role, state, image, plan }: ChangeableZone): boolean {
  if (role !== 'file' || state !== 'served' || image === undefined) return false;
  return plan !== undefined || !imageFacts(image).signed;
}

/** Of names without records. */
const NONE: ReadonlyMap<string, number> = new Map();

function hasSignals(made: readonly AddedRecord[], name: string): boolean {
  return made.some(({ owner }) => owner === svcbOwner(name) || owner.endsWith(`._tcp.${name}`));
}

function signalsText(zone: string, made: readonly AddedRecord[]): string {
  const owners = [...new Set(made.map(({ owner }) => owner))];
  return owners.length === 0
    ? `zone ${zone} has no signals of DNS over TLS any more`
    : `zone ${zone} has signals of DNS over TLS, at ${owners.join(', ')}`;
}
