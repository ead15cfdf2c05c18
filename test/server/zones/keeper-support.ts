/** A keeper of zones without a server: what it publishes is at hand, and stays until it is let through. */

import { expect } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import {
  type Catalog,
  findZone,
  Publisher,
  ZONE_SEGMENT,
  ZONE_WORDS,
  zoneHistory,
  zoneImage,
} from '../../../src/image/catalog.js';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import type { Changes, ZoneView } from '../../../src/image/changes/zone-view.js';
import { imageText } from '../../../src/image/text.js';
import { labelOffsets, nameFromText } from '../../../src/protocol/name.js';
import { typeByMnemonic } from '../../../src/protocol/rdata/table.js';
import type { ZoneSigners } from '../../../src/server/signing/zone-signers.js';
import { type EffectivePolicy, zonePolicyOf } from '../../../src/server/zone-policy.js';
import { LoaderLane } from '../../../src/server/zones/jobs/loader-lane.js';
import { KeptState } from '../../../src/server/zones/kept-state.js';
import { loadZone, type ZoneResult } from '../../../src/server/zones/load-zone.js';
import { ServedZones } from '../../../src/server/zones/served-zones.js';
import { ZoneKeeper } from '../../../src/server/zones/zone-keeper.js';
import type { ZoneStore } from '../../../src/state/zone-store.js';
import type { Difference } from '../../../src/zone/changes/difference.js';
import { loadText } from '../../answer/support.js';
import { FakeClock } from '../../support/clock.js';
import { rdataFromText } from '../../support/rdata.js';

export const KEEP: EffectivePolicy = zonePolicyOf(defaultConfig())('a.test.');

export const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
export const withSerial = (serial: number, records = ''): string => ZONE.replace('h 1 2', `h ${serial} 2`) + records;
export const imageOf = (name: string, text: string): Uint8Array => loadText(name, text).image;
export const textOf = (image: Uint8Array): string => [...imageText(image)].join('');

/** A state whose disk is full when the test says so. */
export class FullDisk extends KeptState {
  isFull = false;

  override commit(...args: Parameters<KeptState['commit']>): Promise<void> {
    return this.isFull ? Promise.reject(fullDisk()) : super.commit(...args);
  }

  override commitSource(...args: Parameters<KeptState['commitSource']>): Promise<void> {
    return this.isFull ? Promise.reject(fullDisk()) : super.commitSource(...args);
  }
}

function fullDisk(): AdotdError {
  return new AdotdError(ErrorCode.STATE, 'the disk is full');
}

export class KeeperBench {
  readonly clock = new FakeClock();
  readonly lane = new LoaderLane(this.clock, false);
  readonly state: FullDisk | undefined;
  /** What was reported. */
  readonly reports: string[] = [];
  readonly publisher = new Publisher();
  readonly served = new ServedZones(this.publisher);
  readonly catalogs: Catalog[] = [];
  /** Those of zones that the test names; others are changed nowhere. */
  readonly policies = new Map<string, Partial<EffectivePolicy>>();
  readonly keeper: ZoneKeeper;

  /** With a store, versions are stored as a server with `state` does. */
  constructor(store?: ZoneStore, signers?: ZoneSigners) {
    this.state = store && new FullDisk(store, this.lane);
    this.keeper = new ZoneKeeper({
      publisher: this.publisher,
      lane: this.lane,
      clock: this.clock,
      policyOf: (zone) => ({ ...KEEP, ...this.policies.get(zone) }),
      state: this.state,
      signers,
      report: (text) => this.reports.push(text),
      replaced: (zone, image, expire) => this.served.replaced(zone, image, this.clock.seconds(), expire),
      examined: (zone, expire) => this.served.examined(zone, expire),
    });
    this.keeper.begin(async (catalog) => void this.catalogs.push(catalog));
  }

  /** Loads zone files, as the loader does. */
  async load(files: Readonly<Record<string, string>>): Promise<ReturnType<ServedZones['change']>> {
    const results = Object.entries(files).map(([name, text]): ZoneResult => {
      // As from a file: what a fixture is given is another matter.
      const result = loadZone({ file: `${name}.zone`, text, name }, { now: 0 });
      return { ...result, zone: { file: `${name}.zone`, name } };
    });
    const prepared = await this.keeper.files.prepare(results, (key) => this.served.isShared(key));
    const report = this.served.change(prepared.results, [], this.clock.seconds());
    prepared.settle((key) => this.served.isServed(key));
    await this.keeper.publish();
    return report;
  }

  get catalog(): Catalog {
    const last = this.catalogs.at(-1);
    if (last === undefined) throw new Error('nothing was published');
    return last;
  }

  #number(name: string): number {
    const wire = nameFromText(name);
    const labels = labelOffsets(wire);
    return findZone(this.catalog, wire, 0, Uint16Array.from(labels), labels.length, 0);
  }

  /** What is answered for a zone: its text, or what stands for its failure in the catalog. */
  answered(name: string): string | number | undefined {
    const number = this.#number(name);
    if (number < 0) return undefined;
    const image = zoneImage(this.catalog, number);
    return image === undefined ? this.catalog.zones[number * ZONE_WORDS + ZONE_SEGMENT] : textOf(image);
  }

  /** Serials of the history that threads see: `1>2`. */
  history(name: string): string[] {
    return zoneHistory(this.catalog, this.#number(name)).map(({ from, to }) => `${from}>${to}`);
  }
}

/** Makes changes of lines such as `+www 60 A 192.0.2.1` and `-www A 192.0.2.1`; names are relative to the zone. */
export function changes(...lines: readonly string[]): (view: ZoneView) => Changes | undefined {
  return (view) => {
    const pending = new PendingView(view);
    for (const line of lines) {
      const [owner = '', ...words] = line.slice(1).split(' ');
      const name = owner === '@' ? view.apex : nameFromText(`${owner}.a.test.`);
      const ttl = line.startsWith('+') ? Number(words.shift()) : 0;
      const [mnemonic = '', ...rest] = words;
      const type = typeByMnemonic(mnemonic) ?? 0;
      const rdata = rdataFromText(type, rest);
      if (line.startsWith('+')) pending.add(name, type, { ttl, rdata });
      else pending.remove(name, type, rdata);
    }
    return pending.changes();
  };
}

/** Expects that a history leads from each version that it has, of those in `images` by serial, to the one that is served. */
export function checkHistory(
  history: readonly Difference[],
  images: ReadonlyMap<number, Uint8Array>,
  served: Uint8Array,
  where: string,
): void {
  history.forEach(({ from, to }, i) => {
    if (i > 0) expect(from, where).toBe(history[i - 1]!.to);
    const older = images.get(from);
    if (older === undefined) return;
    let image = older;
    for (const difference of history.slice(i)) image = applyDifference(image, difference, { now: 0 }).image!;
    expect(sortedLines(image), `${where}, from ${from} by ${to}`).toEqual(sortedLines(served));
  });
}

/** The order of an RRset's records in an image is that in which they came. */
const sortedLines = (image: Uint8Array): string[] => textOf(image).split('\n').sort();

/** What a keeper knows of a zone that nobody has changed. */
export const UNCHANGED = {
  serial: 1,
  sourceSerial: 1,
  history: [],
  origin: undefined,
  pending: 0,
  overlay: undefined,
} as const;
