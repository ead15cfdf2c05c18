/**
 * Runs of records: octets of uncompressed wire format (RFC 1035 §4.1.3), one record behind the other, in canonical order
 * (RFC 4034 §6): owner, type, RDATA. Hot file: integers and octets, no object per record.
 */
import { Class } from '../../protocol/iana.js';
import { compareNames, nameLength, nameToText } from '../../protocol/name.js';
import { readU16, readU32, writeU16, writeU32 } from '../../protocol/octets.js';
import { hasLoweredNames, typeToText } from '../../protocol/rdata/table.js';
import { canonicalRdata } from '../../protocol/rdata/wire.js';

/** Two runs: the records that are removed, and those that are added. */
export interface RunPair {
  readonly removed: Uint8Array;
  readonly added: Uint8Array;
}

/** Octets of a record between owner and RDATA: type, class, TTL, length. */
export const RUN_FIXED = 10;
const CLASS = 2;
const TTL = 4;
const LENGTH = 8;

/** Compares two RDATA of `type` in canonical order (RFC 4034 §6.3). */
export function compareRdata(
  type: number,
  a: Uint8Array,
  aAt: number,
  aLength: number,
  b: Uint8Array,
  bAt: number,
  bLength: number,
): number {
  if (hasLoweredNames(type)) {
    const lowered = (octets: Uint8Array, at: number, length: number): Uint8Array =>
      canonicalRdata(type, octets.subarray(at, at + length));
    return Buffer.compare(lowered(a, aAt, aLength), lowered(b, bAt, bLength));
  }
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i++) if (a[aAt + i] !== b[bAt + i]) return a[aAt + i]! - b[bAt + i]!;
  return aLength - bLength;
}

/** Walks over a well-formed run. The fields are those of the current record; at the end `isAtEnd` is true. */
export class RunCursor {
  readonly octets: Uint8Array;
  /** Where the record begins: its owner in wire format. */
  at = 0;
  type = 0;
  /** Seconds. */
  ttl = 0;
  rdataAt = 0;
  rdataLength = 0;
  /** Where the record ends. */
  end = 0;
  isAtEnd = false;

  constructor(octets: Uint8Array) {
    this.octets = octets;
    this.next();
  }

  next(): void {
    const { octets } = this;
    const at = this.end;
    this.at = at;
    if (at >= octets.length) {
      this.isAtEnd = true;
      return;
    }
    const fixed = at + nameLength(octets, at);
    this.type = readU16(octets, fixed);
    this.ttl = readU32(octets, fixed + TTL);
    this.rdataLength = readU16(octets, fixed + LENGTH);
    this.rdataAt = fixed + RUN_FIXED;
    this.end = this.rdataAt + this.rdataLength;
  }

  /** Compares the current records of two runs in canonical order; 0: they are the same record (RFC 4034 §6.3). */
  compare(other: RunCursor): number {
    return (
      compareNames(this.octets, this.at, other.octets, other.at) ||
      this.type - other.type ||
      compareRdata(
        this.type,
        this.octets,
        this.rdataAt,
        this.rdataLength,
        other.octets,
        other.rdataAt,
        other.rdataLength,
      )
    );
  }

  /** Whether the current records are the same octet by octet: TTL and letter case too. */
  isSpeltAs(other: RunCursor): boolean {
    const length = this.end - this.at;
    if (length !== other.end - other.at) return false;
    for (let i = 0; i < length; i++) if (this.octets[this.at + i] !== other.octets[other.at + i]) return false;
    return true;
  }

  /** `www.example. A`, for messages. */
  describe(): string {
    return `${nameToText(this.octets, this.at)} ${typeToText(this.type)}`;
  }
}

/** Writes a run. The caller gives the records in canonical order. */
export class RunWriter {
  readonly #allocate: (length: number) => Uint8Array;
  #octets: Uint8Array;
  #used = 0;

  /** `allocate`: gives memory of `length` octets; `expected`: octets that there is room for at first. */
  constructor(allocate = (length: number): Uint8Array => new Uint8Array(length), expected = 512) {
    this.#allocate = allocate;
    this.#octets = allocate(expected);
  }

  /** Octets of the run so far. */
  get length(): number {
    return this.#used;
  }

  /** Adds a record of class IN; `owner[ownerAt…]` is its name in wire format, `ttl` in seconds. */
  add(
    owner: Uint8Array,
    ownerAt: number,
    type: number,
    ttl: number,
    rdata: Uint8Array,
    rdataAt: number,
    rdataLength: number,
  ): void {
    const ownerLength = nameLength(owner, ownerAt);
    const at = this.#reserve(ownerLength + RUN_FIXED + rdataLength);
    const out = this.#octets;
    for (let i = 0; i < ownerLength; i++) out[at + i] = owner[ownerAt + i]!;
    const fixed = at + ownerLength;
    writeU16(out, fixed, type);
    writeU16(out, fixed + CLASS, Class.IN);
    writeU32(out, fixed + TTL, ttl);
    writeU16(out, fixed + LENGTH, rdataLength);
    for (let i = 0; i < rdataLength; i++) out[fixed + RUN_FIXED + i] = rdata[rdataAt + i]!;
  }

  /** Adds the current record of a run, and moves on in that. */
  take(run: RunCursor): void {
    const at = this.#reserve(run.end - run.at);
    for (let i = run.at, to = at; i < run.end; i++, to++) this.#octets[to] = run.octets[i]!;
    run.next();
  }

  /** The run, copied. */
  finish(): Uint8Array {
    return this.#octets.slice(0, this.#used);
  }

  /** The run, not copied: nothing may be added any more. */
  view(): Uint8Array {
    return this.#octets.subarray(0, this.#used);
  }

  /** Begins another run, in the same memory. */
  clear(): void {
    this.#used = 0;
  }

  #reserve(length: number): number {
    const at = this.#used;
    this.#used += length;
    if (this.#used > this.#octets.length) {
      const wider = this.#allocate(Math.max(this.#used, this.#octets.length * 2));
      wider.set(this.#octets);
      this.#octets = wider;
    }
    return at;
  }
}

/** A record that is on its way into a run. */
export interface RunRecord {
  /** In wire format. */
  readonly owner: Uint8Array;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** Sorts the records into canonical order, and returns them as a run. */
export function runOf(records: RunRecord[]): Uint8Array {
  records.sort(
    (a, b) =>
      compareNames(a.owner, 0, b.owner, 0) ||
      a.type - b.type ||
      compareRdata(a.type, a.rdata, 0, a.rdata.length, b.rdata, 0, b.rdata.length),
  );
  const run = new RunWriter();
  for (const { owner, type, ttl, rdata } of records) run.add(owner, 0, type, ttl, rdata, 0, rdata.length);
  return run.finish();
}

/** The run without the records for which `isLeftOut` is true. */
export function runWithout(run: Uint8Array, isLeftOut: (record: RunCursor) => boolean): Uint8Array {
  const writer = new RunWriter();
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; )
    if (isLeftOut(cursor)) cursor.next();
    else writer.take(cursor);
  return writer.finish();
}
