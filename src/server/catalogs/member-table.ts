/** Members of catalogs in the state: the catalog that each zone came from, and the catalog's data about the zone. */
import * as z from 'zod/mini';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { StoredTable } from '../../state/stored-table.js';
import type { OwnedMember } from '../../transfer/catalog/catalog-owners.js';
import type { MemberTable } from './consumed-catalogs.js';

/** A stored member: JSON, by the key of the zone. */
const storedMember = z.object({
  catalog: z.string(),
  label: z.string(),
  groups: z.array(z.string()),
  coo: z.optional(z.string()),
});

/** Name of their table. */
export const MEMBERS = 'members';

/** The members in a table of the state. Damaged ones are left out, with errors in the log: their catalogs bring them again. */
export function memberTable(table: Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'>, log: Log): MemberTable {
  const read = (zone: string): OwnedMember[] => {
    try {
      const value = table.get(zone);
      if (value === undefined) return [];
      return [{ zone, ...storedMember.parse(JSON.parse(Buffer.from(value).toString('utf8'))) }];
    } catch (error) {
      log.error({ err: error, zone }, `the member ${zone} of a catalog cannot be read: ${messageOf(error)}`);
      return [];
    }
  };
  return {
    read: () => table.keys().flatMap(read),
    async write(put, gone) {
      // They wait for one fdatasync together.
      await Promise.all([
        ...put.map(({ zone, ...member }) => table.put(zone, Buffer.from(JSON.stringify(member)))),
        ...gone.map((zone) => table.remove(zone)),
      ]);
    },
  };
}
