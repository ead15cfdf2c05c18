/**
 * How many clients there were on a day: a sketch of each transport, one behind the other, and a mark of the key that addresses were hashed
 * with. Sketches of one key can be put together; those of different keys count a client once each. As octets: the format, the day and the
 * order as in rows, eight octets of the mark, then the sketches, deflated.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { TRANSPORT_NAMES } from './measures.js';

/** Registers of a sketch. */
const REGISTERS = 1 << 14;
const SKETCHES = REGISTERS * TRANSPORT_NAMES.length;
/** The longest run that a register can have: 32 bits less 14, and 1. */
const MAX_RUN = 19;
const FORMAT = 1;
const MARK_AT = 9;
const MARK_OCTETS = 8;

export interface ClientDay {
  /** Days since 1970, in UTC. */
  readonly day: number;
  readonly order: number;
  /** Tells whether two sketches have the same key; 16 hexadecimal digits. */
  readonly mark: string;
  /** REGISTERS for each transport. */
  readonly sketches: Uint8Array;
}

export function encodeClientDay({ day, order, mark, sketches }: ClientDay): Uint8Array {
  const head = Buffer.alloc(MARK_AT);
  head[0] = FORMAT;
  head.writeUInt32BE(day, 1);
  head.writeUInt32BE(order, 5);
  return Buffer.concat([head, Buffer.from(mark, 'hex'), deflateRawSync(sketches)]);
}

/** undefined for octets that are no day of clients, or that have a later format. */
export function decodeClientDay(octets: Uint8Array): ClientDay | undefined {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  if (buffer[0] !== FORMAT || buffer.length < MARK_AT + MARK_OCTETS) return undefined;
  const mark = buffer.subarray(MARK_AT, MARK_AT + MARK_OCTETS).toString('hex');
  try {
    const inflated = inflateRawSync(buffer.subarray(MARK_AT + MARK_OCTETS), { maxOutputLength: SKETCHES });
    const sketches = new Uint8Array(inflated);
    if (sketches.length !== SKETCHES || sketches.some((run) => run > MAX_RUN)) return undefined;
    return { day: buffer.readUInt32BE(1), order: buffer.readUInt32BE(5), mark, sketches };
  } catch {
    return undefined;
  }
}

/** The sketch of a transport. */
export function sketchOf({ sketches }: Pick<ClientDay, 'sketches'>, transport: number): Uint8Array {
  return sketches.subarray(transport * REGISTERS, (transport + 1) * REGISTERS);
}
