/**
 * Where the parent of a zone takes notifications of new keys: the records DSYNC, and the names at which they are looked up (RFC 9859 §4.1).
 * NOT here: CSYNC (§4.2), the report channel (§4.3.1), and a parent's handling of notifications (§4.3).
 */
import { Class, Type } from '../../protocol/iana.js';
import { labelOffsets, MAX_NAME, nameToText, suffixAt } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { readRdata } from '../../protocol/rdata/wire.js';
import { AnswerRecords } from '../in/answer-records.js';
import { checkResolverAnswer } from '../resolver-message.js';

/** `_dsync` (RFC 9859 §3). */
const LABEL = Uint8Array.of(6, ...Buffer.from('_dsync'));
/** The scheme NOTIFY (RFC 9859 §2.1). */
const NOTIFY = 1;
/** Octets of DSYNC RDATA before the target: type, scheme, port. */
const FIXED = 5;
const NSCOUNT = 8;

/** A receiver of NOTIFY messages about a new CDS RRset. */
export interface DsyncTarget {
  /** Name of a host in presentation format. */
  readonly host: string;
  readonly port: number;
}

/** A resolver's answer about the DSYNC records of a name. */
export interface DsyncAnswer {
  /** undefined: the name has no DSYNC record. */
  readonly targets: readonly DsyncTarget[] | undefined;
  /** Of a negative answer, the zone that denies, in wire format; undefined: it has no SOA record. */
  readonly denier: Uint8Array | undefined;
}

/**
 * Looks up the receivers that are to be told of the keys of `zone` (wire format); none: its parent does not say. `ask` asks a resolver
 * for the DSYNC records of a name; its errors are passed on.
 */
export async function dsyncTargets(
  zone: Uint8Array,
  ask: (name: Uint8Array) => Promise<DsyncAnswer>,
): Promise<readonly DsyncTarget[]> {
  const offsets = labelOffsets(zone);
  // The label goes behind the first label, then before the labels of the parent; at last it stands alone before those.
  let front = 1;
  let hasFront = true;
  while (front <= offsets.length) {
    const name = lookupName(zone, offsets[front] ?? zone.length - 1, hasFront);
    if (name === undefined) break;
    const { targets, denier } = await ask(name);
    if (targets !== undefined) return targets;
    const parent = denier === undefined ? -1 : suffixAt(zone, 0, denier, labelOffsets(denier).length);
    const begin = [...offsets, zone.length - 1].indexOf(parent);
    if (begin > front && hasFront) front = begin;
    else if (hasFront) hasFront = false;
    else break;
  }
  return [];
}

/** `_dsync` before the labels that begin at zone[at], and behind the others; undefined: that is too long for a name. */
function lookupName(zone: Uint8Array, at: number, hasFront: boolean): Uint8Array | undefined {
  const name = Buffer.concat([hasFront ? zone.subarray(0, at) : new Uint8Array(0), LABEL, zone.subarray(at)]);
  return name.length > MAX_NAME ? undefined : name;
}

/** Reads a resolver's answer over TCP. Throws ADOTD_TRANSFER, and ADOTD_WIRE for malformed RDATA. */
export function readDsyncAnswer(message: Uint8Array, id: number, name: Uint8Array): DsyncAnswer {
  checkResolverAnswer(message, id, `DSYNC records of ${nameToText(name)}`);
  const records = new AnswerRecords();
  records.begin(message);
  const targets: DsyncTarget[] = [];
  let hasDsync = false;
  while (records.next()) {
    if (records.type !== Type.DSYNC || records.classNumber !== Class.IN) continue;
    hasDsync = true;
    const target = targetOf(readRdata(Type.DSYNC, message, records.rdataAt, records.rdataLength));
    if (target !== undefined) targets.push(target);
  }
  if (hasDsync) return { targets, denier: undefined };
  records.left = readU16(message, NSCOUNT);
  while (records.next())
    if (records.type === Type.SOA && records.classNumber === Class.IN)
      return { targets: undefined, denier: records.owner.slice(0, records.ownerLength) };
  return { targets: undefined, denier: undefined };
}

/** undefined: the record is about other types, of a scheme that is not known, or names nobody. */
function targetOf(rdata: Uint8Array): DsyncTarget | undefined {
  const port = readU16(rdata, 3);
  const isForCds = readU16(rdata, 0) === Type.CDS && rdata[2] === NOTIFY;
  return isForCds && port !== 0 && rdata[FIXED] !== 0 ? { host: nameToText(rdata, FIXED), port } : undefined;
}
