/** Sends an UPDATE message (RFC 2136) and waits for its answer. */
import { Opcode, Type } from '../../protocol/iana.js';
import { fitting } from '../errors.js';
import { type Exchange, type ExchangeOptions, exchange } from '../session/exchange.js';
import type { Query } from '../wire/message.js';
import { textToName } from '../wire/names.js';
import type { QueryTsig } from '../wire/tsig.js';

/** A record of the prerequisite or the update section. Its class gives its meaning (RFC 2136 §2.4, §2.5). */
export interface UpdateRecord {
  /** In presentation format; the final dot may be left out. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed. */
  readonly rdata: Uint8Array;
}

export interface Update {
  readonly zone: string;
  readonly class: number;
  readonly prerequisites: readonly UpdateRecord[];
  readonly changes: readonly UpdateRecord[];
  readonly tsig?: QueryTsig | undefined;
}

/** Octets of an UPDATE that may go over UDP: as many as an answer may have. */
const MAX_UDP = 1232;
/** Octets besides the records: header, zone section, OPT, TSIG. */
const REST = 512;
/** RFC 8467 §4.1. */
const PADDING = 128;

/** The record in wire format. Throws CLIENT_INPUT. */
function recordOctets({ name, type, class: classNumber, ttl, rdata }: UpdateRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(fitting(type, 16, 'type'), 0);
  fixed.writeUInt16BE(fitting(classNumber, 16, 'class'), 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(fitting(rdata.length, 16, 'length of the data'), 8);
  return Buffer.concat([textToName(name), fixed, rdata]);
}

/**
 * Sends the update once, over a connection of its own; over TCP in place of UDP when it is large. The answer may have any RCODE. Rejects
 * with a ClientError.
 */
export async function sendUpdate(update: Update, options: ExchangeOptions): Promise<Exchange> {
  const answers = update.prerequisites.map(recordOctets);
  const authority = update.changes.map(recordOctets);
  const octets = [...answers, ...authority].reduce((sum, record) => sum + record.length, REST);
  const query: Query = {
    name: update.zone,
    type: Type.SOA,
    class: update.class,
    opcode: Opcode.UPDATE,
    answers,
    authority,
    edns: { padding: PADDING },
    ...(update.tsig !== undefined && { tsig: update.tsig }),
  };
  const isLarge = options.transport === 'udp' && octets > MAX_UDP;
  return await exchange(query, isLarge ? { ...options, transport: 'tcp' } : options);
}
