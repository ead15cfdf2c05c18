/** Holds a response against a conformance case, and says every difference in words. */

import type { TestTransport } from '../support/engine.js';
import { decodeMessage, type Message, type MessageRecord } from '../support/message.js';
import { typeName } from '../support/rdata.js';
import { macOf, readResponse } from '../support/tsig.js';
import { type Case, type Expectation, type ExpectedRecord, KEYS, recordOf } from './case.js';

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN'] as const;
const HIGH_RCODES: Readonly<Record<number, string>> = { 9: 'NOTAUTH', 16: 'BADVERS', 23: 'BADCOOKIE' };
/** Types whose RDATA names may be compressed (RFC 3597 §4). */
const COMPRESSIBLE = new Set([2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15]);
/** RFC 7830; it is the last option (docs/protocol.md "Padding"). */
const PADDING = 12;
const SECTIONS = ['answer', 'authority', 'additional'] as const;

/** The differences of the response to `query` from the case; empty: none. */
export function judge(
  which: Case,
  transport: TestTransport,
  origin: string,
  query: Uint8Array,
  response: Uint8Array | undefined,
): string[] {
  const expected: Expectation = { ...which, ...which[transport] };
  if (expected.silence) return response ? ['a response came, silence was expected'] : [];
  if (!response) return ['no response came'];
  const message = decodeMessage(response);
  const wrong: string[] = [];
  const check = (what: string, found: unknown, wanted: unknown): void => {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) wrong.push(`${what}: found ${a}, expected ${b}`);
  };
  check('id', response.subarray(0, 2).join(), query.subarray(0, 2).join());
  check('opcode', message.opcode, ((query[2] ?? 0) >> 3) & 15);
  check('rcode', RCODES[message.rcode] ?? HIGH_RCODES[message.rcode] ?? message.rcode, expected.rcode ?? 'NOERROR');
  check('flags', flagsOf(message), ['qr', ...(expected.flags ?? 'aa').split(' ').filter(Boolean)].sort().join(' '));
  const questions = questionOctets(query, (expected.question ?? 'same') === 'same' ? 1 : 0);
  check('question', questionOctets(response, message.question.length), questions);
  if (expected.maxSize !== undefined && response.length > expected.maxSize) {
    wrong.push(`${response.length} octets, expected at most ${expected.maxSize}`);
  }
  if (expected.sizeMultiple !== undefined && response.length % expected.sizeMultiple !== 0) {
    wrong.push(`${response.length} octets, expected a multiple of ${expected.sizeMultiple}`);
  }
  if (expected.counts) {
    const wanted = expected.counts.map((count, i) => count ?? message[SECTIONS[i] ?? 'answer'].length);
    check(
      'counts',
      SECTIONS.map((section) => message[section].length),
      wanted,
    );
  } else for (const section of SECTIONS) wrong.push(...compare(section, message[section], expected, origin));
  for (const record of SECTIONS.flatMap((section) => message[section])) {
    if (record.compressed && !COMPRESSIBLE.has(record.type)) wrong.push(`compressed RDATA of ${typeName(record.type)}`);
  }
  wrong.push(...judgeEdns(message, expected, query));
  if (expected.tsig !== undefined) wrong.push(...judgeTsig(which, expected, query, response));
  return wrong;
}

function flagsOf(message: Message): string {
  return Object.entries(message.flags)
    .filter(([, set]) => set)
    .map(([flag]) => flag)
    .sort()
    .join(' ');
}

/** The question section's octets; QNAME is never compressed. */
function questionOctets(message: Uint8Array, count: number): string {
  if (count === 0) return '';
  let end = 12;
  while (message[end]) end += 1 + (message[end] ?? 0);
  return Buffer.from(message.subarray(12, end + 5)).toString('hex');
}

function compare(
  section: (typeof SECTIONS)[number],
  found: readonly MessageRecord[],
  expected: Expectation,
  origin: string,
): string[] {
  const wanted = (expected[section] ?? []).map((text) => ({ text, record: recordOf(text, origin) }));
  const left = [...found];
  const wrong: string[] = [];
  for (const { text, record } of wanted) {
    const at = left.findIndex((candidate) => matches(candidate, record));
    if (at < 0 || (expected.ordered && section === 'answer' && at > 0)) wrong.push(`${section} lacks ${text}`);
    else left.splice(at, 1);
  }
  for (const { owner, ttl, type, text } of left) wrong.push(`${section} has ${owner} ${ttl} ${typeName(type)} ${text}`);
  return wrong;
}

/** Owners and RDATA compare without letter case: compression may take names from the question (RFC 4343 §4.1). */
function matches(found: MessageRecord, wanted: ExpectedRecord): boolean {
  if (found.type !== wanted.type || found.ttl !== wanted.ttl || found.class !== wanted.class) return false;
  if (found.owner.toLowerCase() !== wanted.owner.toLowerCase()) return false;
  if (typeof wanted.rdata !== 'string') {
    return `${found.text} `.toLowerCase().startsWith(`${wanted.rdata.join(' ')} `.trimStart().toLowerCase());
  }
  const lowered = (text: string): string => Buffer.from(text, 'hex').toString('latin1').toLowerCase();
  return COMPRESSIBLE.has(found.type) ? lowered(found.rdata) === lowered(wanted.rdata) : found.rdata === wanted.rdata;
}

const TSIG_ERRORS = { NOERROR: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

function judgeTsig(which: Case, expected: Expectation, query: Uint8Array, response: Uint8Array): string[] {
  const key = KEYS[/\+tsig=(\w+)/.exec(which.query)?.[1] ?? ''];
  const found = key && readResponse(response, key, macOf(query, key));
  if (found === undefined) return ['no TSIG record'];
  const wrong: string[] = [];
  const error = TSIG_ERRORS[expected.tsig ?? 'NOERROR'];
  if (found.error !== error) wrong.push(`TSIG error: found ${found.error}, expected ${error}`);
  const isSigned = expected.tsig !== 'BADKEY' && expected.tsig !== 'BADSIG';
  if (found.isValid !== isSigned) wrong.push(isSigned ? 'an invalid MAC' : 'a MAC, none was expected');
  if (expected.macOctets !== undefined && found.macOctets !== expected.macOctets)
    wrong.push(`MAC: found ${found.macOctets} octets, expected ${expected.macOctets}`);
  // RFC 8945 §5.2.3: the server's time, and only with BADTIME.
  if ((found.other.length === 12) !== (expected.tsig === 'BADTIME')) wrong.push(`other data ${found.other}`);
  return wrong;
}

function judgeEdns(message: Message, expected: Expectation, query: Uint8Array): string[] {
  const asked = optOf(query);
  const { edns } = message;
  if (expected.edns === 'any') return [];
  if (expected.edns === 'none' || (expected.edns === undefined && !asked))
    return edns ? ['OPT, none was expected'] : [];
  if (!edns) return ['no OPT'];
  const wrong: string[] = [];
  if (edns.version !== 0) wrong.push(`EDNS version ${edns.version}`);
  if (edns.udpSize < 512) wrong.push(`EDNS UDP size ${edns.udpSize}`);
  if (edns.flags !== (expected.ednsFlags ?? 0)) wrong.push(`EDNS flags ${edns.flags.toString(16)}`);
  if (asked && edns.dnssecOk !== asked.dnssecOk) wrong.push(`DO ${edns.dnssecOk}`);
  const wanted = new Map(Object.entries(expected.edns ?? {}));
  for (const { code, data } of edns.options) {
    const found = Buffer.from(data).toString('hex');
    const pattern = wanted.get(String(code));
    if (pattern === undefined) wrong.push(`option ${code} ${found}`);
    else if (pattern.startsWith('/') ? !new RegExp(pattern.slice(1, -1)).test(found) : found !== pattern) {
      wrong.push(`option ${code}: found ${found}, expected ${pattern}`);
    }
    wanted.delete(String(code));
  }
  const padding = edns.options.findIndex(({ code }) => code === PADDING);
  if (padding >= 0 && padding < edns.options.length - 1) wrong.push('an option behind the padding');
  for (const code of wanted.keys()) wrong.push(`no option ${code}`);
  return wrong;
}

/** The OPT of a query, when the query is well formed. */
function optOf(query: Uint8Array): Message['edns'] {
  try {
    return decodeMessage(query).edns;
  } catch {
    return undefined;
  }
}
