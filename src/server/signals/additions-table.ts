/** The records that were added to zones here, in the state: nothing else tells them from records of the zones' sources. */
import * as z from 'zod/mini';
import { messageOf } from '../../errors.js';
import type { AddedRecord } from '../../image/changes/added-records.js';
import type { Log } from '../../observe/log.js';
import type { StoredTable } from '../../state/stored-table.js';

/** The stored form, as JSON, by the key of the zone. */
const storedRecords = z.array(
  z.object({
    owner: z.string(),
    type: z.number(),
    ttl: z.number(),
    rdata: z.string().check(z.regex(/^([0-9a-f]{2})*$/)),
  }),
);

/** Zones are given by their keys. */
export interface AdditionsTable {
  /** Zones with records that were added. */
  zones(): readonly string[];
  read(zone: string): readonly AddedRecord[];
  /** Fulfilled when they are on disk. Rejects with ADOTD_STATE. */
  write(zone: string, records: readonly AddedRecord[]): Promise<void>;
}

/**
 * The records in a table of the state. `what`: for the log, such as `signals`. Damaged entries are left out, with an error in the log:
 * their records stay in the zone.
 */
export function additionsTable(
  table: Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'>,
  what: string,
  log: Log,
): AdditionsTable {
  return {
    zones: () => table.keys(),
    read(zone) {
      try {
        const value = table.get(zone);
        return value === undefined ? [] : storedRecords.parse(JSON.parse(Buffer.from(value).toString('utf8')));
      } catch (error) {
        const found = `which ${what} were added to zone ${zone} cannot be read: ${messageOf(error)}`;
        log.error({ err: error, zone }, `${found}; take them out of the zone by hand`);
        return [];
      }
    },
    async write(zone, records) {
      if (records.length === 0) await table.remove(zone);
      else await table.put(zone, Buffer.from(JSON.stringify(records)));
    },
  };
}
