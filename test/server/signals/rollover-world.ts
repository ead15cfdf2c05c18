/** A server's certificates and zone, its secondaries, and all resolvers that may hold any answer of theirs, on a clock that stands still. */
import { createHash } from 'node:crypto';
import { configSchema } from '../../../src/config/schema.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView } from '../../../src/image/changes/zone-view.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { PinRollover } from '../../../src/server/certificates/pin-rollover.js';
import { additionsTable } from '../../../src/server/signals/additions-table.js';
import { Commitments } from '../../../src/server/signals/commitments.js';
import type { SecondaryAnswer } from '../../../src/server/signals/secondary-serials.js';
import { TransportSignals } from '../../../src/server/signals/transport-signals.js';
import type { Certificate } from '../../../src/tls/certificates.js';
import type { Loaded } from '../../../src/tls/served.js';
import { FakeClock } from '../../support/clock.js';
import { imageOf } from '../zones/keeper-support.js';

const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const OWNER = nameFromText('_853._tcp.ns.a.test.');
const TLSA = 52;

/** A certificate whose key is known by a letter. `until`: seconds since 1970. */
export function certificate(letter: string, until = 10_000_000, file = 'a', keyType = 'ec'): Certificate {
  const pin = createHash('sha256').update(letter).digest('base64');
  return {
    certFile: `${file}.pem`,
    keyFile: `${file}.key`,
    cert: letter,
    key: letter,
    keyType,
    subject: letter,
    names: ['ns.a.test'],
    notBefore: new Date(0),
    notAfter: new Date(until * 1000),
    pin,
    tlsa: '',
    warnings: [],
  };
}

const hexOf = ({ pin }: Certificate): string => Buffer.from(pin, 'base64').toString('hex');

interface Visible {
  readonly at: number;
  readonly pins: readonly string[];
  readonly ttl: number;
}

/** Its milliseconds begin elsewhere than its seconds, as those of a real clock do. */
class OffsetClock extends FakeClock {
  override milliseconds(): number {
    return super.milliseconds() - 500_000;
  }
}

export class RolloverWorld {
  readonly clock = new OffsetClock();
  readonly log: string[] = [];
  readonly #values = new Map<string, Map<string, Uint8Array>>();
  readonly letters = new Map<string, string>();
  /** What the files have. */
  files: readonly Certificate[];
  /** What the zone file has besides. */
  zoneFile = ZONE;
  /** The server has the zone no more. */
  isRemoved = false;
  /** Serials of the secondaries; a silent one does not answer. */
  readonly secondaries: { serial: number; isSilent?: boolean }[];
  ttl = 10;
  tlsa: 'auto' | 'off' = 'auto';
  rollover!: PinRollover;
  signals!: TransportSignals;
  served: Loaded | undefined;
  #storedPairs: readonly Certificate[] = [];
  readonly #versions = new Map<number, { pins: readonly string[]; ttl: number }>();
  readonly #seen: Visible[] = [];
  #view: PendingView;
  #image: Uint8Array;
  serial = 1;

  constructor(first: readonly Certificate[], secondaries = 0) {
    this.files = first;
    this.secondaries = Array.from({ length: secondaries }, () => ({ serial: 1 }));
    this.#image = imageOf('a.test', ZONE);
    this.#view = new PendingView(new ImageView(this.#image));
    this.#keepVersion();
    this.start();
  }

  /** Starts, anew after a crash at any moment. */
  start(): void {
    const { clock } = this;
    const note = (_: object, text: string): void => void this.log.push(text);
    const log = { debug: note, info: note, warn: note, error: note };
    this.served = undefined;
    const pairs = {
      read: () => [...this.#storedPairs],
      write: async (all: readonly Certificate[]) => void (this.#storedPairs = [...all]),
    };
    this.rollover = new PinRollover({ table: this.#table('pins'), pairs, clock, log });
    this.load();
    this.signals = new TransportSignals(this.#config(), {
      keeper: {
        get: (zone) =>
          zone !== 'a.test.' || this.isRemoved
            ? undefined
            : {
                zone,
                role: 'file',
                state: 'served',
                image: this.#image,
                serial: this.serial,
                overlay: undefined,
                plan: undefined,
              },
        change: async (_, make) => {
          const changes = make(this.#view);
          if (changes === undefined) return;
          this.#view.apply(changes);
          this.serial++;
          this.#keepVersion();
        },
      },
      table: additionsTable(this.#table('additions'), 'signals', log),
      rollover: this.rollover,
      commitments: new Commitments(this.#table('commitments'), clock, log),
      secondaries: { ask: async () => this.#answers(), configure: () => undefined },
      served: () => ({ port: 853, reconsider: async () => this.load() }),
      clock,
      log,
    });
  }

  async stop(): Promise<void> {
    await this.signals.close();
  }

  /** Reads the certificates' files, as RunningTls does. */
  load(): void {
    const pairs = this.files.map((one) => {
      const files = { certFile: one.certFile, keyFile: one.keyFile };
      return { files, state: 'served' as const, certificate: one };
    });
    const [first, ...others] = this.files;
    this.served = this.rollover.admit({ certificates: [first!, ...others], pairs }, this.served);
    this.rollover.served(this.served);
    this.signals?.changed();
  }

  /** Another configuration is in force. */
  configure(): void {
    this.signals.configure(this.#config());
  }

  /** Letters of the keys that are served. */
  get keys(): string {
    return this.served!.certificates.map(({ cert }) => cert).join('');
  }

  /** Letters of the keys that have records. */
  get records(): string {
    const pins = this.#versions.get(this.serial)!.pins;
    return pins
      .map((pin) => this.letters.get(pin) ?? '?')
      .sort()
      .join('');
  }

  /** Moves time on second by second. Returns the moments at which a resolver might have refused what was served. */
  async pass(seconds: number): Promise<string[]> {
    const refused: string[] = [];
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000);
      for (let turn = 0; turn < 60; turn++) await Promise.resolve();
      refused.push(...this.#look());
    }
    return refused;
  }

  /** Every RRset that a resolver may have now has to have each key that is served. */
  #look(): string[] {
    const now = this.clock.seconds();
    for (const serial of new Set([this.serial, ...this.secondaries.map((one) => one.serial)]))
      this.#seen.push({ at: now, ...this.#versions.get(serial)! });
    const recent = this.#seen.filter(({ at, ttl }) => at + ttl > now);
    this.#seen.splice(0, this.#seen.length, ...recent);
    const sets = recent.filter(({ pins }) => pins.length > 0);
    const refusing = (one: Certificate): boolean => sets.some(({ pins }) => !pins.includes(hexOf(one)));
    return this.served!.certificates.filter(refusing).map((one) => `${now}: ${one.cert}`);
  }

  #answers(): SecondaryAnswer[] {
    return this.secondaries.map(({ serial, isSilent = false }, index) => ({
      who: `s${index}`,
      serial: isSilent ? undefined : serial,
      reason: isSilent ? 'no answer' : undefined,
    }));
  }

  #keepVersion(): void {
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') this.letters.set(hexOf(certificate(letter)), letter);
    const records = this.#view.rrset(OWNER, TLSA);
    const pins = records.map(({ rdata }) => Buffer.from(rdata.subarray(3)).toString('hex'));
    this.#versions.set(this.serial, { pins, ttl: records[0]?.ttl ?? 60 });
    const lines = records.map(
      ({ ttl, rdata }) => `_853._tcp.ns ${ttl} TLSA 3 1 1 ${Buffer.from(rdata.subarray(3)).toString('hex')}\n`,
    );
    this.#image = imageOf('a.test', this.zoneFile + lines.join(''));
  }

  #config() {
    const policy = { zones: ['a.test'], signals: { tlsa: this.tlsa } };
    return configSchema.parse({
      state: { folder: '/nonexistent' },
      signals: { names: ['ns.a.test'], ttl: this.ttl },
      zones: { policies: [policy] },
    });
  }

  #table(name: string) {
    const values = this.#values.get(name) ?? new Map<string, Uint8Array>();
    this.#values.set(name, values);
    return {
      keys: () => [...values.keys()],
      get: (key: string) => values.get(key),
      put: async (key: string, value: Uint8Array) => void values.set(key, value),
      remove: async (key: string) => void values.delete(key),
    };
  }
}
