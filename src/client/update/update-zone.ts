/** `updateZone()`: changes a zone by UPDATE (RFC 2136), as a call of the client library. */
import { isUint8Array } from 'node:util/types';
import { Class } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import type { Transport } from '../session/connect.js';
import type { Exchange } from '../session/exchange.js';
import type { TlsInfo } from '../session/tls-connection.js';
import { checkVerification, type Verification, validateVerification } from '../trust/certificate.js';
import {
  either,
  isNumber,
  isObject,
  isText,
  listOf,
  milliseconds,
  objectOf,
  octets,
  oneOf,
  port,
  someText,
  text,
  truth,
  u16,
  whole,
} from '../validation.js';
import type { Message } from '../wire/message.js';
import { rcodeToText, textToType } from '../wire/mnemonics.js';
import { rdataFromText } from '../wire/rdata/from-text.js';
import type { QueryTsig } from '../wire/tsig.js';
import { sendUpdate, type UpdateRecord } from './send-update.js';

/** RDATA in presentation format, or uncompressed octets. */
type Data = string | Uint8Array;

/** A condition that has to hold before anything is changed (RFC 2136 §2.4). */
export interface UpdatePrerequisite {
  /** In presentation format; the final dot may be left out. */
  readonly name: string;
  /** A mnemonic or a number. Undefined: the name itself, with records of any type. */
  readonly type?: string | number;
  /** The RRset has these records and no others. Undefined: it may have any. */
  readonly data?: readonly Data[];
  /** Whether it has to be there, or must not. Default true; false cannot have `data`. */
  readonly exists?: boolean;
}

/** A record to add. */
export interface RecordToAdd {
  readonly name: string;
  readonly type: string | number;
  /** Seconds; the whole RRset gets it. */
  readonly ttl: number;
  readonly data: Data;
}

/** The records to delete: one record; without `data` an RRset; without `type` all RRsets of the name. */
export interface RecordToDelete {
  readonly name: string;
  readonly type?: string | number;
  readonly data?: Data;
}

/** One change. Changes are made in their order. */
export interface UpdateChange {
  readonly add?: RecordToAdd;
  readonly delete?: RecordToDelete;
}

export interface UpdateZoneOptions {
  readonly server: {
    /** An IP address, or a host name, which the system resolves. */
    readonly address: string;
    /** Default 53, for `tls` 853. */
    readonly port?: number;
    /** For SNI and the certificate. Default: `address`. */
    readonly name?: string;
  };
  /** Default `tcp`: over UDP, an update whose answer is lost is sent again. */
  readonly transport?: Transport;
  /** With `tls` and `starttls`: the requirement on the certificate. Default: none. */
  readonly verification?: Verification;
  readonly zone: string;
  readonly prerequisites?: readonly UpdatePrerequisite[];
  readonly changes: readonly UpdateChange[];
  /** The key to sign with (RFC 8945); the answer has to be signed with it too. */
  readonly tsig?: {
    readonly name: string;
    /** Default `hmac-sha256`. */
    readonly algorithm?: string;
    /** Octets, or base64. */
    readonly secret: string | Uint8Array;
  };
  /** Milliseconds of each step, from 1 to 86,400,000. Default 5000. */
  readonly timeoutMs?: number;
  /** UDP: how often the update is sent. Default 3. */
  readonly tries?: number;
}

export interface ZoneUpdate {
  /** Whether the changes were made: RCODE NOERROR. */
  readonly ok: boolean;
  /** The mnemonic of the RCODE, such as `REFUSED`. */
  readonly status: string;
  readonly message: Message;
  readonly transport: Transport;
  readonly encrypted: boolean;
  readonly tls: TlsInfo | undefined;
}

const type = either('a type as text or number', [isText, someText], [isNumber, u16]);
const data = either('data as text or octets', [isText, text], [isUint8Array, octets]);
const ttl = whole(0, 0x7fffffff);
const change = objectOf<UpdateChange>({
  add: objectOf<RecordToAdd>({ name: text, type, ttl, data }, ['name', 'type', 'ttl', 'data']),
  delete: objectOf<RecordToDelete>({ name: text, type, data }, ['name']),
});
const server = objectOf<UpdateZoneOptions['server']>({ address: someText, port, name: someText }, ['address']);
const key = objectOf<NonNullable<UpdateZoneOptions['tsig']>>(
  {
    name: someText,
    algorithm: someText,
    secret: either('base64 or octets', [isText, someText], [isUint8Array, octets]),
  },
  ['name', 'secret'],
);

const validate = objectOf<UpdateZoneOptions>(
  {
    server: either('an object with an address', [isObject, server]),
    transport: oneOf('udp', 'tcp', 'starttls', 'tls'),
    verification: validateVerification,
    zone: text,
    prerequisites: listOf(
      objectOf<UpdatePrerequisite>({ name: text, type, data: listOf(data), exists: truth }, ['name']),
    ),
    changes: listOf(change),
    tsig: key,
    timeoutMs: milliseconds,
    tries: whole(1, 100),
  },
  ['server', 'zone', 'changes'],
);

/**
 * Changes a zone: everything, or nothing. Fulfilled with the answer of the server, whatever its RCODE. Rejects with a ClientError:
 * CLIENT_INPUT for an update that cannot be sent, and as `resolve()` when no answer comes; the zone may be changed then, or not.
 */
export async function updateZone(options: UpdateZoneOptions): Promise<ZoneUpdate> {
  validate(options, '');
  const { transport = 'tcp', verification, timeoutMs, tries } = options;
  if (verification !== undefined) checkVerification(verification);
  if ((transport === 'udp' || transport === 'tcp') && verification !== undefined && verification.kind !== 'none')
    throw input(`transport: found ${transport}, expected tls or starttls with a verification`);
  const { address, port: at, name } = options.server;
  const update = {
    zone: options.zone,
    class: Class.IN,
    prerequisites: (options.prerequisites ?? []).flatMap(prerequisiteRecords),
    changes: options.changes.map(changeRecord),
    tsig: tsigOf(options.tsig),
  };
  const done = await sendUpdate(update, {
    transport,
    server: { address, ...(at !== undefined && { port: at }) },
    tls: { ...(verification && { verification }), ...(name !== undefined && { name }) },
    upgrade: { withoutOffer: 'fail' },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(tries !== undefined && { tries }),
  });
  return resultOf(done);
}

function resultOf({ message, transport, encrypted, tls }: Exchange): ZoneUpdate {
  const { rcode } = message;
  return { ok: rcode === 0, status: rcodeToText(rcode), message, transport, encrypted, tls };
}

const ANY = 255;

function prerequisiteRecords(one: UpdatePrerequisite, i: number): UpdateRecord[] {
  const { name, exists = true } = one;
  const place = `prerequisites.${i}`;
  if (one.data !== undefined && (!exists || one.type === undefined || one.data.length === 0))
    throw input(`${place}.data: only an RRset that has to exist can have data, and at least one record of it`);
  const number = one.type === undefined ? ANY : typeOf(one.type, place);
  if (one.data === undefined)
    return [{ name, type: number, class: exists ? Class.ANY : Class.NONE, ttl: 0, rdata: new Uint8Array() }];
  return one.data.map((record) => ({ name, type: number, class: Class.IN, ttl: 0, rdata: rdataOf(number, record) }));
}

function changeRecord({ add, delete: removed }: UpdateChange, i: number): UpdateRecord {
  const place = `changes.${i}`;
  if ((add === undefined) === (removed === undefined)) throw input(`${place}: expected one of add and delete`);
  if (add !== undefined) {
    const number = typeOf(add.type, place);
    return { name: add.name, type: number, class: Class.IN, ttl: add.ttl, rdata: rdataOf(number, add.data) };
  }
  const { name, type: given, data: record } = removed ?? { name: '' };
  if (given === undefined && record !== undefined) throw input(`${place}.delete: data needs a type`);
  const number = given === undefined ? ANY : typeOf(given, place);
  if (record === undefined) return { name, type: number, class: Class.ANY, ttl: 0, rdata: new Uint8Array() };
  return { name, type: number, class: Class.NONE, ttl: 0, rdata: rdataOf(number, record) };
}

function typeOf(given: string | number, place: string): number {
  const number = typeof given === 'number' ? given : textToType(given);
  if (number === undefined) throw input(`${place}: unknown type ${given}; any type can be written as TYPE123`);
  return number;
}

function rdataOf(number: number, record: Data): Uint8Array {
  return typeof record === 'string' ? rdataFromText(number, record) : record;
}

function tsigOf(given: UpdateZoneOptions['tsig']): QueryTsig | undefined {
  if (given === undefined) return undefined;
  const { name, algorithm = 'hmac-sha256', secret } = given;
  const octetsOf = typeof secret === 'string' ? Buffer.from(secret, 'base64') : secret;
  return { name, algorithm, secret: octetsOf, time: Math.floor(Date.now() / 1000) };
}

function input(message: string): ClientError {
  return new ClientError(ClientErrorCode.INPUT, message);
}
