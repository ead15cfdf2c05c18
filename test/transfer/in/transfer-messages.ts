/**
 * Messages of transfers, as a primary sends them: of the tests' own, so that they can be wrong in every way. Owners are
 * compressed where a message has a question to point to.
 */

import { createHmac } from 'node:crypto';
import { ImageRecords } from '../../../src/image/changes/image-records.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { Difference } from '../../../src/zone/changes/difference.js';
import { RunCursor, RunWriter } from '../../../src/zone/changes/record-run.js';
import { signQuery, type TestKey } from '../../support/tsig.js';

export const ID = 0x1234;
export const APEX: Uint8Array = nameFromText('example.');
export const AXFR = 252;
export const IXFR = 251;
const SOA = 6;

/** Uncompressed records in wire format. */
export type Records = readonly Uint8Array[];

const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]));

/** The records of a run, one by one. */
export function recordsOf(run: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next())
    records.push(run.slice(cursor.at, cursor.end));
  return records;
}

/** All records of a zone's image; the SOA record first. */
export function zoneRecords(image: Uint8Array): Uint8Array[] {
  const run = new RunWriter();
  const walk = new ImageRecords(image, true);
  while (walk.next()) {
    const { records, owner, ownerAt } = walk;
    for (let i = 0; i < records.count; i++) {
      const row = records.order[i]!;
      const [type, ttl, at, length] = [records.type[row]!, records.ttl[row]!, records.at[row]!, records.length[row]!];
      run.add(owner, ownerAt, type, ttl, records.rdata(row), at, length);
    }
  }
  const all = recordsOf(run.finish());
  const soa = all.filter(isSoa);
  return [...soa, ...all.filter((record) => !isSoa(record))];
}

/** The type of a record. */
export function typeOf(record: Uint8Array): number {
  const { type } = new RunCursor(record);
  return type;
}

export const isSoa = (record: Uint8Array): boolean => typeOf(record) === SOA;

/** The answer section of an IXFR: for each difference what it removes, then what it adds, SOA records first (RFC 1995 §4). */
export function ixfrRecords(differences: readonly Difference[]): Uint8Array[] {
  const ordered = (run: Uint8Array): Uint8Array[] => {
    const records = recordsOf(run);
    return [...records.filter(isSoa), ...records.filter((record) => !isSoa(record))];
  };
  const last = ordered(differences.at(-1)!.added)[0]!;
  return [last, ...differences.flatMap(({ removed, added }) => [...ordered(removed), ...ordered(added)]), last];
}

export interface MessageShape {
  readonly id?: number;
  readonly flags?: number;
  /** Type of the question; undefined: there is none. */
  readonly question?: number | undefined;
  readonly name?: string;
  /** Records in wire format for the authority and the additional section. */
  readonly authority?: Records;
  readonly additional?: Records;
}

const QR_AA = 0x8400;

/** A message with these records in its answer section. */
export function messageOf(records: Records, shape: MessageShape = {}): Uint8Array {
  const { id = ID, flags = QR_AA, question, name = 'example.', authority = [], additional = [] } = shape;
  const qname = nameFromText(name);
  const header = u16(id, flags, question === undefined ? 0 : 1, records.length, authority.length, additional.length);
  const asked = question === undefined ? [] : [qname, u16(question, 1)];
  const answers = question === undefined ? records : records.map((record) => compressed(record, qname));
  return Uint8Array.from(Buffer.concat([header, ...asked, ...answers, ...authority, ...additional]));
}

/** The record with a pointer in place of the end of its owner. */
function compressed(record: Uint8Array, apex: Uint8Array): Uint8Array {
  let end = 0;
  while (record[end] !== 0) end += record[end]! + 1;
  const prefix = end + 1 - apex.length;
  if (prefix < 0 || Buffer.compare(record.subarray(prefix, end + 1), apex) !== 0) return record;
  return Buffer.concat([record.subarray(0, prefix), u16(0xc00c), record.subarray(end + 1)]);
}

/** A whole answer: `perMessage` records in each message; the question only in the first one, or in all. */
export function answerOf(records: Records, type: number, perMessage = 3, isAsked = true): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += perMessage) {
    const question = at === 0 || isAsked ? type : undefined;
    messages.push(messageOf(records.slice(at, at + perMessage), { question }));
  }
  return messages;
}

export const KEY: TestKey = { name: 'k.', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') };

/** The messages with TSIG records (RFC 8945 §5.3.1); `isSigned` says which, by number. */
export function signedAnswer(
  messages: readonly Uint8Array[],
  requestMac: Uint8Array,
  time: number,
  isSigned: (index: number) => boolean = () => true,
): Uint8Array[] {
  const name = nameFromText(KEY.name);
  const algorithm = nameFromText(`${KEY.algorithm}.`);
  const times = Buffer.concat([u16(0, Math.floor(time / 65_536), time & 65_535), u16(300)]);
  let prior = requestMac;
  let between: Uint8Array[] = [];
  let isFirst = true;
  return messages.map((message, index) => {
    if (!isSigned(index)) {
      between.push(message);
      return message;
    }
    const hmac = createHmac('sha256', Buffer.from(KEY.secret, 'base64'));
    hmac.update(u16(prior.length)).update(prior);
    for (const one of [...between, message]) hmac.update(one);
    if (isFirst)
      hmac
        .update(name)
        .update(u16(255, 0, 0))
        .update(algorithm)
        .update(times)
        .update(u16(0, 0));
    else hmac.update(times);
    const mac = hmac.digest();
    const id = Buffer.from(message).readUInt16BE(0);
    const rdata = Buffer.concat([algorithm, times, u16(mac.length), mac, u16(id, 0, 0)]);
    const signed = Buffer.concat([message, name, u16(250, 255, 0, 0, rdata.length), rdata]);
    signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10);
    prior = mac;
    between = [];
    isFirst = false;
    return Uint8Array.from(signed);
  });
}

/** An AXFR question, signed; with its MAC. */
export function signedQuestion(time: number): { readonly message: Uint8Array; readonly mac: Uint8Array } {
  const question = Buffer.concat([u16(ID, 0, 1, 0, 0, 0), APEX, u16(AXFR, 1)]);
  return signQuery(question, KEY, { time });
}
