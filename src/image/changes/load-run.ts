/** Makes the image of a run of records, as the store of zones keeps them. */
import { nameToText } from '../../protocol/name.js';
import { RUN_FIXED, RunCursor } from '../../zone/changes/record-run.js';
import { Diagnostics } from '../../zone/diagnostics.js';
import { RecordStore } from '../../zone/store.js';
import { type Loaded, type LoadOptions, loadRecords } from '../load.js';

/** Octets of an average record in a run, to begin with. */
const OCTETS_PER_RECORD = 40;

/**
 * Loads a well-formed run of the zone `apex` (wire format). Errors and warnings of the zone are diagnostics, which have no line. The same
 * run always makes the same image.
 */
export function loadRun(apex: Uint8Array, run: Uint8Array, options: LoadOptions): Loaded {
  const store = new RecordStore(Math.ceil(run.length / OCTETS_PER_RECORD) + 64, run.length + 64);
  store.files.push(`${nameToText(apex)} as stored`);
  // Records of one owner stand together.
  let [node, owner] = [-1, -1];
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    if (owner < 0 || !isSameOwner(run, owner, cursor)) {
      node = store.intern(run, cursor.at);
      owner = cursor.at;
    }
    store.reserveRdata();
    const out = store.rdata;
    for (let i = cursor.rdataAt, to = store.rdataUsed; i < cursor.end; i++, to++) out[to] = run[i]!;
    store.add(node, cursor.type, cursor.ttl, cursor.rdataLength, 0, 0, 0);
  }
  return loadRecords(store, new Diagnostics(options.maxDiagnostics), options);
}

/** Whether the owner at run[owner] is spelt as the cursor's. */
function isSameOwner(run: Uint8Array, owner: number, { at, rdataAt }: RunCursor): boolean {
  const length = rdataAt - RUN_FIXED - at;
  for (let i = 0; i < length; i++) if (run[owner + i] !== run[at + i]) return false;
  return true;
}
