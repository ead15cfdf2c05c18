/**
 * Signals of DNS over TLS in the zones of this server's names: TLSA records of the certificates that are served (RFC 7671), and an SVCB
 * record (RFC 9461). They follow what is served, and the addresses of the name in its zone.
 */
import type { Config } from '../../config/schema.js';
import type { AddedRecord } from '../../image/changes/added-records.js';
import { ImageView } from '../../image/changes/zone-view.js';
import { imageFacts } from '../../image/image-facts.js';
import type { Log } from '../../observe/log.js';
import { Type } from '../../protocol/iana.js';
import { nameFromText, zoneKey } from '../../protocol/name.js';
import type { Clock, Timer } from '../../session/clock.js';
import { svcbOwner, svcbRdata } from '../../tls/service-binding.js';
import { tlsaOwner, tlsaRdata } from '../../tls/tlsa.js';
import { zonePolicyOf } from '../zone-policy.js';
import { Additions, type ChangeableZone, type ZoneChanger } from './additions.js';
import type { AdditionsTable } from './additions-table.js';
import { placeOfName } from './place-of-name.js';

/** Milliseconds from the first reason to look to the look: many zones change together. A guess. */
const DELAY = 1000;
/** Milliseconds until what has failed is tried again. A guess. */
const RETRY = 60_000;

/** What is served over TLS. */
export interface ServedTls {
  readonly port: number;
  /** SHA-256 of the public keys that clients of a server name may get, in hexadecimal. */
  pinsOf(name: string): readonly string[];
}

interface TransportSignalsParts {
  readonly keeper: ZoneChanger;
  readonly table: AdditionsTable;
  /** undefined: TLS is not served. */
  served(): ServedTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class TransportSignals {
  readonly #parts: TransportSignalsParts;
  readonly #additions: Additions;
  readonly #timer: Timer;
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
    this.changed();
  }

  configure(config: Config): void {
    this.#config = config;
    this.#policyOf = zonePolicyOf(config);
    this.changed();
  }

  /** To be called when a zone has changed, come or gone, and when something else is served over TLS. */
  changed(): void {
    const isIdle = this.#config.signals.names.length === 0 && this.#additions.zones().length === 0;
    if (this.#isWanted || this.#isClosed || isIdle) return;
    this.#isWanted = true;
    // A look that is under way looks once more when it is done.
    if (this.#running === undefined) this.#timer.set(DELAY);
  }

  /** Fulfilled when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    const wanted = this.#wanted();
    let isDone = true;
    for (const zone of new Set([...wanted.keys(), ...this.#additions.zones()])) {
      if (this.#isClosed) break;
      if ((await this.#additions.bring(zone, wanted.get(zone) ?? [])) === 'failed') isDone = false;
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    if (this.#isWanted) this.#timer.set(DELAY);
    else if (!isDone) this.#timer.set(RETRY);
  }

  /** The signals that zones are to have. */
  #wanted(): Map<string, AddedRecord[]> {
    const wanted = new Map<string, AddedRecord[]>();
    const served = this.#parts.served();
    // What is not served is not promised.
    if (served === undefined) return wanted;
    for (const name of new Set(this.#config.signals.names.map(zoneKey))) {
      const kept = placeOfName(name, this.#parts.keeper);
      if (kept?.image === undefined || !isChangedHere(kept)) continue;
      const records = this.#recordsOf(name, kept.zone, kept.image, served);
      wanted.set(kept.zone, [...(wanted.get(kept.zone) ?? []), ...records]);
    }
    return wanted;
  }

  #recordsOf(name: string, zone: string, image: Uint8Array, served: ServedTls): AddedRecord[] {
    const { ttl, port: forwarded } = this.#config.signals;
    const { tlsa, svcb } = this.#policyOf(zone).signals;
    const port = forwarded || served.port;
    const hex = (rdata: Uint8Array): string => Buffer.from(rdata).toString('hex');
    const records: AddedRecord[] = [];
    if (tlsa)
      for (const pin of served.pinsOf(name))
        records.push({ owner: tlsaOwner(name, port), type: Type.TLSA, ttl, rdata: hex(tlsaRdata(pin)) });
    if (svcb) {
      const view = new ImageView(image);
      const addresses = (type: number): Uint8Array[] => view.rrset(nameFromText(name), type).map(({ rdata }) => rdata);
      const service = { port, ipv4: addresses(Type.A), ipv6: addresses(Type.AAAA) };
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

function signalsText(zone: string, made: readonly AddedRecord[]): string {
  const owners = [...new Set(made.map(({ owner }) => owner))];
  return owners.length === 0
    ? `zone ${zone} has no signals of DNS over TLS any more`
    : `zone ${zone} has signals of DNS over TLS, at ${owners.join(', ')}`;
}
