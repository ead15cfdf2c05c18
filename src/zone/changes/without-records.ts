/** A store without some of its records. */
import { RecordStore } from '../store.js';

/** The store itself, or a copy without the records for whose rows `isLeftOut` is true. */
export function withoutRecords(content: RecordStore, isLeftOut: (row: number) => boolean): RecordStore {
  let leftOut = 0;
  for (let row = 0; row < content.recordCount; row++) if (isLeftOut(row)) leftOut++;
  if (leftOut === 0) return content;
  const store = new RecordStore(content.recordCount * 2, content.rdataUsed);
  store.files.push(...content.files);
  const { rdata, rdataAt, rdataLength } = content;
  for (let row = 0; row < content.recordCount; row++) {
    if (isLeftOut(row)) continue;
    store.reserveRdata();
    store.rdata.set(rdata.subarray(rdataAt[row]!, rdataAt[row]! + rdataLength[row]!), store.rdataUsed);
    const node = store.intern(content.nameOf(content.node[row]!));
    const { type, ttl, file, line, column } = content;
    store.add(node, type[row]!, ttl[row]!, rdataLength[row]!, file[row]!, line[row]!, column[row]!);
  }
  return store;
}
