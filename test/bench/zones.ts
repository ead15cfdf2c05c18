/** The life of zones, beside BIND, Knot and NSD: a table for each part. All on this machine, in one run. */
import { availableParallelism } from 'node:os';
import { benchKept } from './changes.js';
import { benchSign } from './sign.js';
import { benchSecondaries } from './zones-secondaries.js';
import { benchTransfers } from './zones-transfers.js';
import { benchUpdates } from './zones-updates.js';

interface ZonesOptions {
  readonly turns: number;
  readonly seconds: number;
  /** Of the parts with many zones and with a large one. */
  readonly zones: number;
  readonly records: number;
  /** Of the zone that is signed. */
  readonly names: number;
  /** Names of parts; undefined: all. */
  readonly only: readonly string[] | undefined;
}

/** In the order of the tables. */
const PARTS: Readonly<Record<string, (options: ZonesOptions) => Promise<void>>> = {
  transfers: benchTransfers,
  changes: ({ turns, zones, records }) => benchKept([100, 10_000, records], zones, turns),
  updates: benchUpdates,
  secondaries: benchSecondaries,
  signing: ({ turns, names }) => benchSign(names, turns, availableParallelism()),
};

export async function benchZones(options: ZonesOptions): Promise<void> {
  for (const [name, part] of Object.entries(PARTS))
    if (options.only === undefined || options.only.includes(name)) await part(options);
}
