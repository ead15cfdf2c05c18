/** The life of zones, beside BIND, Knot and NSD: a table for each part. All on this machine, in one run. */
import { benchUpdates } from './zones-updates.js';

interface ZonesOptions {
  readonly turns: number;
  readonly seconds: number;
  /** Names of parts; undefined: all. */
  readonly only: readonly string[] | undefined;
}

const PARTS: Readonly<Record<string, (options: ZonesOptions) => Promise<void>>> = {
  updates: benchUpdates,
};

export async function benchZones(options: ZonesOptions): Promise<void> {
  for (const [name, part] of Object.entries(PARTS))
    if (options.only === undefined || options.only.includes(name)) await part(options);
}
