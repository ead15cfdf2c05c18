/**
 * The difference between two versions of a zone, as IXFR sends it (RFC 1995 §4), a journal keeps it, and UPDATE makes it
 * (RFC 2136 §3.4). NOT here: the order of IXFR, where each SOA record comes first.
 */
import { AdotdError, ErrorCode } from '../../errors.js';
import { Class, Type } from '../../protocol/iana.js';
import { labelCount, nameToText, sameName, suffixAt } from '../../protocol/name.js';
import { readU16, readU32, writeU32 } from '../../protocol/octets.js';
import { checkName } from '../../protocol/rdata/names.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { checkRdata } from '../../protocol/rdata/wire.js';
import { RUN_FIXED, RunCursor, RunWriter } from './record-run.js';

/** Leads from one version of a zone to another. Both runs have the SOA record of their version, in its canonical place. */
export interface Difference {
  /** Name of the zone in wire format. */
  readonly apex: Uint8Array;
  /** Serial of the version that it begins at. */
  readonly from: number;
  /** Serial of the version that it leads to. */
  readonly to: number;
  /** The records that the older version has and the newer one has not, as a run (record-run.ts). */
  readonly removed: Uint8Array;
  /** The records that the newer version has and the older one has not. */
  readonly added: Uint8Array;
}

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;
/** A TTL with the highest bit set counts as 0 (RFC 2181 §8). */
const MAX_TTL = 0x7fffffff;
/** From here to 255 are types of questions and of messages, never of a zone (RFC 6895 §3.1). */
const FIRST_META_TYPE = 128;
const LAST_META_TYPE = 255;

function fail(code: ErrorCode, apex: Uint8Array, reason: string): never {
  throw new AdotdError(code, `a change of ${nameToText(apex)}: ${reason}`);
}

/**
 * A difference of runs that are well formed and in canonical order, and have one SOA record each. Throws
 * ADOTD_CHANGE_SERIAL when both have the same serial.
 */
export function differenceOf(apex: Uint8Array, removed: Uint8Array, added: Uint8Array): Difference {
  const [from, to] = [serialIn(apex, removed), serialIn(apex, added)];
  if (from === to)
    fail(ErrorCode.CHANGE_SERIAL, apex, `found serial ${to} in both versions, expected another one in the newer`);
  return { apex, from, to, removed, added };
}

/**
 * A difference of records in any order that came from elsewhere: a transfer, a journal, a message. `removed` and `added`
 * are uncompressed records in wire format, the SOA records among them. Throws ADOTD_WIRE for malformed records,
 * ADOTD_OUT_OF_ZONE, ADOTD_RECORD_PRESENT for a record that comes twice, and ADOTD_CHANGE_SERIAL.
 */
export function readDifference(apex: Uint8Array, removed: Uint8Array, added: Uint8Array): Difference {
  return differenceOf(apex, readRun(apex, removed), readRun(apex, added));
}

/** The serial of the one SOA record in a run. */
function serialIn(apex: Uint8Array, run: Uint8Array): number {
  let serial: number | undefined;
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    if (cursor.type !== Type.SOA) continue;
    if (!sameName(cursor.octets, cursor.at, apex, 0))
      fail(ErrorCode.OUT_OF_ZONE, apex, `found ${cursor.describe()}, expected SOA records only at the apex`);
    if (serial !== undefined) fail(ErrorCode.WIRE, apex, 'found a second SOA record of one version, expected one');
    serial = readU32(cursor.octets, cursor.end - SOA_SERIAL);
  }
  return serial ?? fail(ErrorCode.WIRE, apex, 'found no SOA record of one of the versions, expected one of each');
}

/**
 * A run of records of the zone `apex` in any order that came from elsewhere: uncompressed wire format, class IN. Throws ADOTD_WIRE for
 * malformed records, ADOTD_OUT_OF_ZONE, and ADOTD_RECORD_PRESENT for a record that comes twice.
 */
export function readRun(apex: Uint8Array, octets: Uint8Array): Uint8Array {
  // A copy: slice() of a Buffer would be a view.
  const run = Uint8Array.from(octets);
  const labels = labelCount(apex);
  const cursors: RunCursor[] = [];
  for (let at = 0; at < run.length; ) {
    const end = checkRecord(apex, run, at);
    const cursor = new RunCursor(run.subarray(at, end));
    if (suffixAt(run, at, apex, labels) < 0)
      fail(ErrorCode.OUT_OF_ZONE, apex, `found ${cursor.describe()}, expected names at or below the apex`);
    cursors.push(cursor);
    at = end;
  }
  cursors.sort((a, b) => a.compare(b));
  const writer = new RunWriter();
  let last: RunCursor | undefined;
  for (const cursor of cursors) {
    if (last?.compare(cursor) === 0)
      fail(ErrorCode.RECORD_PRESENT, apex, `found the record ${cursor.describe()} twice, expected it once`);
    last = new RunCursor(cursor.octets);
    writer.take(cursor);
  }
  return writer.finish();
}

/** Returns where the record at run[at…] ends. Its TTL is set to 0 when it is too large. */
function checkRecord(apex: Uint8Array, run: Uint8Array, at: number): number {
  const malformed = (reason: string): never =>
    fail(ErrorCode.WIRE, apex, `found a malformed record at octet ${at}: ${reason}`);
  const fixed = checkName(run, at, run.length);
  if (fixed < 0) malformed('its owner is no name');
  const rdata = fixed + RUN_FIXED;
  if (rdata > run.length) malformed('it ends before its RDATA');
  const type = readU16(run, fixed);
  if (type === 0 || type === Type.OPT || (type >= FIRST_META_TYPE && type <= LAST_META_TYPE))
    malformed(`records of type ${typeToText(type)} are in no zone`);
  const classNumber = readU16(run, fixed + 2);
  if (classNumber !== Class.IN) malformed(`it has class ${classNumber}, expected IN`);
  if (readU32(run, fixed + 4) > MAX_TTL) writeU32(run, fixed + 4, 0);
  const length = readU16(run, fixed + 8);
  const reason = checkRdata(type, run, rdata, length);
  if (reason !== undefined) malformed(`its RDATA of type ${typeToText(type)} is malformed, ${reason}`);
  return rdata + length;
}
