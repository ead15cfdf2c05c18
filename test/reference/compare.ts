/** Compares a decoded response with the expectation of the reference engine. */
import type { Message, MessageRecord } from '../support/message.js';
import { rdataToText } from '../support/rdata.js';
import type { Expected } from './answer.js';
import { keyOf, type Name, nameOf, textOf } from './names.js';
import type { Rr } from './zone.js';

const RCODES = { NOERROR: 0, REFUSED: 5, NXDOMAIN: 3, YXDOMAIN: 6 } as const;

/**
 * Types whose names may come compressed, and so in the letter case of the question (RFC 4343 §4.1): their RDATA is
 * compared without case.
 */
const CASELESS = new Set([2, 5, 6, 12, 15]);

function line(owner: Name, ttl: number, type: number, text: string): string {
  return `${keyOf(owner)} ${ttl} ${type} ${CASELESS.has(type) ? text.toLowerCase() : text}`;
}

const ofMessage = (records: readonly MessageRecord[]): string[] =>
  records.map((record) => line(nameOf(record.owner), record.ttl, record.type, record.text)).sort();

const ofReference = (records: readonly Rr[]): string[] =>
  records.map((rr) => line(rr.owner, rr.ttl, rr.type, rdataToText(rr.type, rr.rdata))).sort();

/** A response in a form that compares and prints well. */
export function summaryOf(message: Message): object {
  return {
    rcode: Object.entries(RCODES).find(([, rcode]) => rcode === message.rcode)?.[0] ?? String(message.rcode),
    aa: message.flags.aa,
    tc: message.flags.tc,
    answer: ofMessage(message.answer),
    authority: ofMessage(message.authority),
    additional: ofMessage(message.additional),
  };
}

/** The expectation in the same form; `courtesy`: with the additional records that minimal responses leave out. */
export function summaryOfExpected(expected: Expected, courtesy: boolean): object {
  const additional = courtesy ? [...expected.additional, ...expected.courtesy] : expected.additional;
  return {
    rcode: expected.rcode,
    aa: expected.aa,
    tc: false,
    answer: ofReference(expected.answer),
    authority: ofReference(expected.authority),
    additional: [...new Set(ofReference(additional))],
  };
}

/** A zone file of one record a line. */
export function zoneText(records: readonly Rr[]): string {
  const lines = records.map((rr) => {
    const hex = Buffer.from(rr.rdata).toString('hex');
    return `${textOf(rr.owner)} ${rr.ttl} IN TYPE${rr.type} \\# ${rr.rdata.length} ${hex}`;
  });
  return `${lines.join('\n')}\n`;
}
