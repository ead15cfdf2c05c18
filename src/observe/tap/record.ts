/**
 * A record of one query, as an entry of a ring: transport, time, outcome, and the octets of both messages. Threads that answer write
 * it, the control thread reads it, and both ends are here, so that the layout is in one place.
 * Hot file: integers, and no allocation except one view for each message that is copied.
 */
import type { Facts, Kind, Limited, Outcome, Transport } from '../../answer/facts.js';
import { ZONE_LABELS, ZONE_WORDS } from '../../image/catalog.js';
import type { RingReader, RingWriter } from './ring.js';

/** Receivers of a record, as bits. */
export const Target = { QUERY_LOG: 1, DNSTAP: 2 } as const;

/** Words of a record; word 0 is the ring's. */
const TARGETS = 1;
/** A Float64: milliseconds since 1970 at which respond() had answered. */
const ENDED = 2;
/** Nanoseconds that respond() took. */
const DURATION = 4;
const TRANSPORT = 5;
const CLIENT_LENGTH = 6;
const CLIENT_PORT = 7;
/** 16 octets. */
const CLIENT = 8;
const KIND = 12;
const OPCODE = 13;
const RCODE = 14;
const EDE = 15;
const EDNS = 16;
const DNSSEC_OK = 17;
/** Number of labels of the zone's name, the end of QNAME; -1: no zone. */
const ZONE = 18;
const QUERY_LENGTH = 19;
const RESPONSE_LENGTH = 20;
/** Octets of both messages that the record keeps. */
const QUERY_KEPT = 21;
const RESPONSE_KEPT = 22;
/** The action of the rate limit. */
const LIMITED = 23;
const RECORD_WORDS = 24;
const RECORD_OCTETS = RECORD_WORDS * 4;

/** Octets of a query that the query log reads: header, QNAME, QTYPE and QCLASS. */
const LOGGED_QUERY = 12 + 255 + 4;
/** Octets of a response that the query log reads: the header. */
const LOGGED_RESPONSE = 12;

/** The longest message that is copied octet by octet. Measured: 1.3 ns an octet, against 55 ns for a view and its copy. */
const SHORT = 40;

/** Milliseconds to nanoseconds. */
const NANOSECONDS = 1e6;
const LONGEST_DURATION = 0x7fffffff;

/**
 * Writes the record of one message; returns whether it fitted. `ended`: milliseconds since 1970; `took`: milliseconds that
 * respond() took, `length`: its result. Whole messages are kept only for dnstap, and only
 * with `queries` or `responses`.
 */
export function writeRecord(
  ring: RingWriter,
  targets: number,
  queries: boolean,
  responses: boolean,
  ended: number,
  took: number,
  facts: Facts,
  outcome: Outcome,
  query: Uint8Array,
  queryAt: number,
  queryLength: number,
  response: Uint8Array,
  responseAt: number,
  length: number,
): boolean {
  const answered = Math.max(length, 0);
  const tapped = (targets & Target.DNSTAP) !== 0;
  const queryKept = tapped && queries ? queryLength : Math.min(queryLength, LOGGED_QUERY);
  const responseKept = tapped && responses ? answered : Math.min(answered, LOGGED_RESPONSE);
  const place = ring.reserve(RECORD_OCTETS + queryKept + responseKept);
  if (place < 0) return false;
  const { words, bytes } = ring;
  const at = place >> 2;
  words[at + TARGETS] = targets;
  ring.floats[(at + ENDED) >> 1] = ended;
  words[at + DURATION] = Math.min(LONGEST_DURATION, took * NANOSECONDS);
  words[at + TRANSPORT] = facts.transport;
  const clientLength = facts.clientLength;
  words[at + CLIENT_LENGTH] = clientLength;
  words[at + CLIENT_PORT] = facts.clientPort;
  const client = place + CLIENT * 4;
  for (let i = 0; i < clientLength; i++) bytes[client + i] = facts.client[i]!;
  words[at + KIND] = outcome.kind;
  words[at + OPCODE] = outcome.opcode;
  words[at + RCODE] = outcome.rcode;
  words[at + EDE] = outcome.ede;
  words[at + EDNS] = outcome.edns;
  words[at + DNSSEC_OK] = outcome.dnssecOk;
  words[at + LIMITED] = outcome.limited;
  words[at + ZONE] = outcome.zone < 0 ? -1 : facts.catalog.zones[outcome.zone * ZONE_WORDS + ZONE_LABELS]!;
  words[at + QUERY_LENGTH] = queryLength;
  words[at + RESPONSE_LENGTH] = answered;
  words[at + QUERY_KEPT] = queryKept;
  words[at + RESPONSE_KEPT] = responseKept;
  copy(query, queryAt, queryKept, bytes, place + RECORD_OCTETS);
  copy(response, responseAt, responseKept, bytes, place + RECORD_OCTETS + queryKept);
  ring.commit();
  return true;
}

function copy(from: Uint8Array, at: number, length: number, to: Uint8Array, place: number): void {
  if (length > SHORT) to.set(from.subarray(at, at + length), place);
  else for (let i = 0; i < length; i++) to[place + i] = from[at + i]!;
}

/** A record that was read; one object serves for all. Valid until its entry is released. */
export interface TapRecord {
  /** Bits of Target. */
  targets: number;
  /** Milliseconds since 1970, with a fraction. */
  began: number;
  ended: number;
  transport: Transport;
  clientLength: number;
  clientPort: number;
  kind: Kind;
  opcode: number;
  rcode: number;
  /** Or -1. */
  ede: number;
  edns: number;
  dnssecOk: number;
  limited: Limited;
  /** Number of labels of the zone's name, the end of QNAME; -1: no zone. */
  zoneLabels: number;
  /** Octets of the whole messages; 0: no response was sent. */
  queryLength: number;
  responseLength: number;
  /** Places of the client's address and of the messages in `bytes`, and the octets that are kept. */
  bytes: Uint8Array;
  clientAt: number;
  queryAt: number;
  queryKept: number;
  responseAt: number;
  responseKept: number;
}

/** A record for readRecord() to fill in. */
export function createRecord(): TapRecord {
  return {
    targets: 0,
    began: 0,
    ended: 0,
    transport: 0,
    clientLength: 0,
    clientPort: 0,
    kind: 0,
    opcode: 0,
    rcode: 0,
    ede: -1,
    edns: 0,
    dnssecOk: 0,
    limited: 0,
    zoneLabels: -1,
    queryLength: 0,
    responseLength: 0,
    bytes: new Uint8Array(0),
    clientAt: 0,
    queryAt: 0,
    queryKept: 0,
    responseAt: 0,
    responseKept: 0,
  };
}

/** Reads the entry at `place`, the last one of ring.next(), into `record`; returns whether it is a record. */
export function readRecord(ring: RingReader, place: number, record: TapRecord): boolean {
  const { words, bytes, floats } = ring;
  const at = place >> 2;
  const query = words[at + QUERY_KEPT]!;
  const response = words[at + RESPONSE_KEPT]!;
  const client = words[at + CLIENT_LENGTH]!;
  const fits = query >= 0 && response >= 0 && RECORD_OCTETS + query + response <= ring.size;
  if (!fits || (client !== 4 && client !== 16)) return false;
  record.targets = words[at + TARGETS]!;
  record.ended = floats[(at + ENDED) >> 1]!;
  record.began = record.ended - words[at + DURATION]! / NANOSECONDS;
  record.transport = words[at + TRANSPORT]! as Transport;
  record.clientLength = client;
  record.clientPort = words[at + CLIENT_PORT]!;
  record.kind = words[at + KIND]! as Kind;
  record.opcode = words[at + OPCODE]!;
  record.rcode = words[at + RCODE]!;
  record.ede = words[at + EDE]!;
  record.edns = words[at + EDNS]!;
  record.dnssecOk = words[at + DNSSEC_OK]!;
  record.limited = words[at + LIMITED]! as Limited;
  record.zoneLabels = words[at + ZONE]!;
  record.queryLength = words[at + QUERY_LENGTH]!;
  record.responseLength = words[at + RESPONSE_LENGTH]!;
  record.bytes = bytes;
  record.clientAt = place + CLIENT * 4;
  record.queryAt = place + RECORD_OCTETS;
  record.queryKept = query;
  record.responseAt = record.queryAt + record.queryKept;
  record.responseKept = response;
  return true;
}
