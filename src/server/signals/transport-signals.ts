/**
 * Signals of DNS over TLS in the zones of this server's names: TLSA records of the certificates that are served (RFC 7671), and an SVCB
 * record (RFC 9461). They follow what is served, and the addresses of the name in its zone.
 */
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { AddedRecord } from '../../image/changes/added-records.js';
import { ImageView } from '../../image/changes/zone-view.js';
import { imageFacts } from '../../image/image-facts.js';
import type { Log } from '../../observe/log.js';
import { Type } from '../../protocol/iana.js';
import { nameFromText, zoneKey } from '../../protocol/name.js';
import { isLaterSerial } from '../../protocol/serial.js';
import type { Clock, Timer } from '../../session/clock.js';
import { svcbOwner, svcbRdata } from '../../tls/service-binding.js';
import { tlsaOwner, tlsaRdata } from '../../tls/tlsa.js';
import type { PinRollover, PinWait } from '../certificates/pin-rollover.js';
import { zonePolicyOf } from '../zone-policy.js';
import { Additions, type ChangeableZone, type ZoneChanger } from './additions.js';
import type { AdditionsTable } from './additions-table.js';
import { placeOfName } from './place-of-name.js';
import type { SecondarySerials } from './secondary-serials.js';

/** Milliseconds from the first reason to look to the look: many zones change together. A guess. */
const DELAY = 1000;
/** Milliseconds until what has failed is tried again, and the longest time between two looks. A guess. */
const RETRY = 60_000;
const LONGEST = 3_600_000;
/** Milliseconds between two questions to secondaries: each time twice as long, within these bounds. A guess. */
const FIRST_QUESTION = 500;
const LAST_QUESTION = 60_000;

/** What is served over TLS. */
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

/** A key that waits, and for what. */
export interface SignalWait extends PinWait {
  /** Secondaries that do not show its record yet, and why not. */
  readonly behind: readonly string[];
}

export class TransportSignals {
  readonly #parts: TransportSignalsParts;
  readonly #additions: Additions;
  readonly #timer: Timer;
  readonly #question: Timer;
  #config: Config;
  #policyOf: ReturnType<typeof zonePolicyOf>;
  /** Whether there is a reason to look that the look under way may have missed. */
  #isWanted = false;
  #running: Promise<void> | undefined;
  #asking: Promise<void> | undefined;
  /** What the secondaries were asked for last, and milliseconds until they are asked for it again. */
  #asked = { what: '', pause: FIRST_QUESTION, isSet: false };
  /** By zone, the secondaries that lag. */
  #behind = new Map<string, readonly string[]>();
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
    this.#question = parts.clock.timer(() => {
      this.#asked = { ...this.#asked, isSet: false };
      this.#asking ??= this.#askAll();
    });
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

  /** What new keys wait for. */
  waits(): SignalWait[] {
    const { rollover } = this.#parts;
    return rollover.waits().map((wait) => {
      const lagging = wait.waitsFor === 'secondaries' ? this.#behind.get(rollover.zoneOf(wait.name) ?? '') : undefined;
      return { ...wait, behind: lagging ?? [] };
    });
  }

  get problems(): readonly string[] {
    return this.#parts.rollover.problems;
  }

  /** Has new keys served at once: others know those before. Fulfilled with what is served from now on. Rejects with ADOTD_STATE. */
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
    this.#question.clear();
    await this.#running;
    await this.#asking;
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
    this.#ask();
  }

  /** Brings all signals to where they should be. Returns false when something has failed. Rejects with ADOTD_STATE. */
  async #look(): Promise<boolean> {
    const { rollover, keeper } = this.#parts;
    const served = this.#parts.served();
    // What is not served is not promised.
    const names = served === undefined ? [] : this.#names();
    const wanted = new Map<string, AddedRecord[]>();
    for (const one of names) {
      const records = served === undefined ? [] : await this.#recordsOf(one, served.port);
      wanted.set(one.zone, [...(wanted.get(one.zone) ?? []), ...records]);
    }
    let isDone = true;
    for (const zone of new Set([...wanted.keys(), ...this.#additions.zones()])) {
      if (this.#isClosed) return true;
      const brought = await this.#additions.bring(zone, wanted.get(zone) ?? []);
      if (brought === 'failed') isDone = false;
      if (typeof brought === 'object') await this.#note(zone, brought.made, brought.serial);
    }
    for (const name of rollover.names()) {
      const zone = rollover.zoneOf(name) ?? '';
      if (!names.some((one) => one.name === name) && !this.#additions.zones().includes(zone))
        await rollover.withdrawn(name, keeper.get(zone)?.serial ?? 0);
    }
    if (rollover.isDue()) await served?.reconsider();
    return isDone;
  }

  /** Notes which keys a version of a zone shows. */
  async #note(zone: string, made: readonly AddedRecord[], serial: number): Promise<void> {
    const { rollover } = this.#parts;
    const { ttl } = this.#config.signals;
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

  async #recordsOf({ name, zone, image }: SignalledName, servedPort: number): Promise<AddedRecord[]> {
    const { ttl, port: forwarded } = this.#config.signals;
    const { tlsa, svcb } = this.#policyOf(zone).signals;
    const port = forwarded || servedPort;
    const hex = (rdata: Uint8Array): string => Buffer.from(rdata).toString('hex');
    const records: AddedRecord[] = [];
    if (tlsa)
      for (const pin of await this.#parts.rollover.publish(name, zone, ttl))
        records.push({ owner: tlsaOwner(name, port), type: Type.TLSA, ttl, rdata: hex(tlsaRdata(pin)) });
    if (svcb) {
      const view = new ImageView(image);
      const addresses = (type: number): Uint8Array[] => view.rrset(nameFromText(name), type).map(({ rdata }) => rdata);
      const service = { port, ipv4: addresses(Type.A), ipv6: addresses(Type.AAAA) };
      records.push({ owner: svcbOwner(name), type: Type.SVCB, ttl, rdata: hex(svcbRdata(name, service)) });
    }
    return records;
  }

  /** Has the secondaries asked, where one of them may not show what is waited for. */
  #ask(): void {
    const what = JSON.stringify([...this.#parts.rollover.unconfirmed()]);
    const isSame = what === this.#asked.what;
    // A question that is to come is not put off by every look.
    if (this.#asking !== undefined || this.#isClosed || (isSame && this.#asked.isSet)) return;
    const isSet = what !== '[]';
    this.#asked = { what, pause: isSame ? this.#asked.pause : FIRST_QUESTION, isSet };
    if (isSet) this.#question.set(this.#asked.pause);
    else this.#question.clear();
  }

  async #askAll(): Promise<void> {
    try {
      for (const [zone, serials] of this.#parts.rollover.unconfirmed()) await this.#askFor(zone, serials);
    } catch (error) {
      this.#parts.log.error(
        { err: error },
        `secondaries cannot be asked for signals of DNS over TLS: ${messageOf(error)}`,
      );
    }
    this.#asking = undefined;
    this.#asked = { ...this.#asked, pause: Math.min(LAST_QUESTION, this.#asked.pause * 2) };
    this.#ask();
    // What was found sets the next moment.
    this.changed();
  }

  async #askFor(zone: string, serials: readonly number[]): Promise<void> {
    const { rollover, keeper, secondaries, log } = this.#parts;
    const image = keeper.get(zone)?.image;
    const answers = image === undefined ? [] : await secondaries.ask(zone, image);
    const has = ({ serial }: (typeof answers)[number], wanted: number): boolean =>
      serial !== undefined && !isLaterSerial(serial, wanted);
    const lagging = answers.filter((one) => !serials.every((wanted) => has(one, wanted)));
    const behind = lagging.map(({ who, serial, reason }) => `${who}: ${reason ?? `serial ${serial}`}`);
    if (behind.length > 0 && behind.join() !== this.#behind.get(zone)?.join())
      log.info(
        { zone, behind },
        `keys wait until all secondaries of ${zone} show their TLSA records: ${behind.join('; ')}`,
      );
    this.#behind.set(zone, behind);
    await rollover.confirmed(zone, (wanted) => answers.every((one) => has(one, wanted)));
  }
}

/** Octets of TLSA RDATA before the hash. */
const TLSA_FIXED = 3;

/** Whether the zone is originated here, and not signed elsewhere. */
function isChangedHere({ role, state, image, plan }: ChangeableZone): boolean {
  if (role !== 'file' || state !== 'served' || image === undefined) return false;
  return plan !== undefined || !imageFacts(image).signed;
}

function signalsText(zone: string, made: readonly AddedRecord[]): string {
  const owners = [...new Set(made.map(({ owner }) => owner))];
  return owners.length === 0
    ? `zone ${zone} has no signals of DNS over TLS any more`
    : `zone ${zone} has signals of DNS over TLS, at ${owners.join(', ')}`;
}
