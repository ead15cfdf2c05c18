/**
 * Records as dnstap payloads (the schema of dnstap.info, dnstap.proto): AUTH_QUERY and AUTH_RESPONSE, each in a data frame.
 * NOT here: the server's own address and port (the transports do not tell them), UPDATE_QUERY and UPDATE_RESPONSE, policy.
 */
import { Transport } from '../../answer/facts.js';
import { LOWER } from '../../protocol/name.js';
import { ProtobufWriter } from './protobuf.js';
import { readQuestion, zoneName } from './question.js';
import type { TapRecord } from './record.js';

/** Fields of the message Dnstap. */
const Dnstap = { IDENTITY: 1, VERSION: 2, MESSAGE: 14, TYPE: 15 } as const;
const TYPE_MESSAGE = 1;

/** Fields of the message Message. */
const Message = {
  TYPE: 1,
  SOCKET_FAMILY: 2,
  SOCKET_PROTOCOL: 3,
  QUERY_ADDRESS: 4,
  QUERY_PORT: 6,
  QUERY_TIME_SEC: 8,
  QUERY_TIME_NSEC: 9,
  QUERY_MESSAGE: 10,
  QUERY_ZONE: 11,
  RESPONSE_TIME_SEC: 12,
  RESPONSE_TIME_NSEC: 13,
  RESPONSE_MESSAGE: 14,
} as const;

/** Types of Message. */
const MessageType = { AUTH_QUERY: 1, AUTH_RESPONSE: 2 } as const;

const SocketFamily = { INET: 1, INET6: 2 } as const;
/** SocketProtocol by Transport: UDP, TCP, DOT. */
const PROTOCOLS: Readonly<Record<number, number>> = { [Transport.UDP]: 1, [Transport.TCP]: 2, [Transport.TLS]: 3 };

/** What is said, and by whom. */
export interface DnstapSettings {
  /** Octets that name this server; none: it is not named. */
  readonly identity: Uint8Array;
  readonly version: Uint8Array;
  readonly queries: boolean;
  readonly responses: boolean;
}

/** Makes what writes the frames of a record, and returns how many there are. */
export function dnstapEncoder(settings: DnstapSettings): (out: ProtobufWriter, record: TapRecord) => number {
  const server = serverFields(settings);
  return (out, record) => {
    const { queries } = settings;
    const responses = settings.responses && record.responseLength > 0;
    if (!queries && !responses) return 0;
    const zone = zoneOf(record);
    if (queries) putFrame(out, record, server, zone, MessageType.AUTH_QUERY);
    if (responses) putFrame(out, record, server, zone, MessageType.AUTH_RESPONSE);
    return queries && responses ? 2 : 1;
  };
}

/** The fields of Dnstap that are always the same. */
function serverFields({ identity, version }: DnstapSettings): Uint8Array {
  const out = new ProtobufWriter();
  if (identity.length > 0) out.octets(Dnstap.IDENTITY, identity);
  if (version.length > 0) out.octets(Dnstap.VERSION, version);
  out.integer(Dnstap.TYPE, TYPE_MESSAGE);
  return out.bytes.slice(0, out.length);
}

/** The zone that answered, in lower case, not in the letter case of who asks: one zone, one value to group by. */
function zoneOf(record: TapRecord): Uint8Array | undefined {
  const question = record.zoneLabels < 0 ? undefined : readQuestion(record);
  if (question === undefined) return undefined;
  const zone = zoneName(question.name, record.zoneLabels);
  for (let i = 0; i < zone.length; i++) zone[i] = LOWER[zone[i]!]!;
  return zone;
}

function putFrame(
  out: ProtobufWriter,
  record: TapRecord,
  server: Uint8Array,
  zone: Uint8Array | undefined,
  type: number,
): void {
  const at = out.skip(4);
  out.fields(server);
  const message = out.begin(Dnstap.MESSAGE);
  putMessage(out, record, zone, type);
  out.end(message);
  const length = out.length - at - 4;
  for (let i = 0; i < 4; i++) out.bytes[at + i] = length >>> (24 - 8 * i);
}

function putMessage(out: ProtobufWriter, record: TapRecord, zone: Uint8Array | undefined, type: number): void {
  const { bytes, clientLength } = record;
  out.integer(Message.TYPE, type);
  out.integer(Message.SOCKET_FAMILY, clientLength === 4 ? SocketFamily.INET : SocketFamily.INET6);
  out.integer(Message.SOCKET_PROTOCOL, PROTOCOLS[record.transport] ?? 1);
  out.octets(Message.QUERY_ADDRESS, bytes, record.clientAt, clientLength);
  out.integer(Message.QUERY_PORT, record.clientPort);
  putTime(out, Message.QUERY_TIME_SEC, Message.QUERY_TIME_NSEC, record.began);
  if (type === MessageType.AUTH_QUERY) {
    out.octets(Message.QUERY_MESSAGE, bytes, record.queryAt, record.queryKept);
  }
  if (zone !== undefined) out.octets(Message.QUERY_ZONE, zone);
  if (type === MessageType.AUTH_RESPONSE) {
    putTime(out, Message.RESPONSE_TIME_SEC, Message.RESPONSE_TIME_NSEC, record.ended);
    out.octets(Message.RESPONSE_MESSAGE, bytes, record.responseAt, record.responseKept);
  }
}

/** `time`: milliseconds since 1970. */
function putTime(out: ProtobufWriter, seconds: number, nanoseconds: number, time: number): void {
  const whole = Math.floor(time / 1000);
  out.integer(seconds, whole);
  out.fixed32(nanoseconds, Math.min(999_999_999, Math.floor((time - whole * 1000) * 1e6)));
}
