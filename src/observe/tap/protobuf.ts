/**
 * Writes Protocol Buffers (the wire format of proto2 and proto3): what dnstap needs of it, into one buffer that grows and is
 * used again and again.
 * NOT here: groups, packed fields, signed integers (sint), reading.
 */

const WireType = { VARINT: 0, LENGTH: 2, FIXED32: 5 } as const;

/** Octets of a varint of 32 bits, and of one of 64. */
const VARINT_32 = 5;
const VARINT_64 = 10;
/** Octets kept free for the length of a message within another, which is known only behind it: up to 2^28 - 1. */
const LENGTH_ROOM = 4;
/** Up to here a number is taken apart by bits. */
const MAX_INT32 = 0x7fffffff;
/** Octets up to which a loop copies faster than a view (record.ts). */
const SHORT = 40;

export class ProtobufWriter {
  /** What was written is `bytes.subarray(0, length)`. */
  bytes: Uint8Array;
  length = 0;

  constructor(octets = 4096) {
    this.bytes = new Uint8Array(octets);
  }

  /** An int32, uint32, uint64 or enum field; `value`: a whole number from 0 to 2^53 - 1. */
  integer(field: number, value: number): void {
    this.#reserve(VARINT_32 + VARINT_64);
    this.#tag(field, WireType.VARINT);
    this.#varint(value);
  }

  /** A fixed32 field: 32 bits, the low octet first. */
  fixed32(field: number, value: number): void {
    this.#reserve(VARINT_32 + 4);
    this.#tag(field, WireType.FIXED32);
    for (let shift = 0; shift < 32; shift += 8) this.bytes[this.length++] = value >>> shift;
  }

  /** A bytes field: octets `from[at … at + length)`. */
  octets(field: number, from: Uint8Array, at = 0, length: number = from.length - at): void {
    this.#reserve(2 * VARINT_32 + length);
    this.#tag(field, WireType.LENGTH);
    this.#varint(length);
    this.#copy(from, at, length);
  }

  /** Fields that were written before. */
  fields(written: Uint8Array): void {
    this.#reserve(written.length);
    this.#copy(written, 0, written.length);
  }

  /** Begins a message within this one; returns what end() is to be given. */
  begin(field: number): number {
    this.#reserve(VARINT_32 + LENGTH_ROOM);
    this.#tag(field, WireType.LENGTH);
    this.length += LENGTH_ROOM;
    return this.length;
  }

  /** Ends the message that begin() returned `from` for: its length gets as many octets as it takes, no more. */
  end(from: number): void {
    const { bytes, length: end } = this;
    const length = end - from;
    this.length = from - LENGTH_ROOM;
    this.#varint(length);
    if (this.length < from) bytes.copyWithin(this.length, from, end);
    this.length += length;
  }

  /** Makes room for `octets` and steps over them; returns where they are. */
  skip(octets: number): number {
    this.#reserve(octets);
    const at = this.length;
    this.length += octets;
    return at;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  #varint(value: number): void {
    const { bytes } = this;
    let high = value;
    for (; high > MAX_INT32; high = Math.floor(high / 0x80)) bytes[this.length++] = (high % 0x80) | 0x80;
    let rest = high | 0;
    for (; rest >= 0x80; rest >>>= 7) bytes[this.length++] = (rest & 0x7f) | 0x80;
    bytes[this.length++] = rest;
  }

  #copy(from: Uint8Array, at: number, length: number): void {
    const { bytes, length: to } = this;
    if (length > SHORT) bytes.set(from.subarray(at, at + length), to);
    else for (let i = 0; i < length; i++) bytes[to + i] = from[at + i]!;
    this.length = to + length;
  }

  #reserve(octets: number): void {
    if (this.length + octets <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.length + octets, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
