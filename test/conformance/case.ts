/**
 * Conformance cases are data: a query in the words of dig, the clause it is about, and the response in presentation
 * format. `$` stands for the file's `origin` in queries and records; `…` at the end of a record for whatever follows.
 */
import { z } from 'zod';
import { buildQuery, type EdnsQuery, type Query } from '../support/message.js';
import { rdataFromText, tokensOf, typeNumber } from '../support/rdata.js';
import { type SignOptions, signQuery, type TestKey } from '../support/tsig.js';

const records = z.array(z.string());

const expectation = z.strictObject({
  /** Mnemonic; default NOERROR. */
  rcode: z.string().optional(),
  /** The bits of aa tc rd ra z ad cd that are set; default `aa`. */
  flags: z.string().optional(),
  /** Default: the question of the query, octet by octet. */
  question: z.enum(['same', 'none']).optional(),
  answer: records.optional(),
  authority: records.optional(),
  additional: records.optional(),
  /** The answer's records stand in this order. */
  ordered: z.boolean().optional(),
  /** Only the number of records of a section matters; null: not even that. */
  counts: z.array(z.number().nullable()).length(3).optional(),
  /** `none`, or the options that the response has: code → hexadecimal digits or /pattern/. Default: OPT without options
   * for a query with OPT, none for one without. `any`: the clauses leave it open. */
  edns: z.union([z.enum(['none', 'any']), z.record(z.string(), z.string())]).optional(),
  /** The EDNS flags besides DO; default 0. */
  ednsFlags: z.number().optional(),
  /** The error of the response's TSIG record, whose MAC then is valid; of BADKEY and BADSIG, it is empty. Default: no record. */
  tsig: z.enum(['NOERROR', 'BADSIG', 'BADKEY', 'BADTIME', 'BADTRUNC']).optional(),
  /** Octets of the MAC of that record; default: all. */
  macOctets: z.number().optional(),
  /** Octets at the most. */
  maxSize: z.number().optional(),
  /** The response's length is a multiple of this. */
  sizeMultiple: z.number().optional(),
  /** Nothing comes back; a stream is closed. */
  silence: z.boolean().optional(),
});

export type Expectation = z.output<typeof expectation>;

const caseSchema = expectation.extend({
  name: z.string(),
  /** RFC and section, or a heading as `docs/protocol.md "Glue"`. */
  clause: z.string(),
  /** `NAME TYPE [CLASS] [+word…]`, or octets as `hex:…`. */
  query: z.string(),
  /** The transports to ask over; `tls` through respond() alone. Default: UDP and TCP. */
  over: z.array(z.enum(['udp', 'tcp', 'tls'])).optional(),
  /** Differences over one transport. */
  udp: expectation.optional(),
  tcp: expectation.optional(),
  tls: expectation.optional(),
});

export type Case = z.output<typeof caseSchema>;

export const caseFile = z.strictObject({
  origin: z.string(),
  /** Files of test/conformance/zones, without `.zone`. */
  zones: z.array(z.string()),
  /** Of these, the ones that have errors: they are served all the same, as failed. */
  failed: z.array(z.string()).default([]),
  /** Keys of adotd.yaml. */
  config: z.record(z.string(), z.unknown()).default({}),
  cases: z.array(caseSchema),
});

export type CaseFile = z.output<typeof caseFile>;

const hex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits.replace(/\s/g, ''), 'hex'));
const FLAG_WORDS = { '+rd': 'rd', '+cd': 'cd', '+ad': 'ad', '+noquestion': 'noQuestion' } as const;

/** Octets of the query that a case describes. `now`: seconds since 1970, for TSIG. */
export function queryOf(text: string, origin: string, now: number): Uint8Array {
  if (text.startsWith('hex:')) return hex(text.slice(4));
  const words = expand(text, origin).split(/\s+/);
  const [name = '.', type = 'A', ...others] = words.filter((word) => !word.startsWith('+'));
  let query: Query = { name, type, ...(others[0] ? { class: classOf(others[0]) } : {}) };
  let edns: EdnsQuery | undefined;
  let sign = (message: Uint8Array): Uint8Array => message;
  for (const word of words.filter((w) => w.startsWith('+'))) {
    const [key = '', ...rest] = word.split('=');
    const value = rest.join('=');
    if (key in FLAG_WORDS) query = { ...query, [FLAG_WORDS[key as keyof typeof FLAG_WORDS]]: true };
    else if (key === '+opcode') query = { ...query, opcode: Number(value) };
    else if (key === '+flagbits') query = { ...query, flagBits: Number(value) };
    else if (key === '+qname') query = { ...query, name: hex(value) };
    else if (key === '+counts') query = { ...query, counts: countsOf(value) };
    else if (key === '+trailing') query = { ...query, trailing: hex(value) };
    else if (key === '+tsig') sign = signerOf(value, now);
    else if (key === '+record') query = { ...query, additional: [...(query.additional ?? []), hex(value)] };
    else edns = ednsWord(edns ?? {}, key, value);
  }
  return sign(buildQuery(edns ? { ...query, edns } : query));
}

/** The keys of cases, all with one secret. `unknown` is in no configuration, and `key1` has another algorithm there. */
export const KEYS: Readonly<Record<string, TestKey>> = Object.fromEntries(
  ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'unknown', 'key1'].map((name) => [
    name,
    {
      name: `${name}.key.`,
      algorithm: name.startsWith('sha') ? `hmac-${name}` : 'hmac-sha256',
      secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=',
    },
  ]),
);

/** `KEY[:skew=SECONDS][:mac=OCTETS][:id=NUMBER][:forged]`. */
function signerOf(text: string, now: number): (message: Uint8Array) => Uint8Array {
  const [name = '', ...words] = text.split(':');
  const key = KEYS[name];
  if (key === undefined) throw new Error(`unknown key ${name}`);
  const numbers = new Map(words.map((word) => word.split('=')).map(([word = '', value]) => [word, Number(value)]));
  const [macOctets, originalId] = [numbers.get('mac'), numbers.get('id')];
  const options: SignOptions = {
    time: now + (numbers.get('skew') ?? 0),
    isForged: numbers.has('forged'),
    ...(macOctets === undefined ? {} : { macOctets }),
    ...(originalId === undefined ? {} : { originalId }),
  };
  return (message) => signQuery(message, key, options).message;
}

function ednsWord(edns: EdnsQuery, key: string, value: string): EdnsQuery {
  if (key === '+edns') return edns;
  if (key === '+do') return { ...edns, dnssecOk: true };
  if (key === '+size') return { ...edns, udpSize: Number(value) };
  if (key === '+version') return { ...edns, version: Number(value) };
  if (key === '+ednsflags') return { ...edns, flags: Number(value) };
  if (key !== '+option') throw new Error(`unknown word ${key}`);
  const [code = '', data = ''] = value.split(':');
  return { ...edns, options: [...(edns.options ?? []), { code: Number(code), data: hex(data) }] };
}

function countsOf(text: string): [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(',').map(Number);
  return [a, b, c, d];
}

function classOf(text: string): string | number {
  return /^CLASS\d+$/.test(text) ? Number(text.slice(5)) : text;
}

/** Puts the origin in place of `$`. */
export function expand(text: string, origin: string): string {
  return text.replaceAll('$', origin);
}

/** A record that a case expects: a prefix of its text, complete unless it ended with `…`. */
export interface ExpectedRecord {
  readonly owner: string;
  readonly ttl: number;
  readonly class: number;
  readonly type: number;
  /** Hexadecimal RDATA in full, or the words that its presentation format begins with. */
  readonly rdata: string | readonly string[];
}

/** Reads `owner ttl [class] type rdata…`, class CH or ANY. */
export function recordOf(text: string, origin: string): ExpectedRecord {
  const [owner = '', ttl, ...rest] = tokensOf(expand(text, origin));
  const rclass = { CH: 3, ANY: 255 }[rest[0] ?? ''];
  const [mnemonic = '', ...rdata] = rclass ? rest.slice(1) : rest;
  const type = typeNumber(mnemonic);
  const isPrefix = rdata.at(-1) === '…';
  return {
    owner,
    ttl: Number(ttl),
    class: rclass ?? 1,
    type,
    rdata: isPrefix ? rdata.slice(0, -1) : Buffer.from(rdataFromText(type, rdata)).toString('hex'),
  };
}
