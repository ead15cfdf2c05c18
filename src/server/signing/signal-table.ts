/** Which signals for new zones were added to zones here (RFC 9615), in the state: nothing else tells them from records of their sources. */
import * as z from 'zod/mini';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { StoredTable } from '../../state/stored-table.js';
import type { SignalRecord } from '../../transfer/bootstrap/signal-records.js';

/** What is stored by the key of the zone, as JSON. */
const storedSignals = z.array(
  z.object({
    owner: z.string(),
    type: z.number(),
    ttl: z.number(),
    rdata: z.string().check(z.regex(/^([0-9a-f]{2})*$/)),
  }),
);

/** Zones are given by their keys. */
export interface SignalTable {
  /** Zones with signals. */
  zones(): readonly string[];
  read(zone: string): readonly SignalRecord[];
  /** Fulfilled when they are on disk. Rejects with ADOTD_STATE. */
  write(zone: string, signals: readonly SignalRecord[]): Promise<void>;
}

/** The signals in a table of the state. What is damaged is left out, with an error in the log: those records stay in their zone. */
export function signalTable(table: Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'>, log: Log): SignalTable {
  return {
    zones: () => table.keys(),
    read(zone) {
      try {
        const value = table.get(zone);
        return value === undefined ? [] : storedSignals.parse(JSON.parse(Buffer.from(value).toString('utf8')));
      } catch (error) {
        const what = `which signals were added to zone ${zone} cannot be read: ${messageOf(error)}`;
        log.error({ err: error, zone }, `${what}; take them out of the zone by hand once their zones have DS records`);
        return [];
      }
    },
    async write(zone, signals) {
      if (signals.length === 0) await table.remove(zone);
      else await table.put(zone, Buffer.from(JSON.stringify(signals)));
    },
  };
}
