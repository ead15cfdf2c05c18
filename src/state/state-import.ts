/** Reads an export of the state (state-export.ts) into an empty store. */
import { AdotdError, ErrorCode } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { nameFromText } from '../protocol/name.js';
import { writeU32 } from '../protocol/octets.js';
import { isLaterSerial } from '../protocol/serial.js';
import { type Difference, differenceOf, readDifference, readRun } from '../zone/changes/difference.js';
import { RunCursor, RunWriter } from '../zone/changes/record-run.js';
import { EXPORT_FORMAT } from './state-export.js';
import { PLAN_FLAG, type StoredFacts } from './zone-facts.js';
import type { ZoneStore } from './zone-store.js';

/**
 * The name of no plan. So the server signs the zone anew at once, by its own plan: the new serial has broken the signature of the SOA
 * record.
 */
const NO_PLAN = 'raised';

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;

interface ImportOptions {
  /** Serials by zoneKey(): the zone's serial has to be later than this one, which secondaries have already. */
  readonly above: ReadonlyMap<string, number>;
}

/** The content of a zone, gathered until the next zone begins. */
interface Gathered {
  readonly zone: string;
  readonly serial: number | undefined;
  readonly facts: Partial<StoredFacts>;
  readonly records: Uint8Array[];
  readonly source: Uint8Array[];
  readonly differences: Difference[];
}

/**
 * Stores the content of an export; fulfilled with the zones and values stored, and the zones whose serials were raised. Rejects with
 * ADOTD_STATE when the store is not empty, when the export is malformed or cut off, or when it lacks a zone of `above`: then the folder has
 * a part of it and is of no use.
 */
export async function importState(
  store: ZoneStore,
  lines: AsyncIterable<string>,
  { above }: ImportOptions,
): Promise<{ zones: number; values: number; raised: string[] }> {
  if (store.zones().length > 0 || store.tables().length > 0)
    throw fail('the state folder is not empty: import into a new one, and put that in its place');
  const counts = { zones: 0, values: 0 };
  const raised: string[] = [];
  let gathered: Gathered | undefined;
  let end: unknown;
  let number = 0;
  const finish = async (): Promise<void> => {
    if (gathered !== undefined && (await storeZone(store, gathered, above))) raised.push(gathered.zone);
    gathered = undefined;
  };
  for await (const text of lines) {
    number++;
    const line = parsed(text, number);
    if (number === 1) checkHeader(line);
    else if (end !== undefined) throw fail(`line ${number}: found more behind the end`);
    else if (typeof line.zone === 'string') {
      await finish();
      counts.zones++;
      const serial = typeof line.serial === 'number' ? line.serial : undefined;
      const facts = typeof line.facts === 'object' && line.facts !== null ? line.facts : {};
      gathered = { zone: line.zone, serial, facts, records: [], source: [], differences: [] };
    } else if (typeof line.table === 'string') {
      await finish();
      counts.values++;
      await store.table(line.table).put(String(line.key), octetsOf(line.value, number));
    } else if (line.end !== undefined) {
      await finish();
      end = line.end;
    } else if (gathered === undefined) throw fail(`line ${number}: expected a zone before it`);
    else gather(gathered, line, number);
  }
  const { zones, values } = (end ?? {}) as { zones?: unknown; values?: unknown };
  if (zones !== counts.zones || values !== counts.values)
    throw fail(`its end is missing: it was cut off behind line ${number}`);
  const unknown = [...above.keys()].find((zone) => store.zone(zone)?.serial === undefined);
  if (unknown !== undefined)
    throw fail(`--above: no records of a zone ${unknown} are in it; empty the folder, and import again`);
  return { ...counts, raised };
}

type Line = Readonly<Record<string, unknown>>;

function parsed(text: string, number: number): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line as Line;
  } catch {
    // Told below.
  }
  throw fail(`line ${number} is not an object in JSON`);
}

function checkHeader({ adotd, format }: Line): void {
  if (adotd !== 'state') throw fail('line 1: found no export of a state');
  if (typeof format !== 'number' || format > EXPORT_FORMAT)
    throw fail(
      `line 1: found format ${String(format)}, expected up to ${EXPORT_FORMAT}: import it with the version that wrote it`,
    );
}

function gather({ zone, records, source, differences }: Gathered, line: Line, number: number): void {
  if (line.records !== undefined) records.push(octetsOf(line.records, number));
  else if (line.source !== undefined) source.push(octetsOf(line.source, number));
  else {
    const [removed, added] = [octetsOf(line.removed, number), octetsOf(line.added, number)];
    differences.push(readDifference(nameFromText(zone), removed, added));
  }
}

function octetsOf(value: unknown, number: number): Uint8Array {
  if (typeof value !== 'string') throw fail(`line ${number}: expected octets in base64`);
  return Uint8Array.from(Buffer.from(value, 'base64'));
}

/** Stores a zone; fulfilled with whether its serial was raised. */
async function storeZone(store: ZoneStore, gathered: Gathered, above: ReadonlyMap<string, number>): Promise<boolean> {
  const { zone, serial, facts, records, source, differences } = gathered;
  if (records.length === 0) {
    await store.note(zone, facts, true);
    return false;
  }
  // An export may have been edited.
  const apex = nameFromText(zone);
  const run = readRun(apex, Buffer.concat(records));
  const file = source.length === 0 ? undefined : readRun(apex, Buffer.concat(source));
  await store.commit(zone, { generation: run, facts, ...(file && { source: file }) });
  if (differences.length > 0) await store.commit(zone, { differences });
  const found = store.zone(zone)?.serial;
  if (found === undefined || found !== serial) throw fail(`${zone} has serial ${found}, expected ${serial}`);
  const out = above.get(zone);
  if (out === undefined || isLaterSerial(out, found)) return false;
  const { flags = {} } = facts;
  await store.commit(zone, {
    differences: [raise(zone, differences.at(-1)?.added ?? run, (out + 1) >>> 0)],
    ...(PLAN_FLAG in flags && { facts: { flags: { ...flags, [PLAN_FLAG]: NO_PLAN } } }),
  });
  return true;
}

/** The difference that does nothing but give a zone another serial. `run` has its present SOA record. */
function raise(zone: string, run: Uint8Array, serial: number): Difference {
  const soa = soaIn(run);
  if (soa === undefined) throw fail(`${zone} has no SOA record`);
  const old = new RunWriter();
  old.take(soa);
  const removed = old.finish();
  const added = Uint8Array.from(removed);
  writeU32(added, added.length - SOA_SERIAL, serial);
  return differenceOf(nameFromText(zone), removed, added);
}

function soaIn(run: Uint8Array): RunCursor | undefined {
  const cursor = new RunCursor(run);
  while (!cursor.isAtEnd && cursor.type !== Type.SOA) cursor.next();
  return cursor.isAtEnd ? undefined : cursor;
}

function fail(reason: string): AdotdError {
  return new AdotdError(ErrorCode.STATE, `the export cannot be imported: ${reason}`);
}
