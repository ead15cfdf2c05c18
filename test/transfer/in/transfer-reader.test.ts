import { describe, expect, it } from 'vitest';
import { diff } from '../../../src/image/changes/diff.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText, nameKey } from '../../../src/protocol/name.js';
import { TSIG_ALGORITHMS } from '../../../src/protocol/tsig/tsig-key.js';
import { TsigError, tsigLength, writeTsig } from '../../../src/protocol/tsig/tsig-record.js';
import { StreamVerifier } from '../../../src/protocol/tsig/tsig-stream.js';
import { type Transfer, transferText } from '../../../src/transfer/in/transfer.js';
import { TransferError } from '../../../src/transfer/in/transfer-error.js';
import { TransferReader } from '../../../src/transfer/in/transfer-reader.js';
import { compileTransfer } from '../../../src/transfer/in/transferred-version.js';
import { RunWriter } from '../../../src/zone/changes/record-run.js';
import { canonicalImageOf, imageOf, loadText, OPTIONS } from '../../image/changes/versions.js';
import { ZoneVersions } from '../../image/changes/zone-versions.js';
import { randomFrom } from '../../zone/random-zone.js';
import {
  APEX,
  AXFR,
  answerOf,
  ID,
  IXFR,
  ixfrRecords,
  KEY,
  messageOf,
  signedAnswer,
  signedQuestion,
  zoneRecords,
} from './transfer-messages.js';

const NOW = 1_780_000_000;
const MAX_OCTETS = 1_000_000;
const SEEDS = Array.from({ length: 25 }, (_, seed) => seed);

interface ReadOptions {
  readonly type?: typeof AXFR | typeof IXFR;
  readonly serial?: number;
  readonly maxOctets?: number;
  readonly verifier?: StreamVerifier;
}

function read(messages: readonly Uint8Array[], options: ReadOptions = {}): Transfer | undefined {
  const { type = AXFR, serial, maxOctets = MAX_OCTETS, verifier } = options;
  const reader = new TransferReader({ question: { apex: APEX, id: ID, type, serial }, maxOctets, verifier });
  for (const [index, message] of messages.entries()) {
    const transfer = reader.take(message, NOW);
    if (transfer === undefined) continue;
    expect(index).toBe(messages.length - 1);
    return transfer;
  }
  return undefined;
}

function compiled(transfer: Transfer | undefined, base?: Uint8Array): Uint8Array {
  if (transfer === undefined || transfer.form === 'current') throw new Error('nothing was transferred');
  return compileTransfer(transfer, base, OPTIONS).image;
}

const linesOf = (image: Uint8Array): string[] => [...imageText(image)].join('').toLowerCase().split('\n').sort();

describe('a whole zone', () => {
  it('may come with messages of padding alone, but not begin with one (RFC 9103 §7.9.1)', () => {
    const opt = Buffer.from('0000291000000000000008000c000400000000', 'hex');
    const padding = Buffer.concat([messageOf([]), opt]);
    padding[11] = 1;
    const image = imageOf('@ 60 SOA ns h 7 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    const records = [...zoneRecords(image), zoneRecords(image)[0]!];
    const parts = [messageOf(records.slice(0, 2), { question: AXFR }), padding, padding, messageOf(records.slice(2))];
    expect(linesOf(compiled(read(parts)))).toEqual(linesOf(image));
    expect(() => read([padding, ...parts])).toThrow('without records');
  });

  it.each(SEEDS)(
    'becomes the image of its records, whatever their order and however messages are cut: seed %d',
    (seed) => {
      const versions = new ZoneVersions(seed);
      const image = canonicalImageOf(versions.text(versions.first()));
      const [soa, ...others] = zoneRecords(image);
      const random = randomFrom(seed);
      const records = [soa!, ...others.sort(() => random() - 0.5), soa!];
      for (const [perMessage, isAsked] of [
        [1, true],
        [4, false],
        [1000, true],
      ] as const) {
        const transfer = read(answerOf(records, AXFR, perMessage, isAsked));
        expect(transfer?.form).toBe('zone');
        expect(linesOf(compiled(transfer))).toEqual(linesOf(image));
      }
    },
  );

  it('may be the answer to IXFR (RFC 1995 §4)', () => {
    const image = imageOf(zoneText(7));
    const [soa, ...others] = zoneRecords(image);
    const transfer = read(answerOf([soa!, ...others, soa!], IXFR), { type: IXFR, serial: 3 });
    expect(linesOf(compiled(transfer))).toEqual(linesOf(image));
  });

  it('may have records twice and differing TTLs in an RRset: the lowest counts, with a warning (RFC 2181 §5.2)', () => {
    const image = imageOf(zoneText(7, 'www 300 A 192.0.2.7'));
    const [soa, ...others] = zoneRecords(image);
    const again = run('www 60 A 192.0.2.8', 'www 300 A 192.0.2.7');
    const transfer = read(answerOf([soa!, ...others, ...again, soa!], AXFR));
    if (transfer?.form !== 'zone') throw new Error('no zone');
    const { image: made, warnings } = compileTransfer(transfer, undefined, OPTIONS);
    expect(linesOf(made).filter((line) => line.startsWith('www'))).toEqual([
      'www.example. 60 in a 192.0.2.7',
      'www.example. 60 in a 192.0.2.8',
    ]);
    expect(warnings.join('\n')).toContain('the lowest is served (RFC 2181 §5.2)');
  });

  it('is served with warnings when our checks dislike it', () => {
    const image = imageOf(zoneText(7));
    const [soa, ...others] = zoneRecords(image);
    const odd = run(
      'www 60 CNAME ns',
      'www 60 A 192.0.2.1',
      'www 60 CNAME other',
      'd 60 DNAME e',
      'x.d 60 A 192.0.2.1',
      '@ 60 DS 1 8 2 00',
      '@ 60 NSEC3PARAM 1 0 9999 -',
    );
    const transfer = read(answerOf([soa!, ...others, ...odd, soa!], AXFR));
    if (transfer?.form !== 'zone') throw new Error('no zone');
    const { image: made, warnings, records } = compileTransfer(transfer, undefined, OPTIONS);
    expect(warnings.length).toBeGreaterThan(4);
    expect(zoneRecords(made)).toHaveLength(records);
  });

  it('counts a TTL with the highest bit as 0 (RFC 2181 §8)', () => {
    const image = imageOf(zoneText(7));
    const [soa, ...others] = zoneRecords(image);
    const record = run('www 60 A 192.0.2.1')[0]!;
    record[record.length - 10] = 0x80;
    const made = compiled(read(answerOf([soa!, ...others, record, soa!], AXFR)));
    expect(linesOf(made)).toContain('www.example. 0 in a 192.0.2.1');
  });

  it('tells EXPIRE of the primary (RFC 7314)', () => {
    const records = zoneOf(7);
    const opt = Uint8Array.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 9, 0, 4, 0, 0, 1, 44]);
    const transfer = read([messageOf(records, { question: AXFR, additional: [opt] })]);
    expect(transfer).toMatchObject({ serial: 7, refresh: 2, retry: 3, expire: 4, expireOption: 300, messages: 1 });
    expect(transferText(transfer!)).toMatch(/^1 message, \d+ records, \d+ octets$/);
  });
});

describe('differences', () => {
  it.each(SEEDS)('make the version that they lead to: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const chain = [versions.first()];
    for (let i = 0; i < 3; i++) chain.push(versions.next(chain.at(-1)!));
    const images = chain.map((version) => canonicalImageOf(versions.text(version)));
    const differences = images.slice(1).map((image, i) => diff(images[i]!, image));
    const records = ixfrRecords(differences);
    for (const perMessage of [1, 7, 1000]) {
      const transfer = read(answerOf(records, IXFR, perMessage), { type: IXFR, serial: chain[0]!.serial });
      expect(transfer?.form === 'differences' && transfer.differences).toEqual(differences);
      expect(Buffer.compare(compiled(transfer, images[0]!), images.at(-1)!)).toBe(0);
    }
  });

  it.each([
    ['the same serial', 7],
    ['an older serial', 9],
  ])('are not there when the only record is an SOA record with %s (RFC 1995 §2)', (_, serial) => {
    const [soa] = zoneOf(7);
    expect(read(answerOf([soa!], IXFR), { type: IXFR, serial })).toMatchObject({ form: 'current', serial: 7 });
  });

  it('do not begin with an SOA record alone: more messages have to come', () => {
    const [soa] = zoneOf(7);
    expect(read(answerOf([soa!], IXFR), { type: IXFR, serial: 6 })).toBeUndefined();
  });

  it('that do not fit the version that is there are told apart from other mistakes', () => {
    const base = imageOf(zoneText(6));
    const difference = diff(imageOf(zoneText(6, 'www 60 A 192.0.2.1')), imageOf(zoneText(7)));
    const transfer = read(answerOf(ixfrRecords([difference]), IXFR), { type: IXFR, serial: 6 });
    expect(() => compiled(transfer, base)).toThrow(expect.objectContaining({ fault: 'misfit' }));
    expect(() => compiled(transfer)).toThrow(expect.objectContaining({ fault: 'misfit' }));
  });

  const [a, b, c] = [zoneText(6), zoneText(7, 'www 60 A 192.0.2.1'), zoneText(8, 'www 60 A 192.0.2.2')].map(imageOf);
  const [first, second] = [diff(a!, b!), diff(b!, c!)];

  it.each([
    ['begin at a serial that was not asked for', ixfrRecords([second]), 'misfit'],
    ['do not follow each other', ixfrRecords([first, diff(imageOf(zoneText(9)), imageOf(zoneText(10)))]), 'misfit'],
    ['have a record twice', twice(ixfrRecords([first]), 3), 'misfit'],
    ['go back', ixfrRecords([diff(a!, imageOf(zoneText(5)))]), 'misfit'],
    ['end with another SOA record', [...ixfrRecords([first, second]).slice(0, -1), zoneOf(9)[0]!], 'protocol'],
    ['go on behind the end', [...ixfrRecords([first]), zoneOf(9)[1]!], 'protocol'],
  ])('are refused when they %s', (_, records, fault) => {
    expect(() => read([messageOf(records, { question: IXFR })], { type: IXFR, serial: 6 })).toThrow(
      expect.objectContaining({ fault }),
    );
  });
});

describe('a transfer is refused', () => {
  const records = zoneOf(7);
  const other = { ...{ question: AXFR } };

  it.each<[string, Uint8Array[], string, string]>([
    ['when another ID comes', [messageOf(records, { ...other, id: 9 })], 'protocol', 'ID 9, expected 4660'],
    [
      'when IDs are mixed',
      [messageOf(records.slice(0, 2), other), messageOf(records.slice(2), { id: 9 })],
      'protocol',
      'ID 9',
    ],
    ['when it is no response', [messageOf(records, { ...other, flags: 0 })], 'protocol', 'no response'],
    ['when it is of another opcode', [messageOf(records, { ...other, flags: 0xa400 })], 'protocol', 'no response'],
    ['when it is truncated', [messageOf(records, { ...other, flags: 0x8600 })], 'protocol', 'TC'],
    ['when it has an RCODE', [messageOf([], { ...other, flags: 0x8005 })], 'rcode', 'answered REFUSED'],
    [
      'when a later message has an RCODE',
      [messageOf(records.slice(0, 2), other), messageOf([], { flags: 0x8402 })],
      'rcode',
      'answered SERVFAIL',
    ],
    [
      'when it answers another question',
      [messageOf(records, { question: IXFR })],
      'protocol',
      'found an answer to example. IXFR, expected one to example. AXFR',
    ],
    [
      'when it is of another zone',
      [messageOf(records, { ...other, name: 'example.net.' })],
      'protocol',
      'found an answer to example.net. AXFR',
    ],
    [
      'when a message has no records',
      [messageOf(records.slice(0, 2), other), messageOf([])],
      'protocol',
      'without records',
    ],
    [
      'when it does not begin with the SOA record',
      [messageOf(records.slice(1), other)],
      'protocol',
      'first, expected the SOA record',
    ],
    [
      'when it ends with another serial',
      [messageOf([...records.slice(0, -1), zoneOf(8)[0]!], other)],
      'protocol',
      'found serial 8 in the last SOA record, expected 7',
    ],
    [
      'when it ends with another SOA record',
      [messageOf([...records.slice(0, -1), run('@ 60 SOA ns h 7 9 9 9 9')[0]!], other)],
      'protocol',
      'not the same as the first',
    ],
    [
      'when records follow its end',
      [messageOf([...records, records[1]!], other)],
      'protocol',
      'behind the last SOA record',
    ],
    [
      'when a record is of another zone',
      [messageOf([records[0]!, run('example.net. 60 A 192.0.2.1')[0]!], other)],
      'protocol',
      'found the record example.net. A, expected names at or below example.',
    ],
    [
      'when a record is of another class',
      [messageOf([records[0]!, withClass(records[1]!)], other)],
      'protocol',
      'in class 3, expected IN',
    ],
    [
      'when a record has a type of messages',
      [messageOf([records[0]!, withType(records[1]!, 250)], other)],
      'protocol',
      'no such type',
    ],
    [
      'when RDATA is malformed',
      [messageOf([records[0]!, withType(run('www 60 A 192.0.2.1')[0]!, 28)], other)],
      'protocol',
      'malformed RDATA of type AAAA',
    ],
    ['when a header is cut', [messageOf(records, other).slice(0, 11)], 'protocol', 'expected a header of 12'],
  ])('%s', (_, messages, fault, text) => {
    expect(() => read(messages)).toThrow(expect.objectContaining({ fault, message: expect.stringContaining(text) }));
  });

  it('when it has more octets than the limit, sent or uncompressed', () => {
    const messages = answerOf(records, AXFR, 2);
    const octets = messages.reduce((sum, { length }) => sum + length, 0);
    expect(read(messages, { maxOctets: octets * 5 })).toBeDefined();
    expect(() => read(messages, { maxOctets: octets - 1 })).toThrow(expect.objectContaining({ fault: 'too-large' }));
    const long = run(`www 60 TXT ${'x'.repeat(200)}`)[0]!;
    const pointed = Array.from({ length: 100 }, () => long);
    const one = [messageOf([records[0]!, ...pointed.slice(1), records[0]!], { question: AXFR })];
    expect(() => read(one, { maxOctets: 2000 })).toThrow(expect.objectContaining({ fault: 'too-large' }));
  });

  it('when it never ends, with little memory', () => {
    const message = messageOf(
      Array.from({ length: 1000 }, () => run('www 60 A 192.0.2.1')[0]!),
      { question: AXFR },
    );
    const maxOctets = 20_000_000;
    const reader = new TransferReader({ question: { apex: APEX, id: ID, type: AXFR }, maxOctets });
    reader.take(messageOf(records.slice(0, 1), { question: AXFR }), NOW);
    // A primary that would send 10 GB.
    const endless = (): void => {
      for (let sent = 0; sent < 1e10; sent += message.length) reader.take(message, NOW);
    };
    const before = process.memoryUsage().arrayBuffers;
    expect(endless).toThrow(expect.objectContaining({ fault: 'too-large' }));
    expect(reader.octets).toBeLessThan(maxOctets);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * maxOctets);
  });

  it('wherever the stream is cut: nothing is made of a part', () => {
    const messages = answerOf(records, AXFR, 2);
    for (let count = 0; count < messages.length; count++) {
      expect(read(messages.slice(0, count))).toBeUndefined();
      const next = messages[count]!;
      for (let end = 0; end < next.length; end++)
        expect(() => read([...messages.slice(0, count), next.slice(0, end)])).toThrow(TransferError);
    }
  });
});

describe('a signed transfer', () => {
  const algorithm = TSIG_ALGORITHMS.find(({ name }) => name === 'hmac-sha256')!;
  const name = nameFromText(nameKey(nameFromText(KEY.name)));
  const key = { name, algorithm, secret: Uint8Array.from(Buffer.from(KEY.secret, 'base64')), macOctets: 32 };
  const { mac } = signedQuestion(NOW);
  const verifier = (): StreamVerifier => new StreamVerifier(key, mac);
  const messages = answerOf([...zoneOf(7).slice(0, 1), ...many(204), zoneOf(7)[0]!], AXFR, 2);
  const last = messages.length - 1;

  it.each<[string, (index: number) => boolean]>([
    ['all are', () => true],
    ['the first, the last and each hundredth are', (index) => index === last || index % 100 === 0],
  ])('is accepted when of its messages %s signed (RFC 8945 §5.3.1)', (_, isSigned) => {
    expect(read(signedAnswer(messages, mac, NOW, isSigned), { verifier: verifier() })?.form).toBe('zone');
  });

  it.each<[string, Uint8Array[]]>([
    ['its first message is not signed', signedAnswer(messages, mac, NOW, (index) => index !== 0)],
    ['its last message is not signed', signedAnswer(messages, mac, NOW, (index) => index !== last)],
    ['a hundred in a row are not signed', signedAnswer(messages, mac, NOW, (index) => index === 0 || index === last)],
    ['it answers another question', signedAnswer(messages, Buffer.alloc(32), NOW)],
    ['it was signed an hour ago', signedAnswer(messages, mac, NOW - 3600)],
    ['two messages have changed places', swapped(signedAnswer(messages, mac, NOW), 3, 4)],
    ['a message is missing', signedAnswer(messages, mac, NOW).filter((_, index) => index !== 5)],
    ['a message came twice', twice(signedAnswer(messages, mac, NOW), 5)],
    ['a record has changed', changed(signedAnswer(messages, mac, NOW), 6)],
    ['nothing is signed', messages],
  ])('is refused when %s', (_, stream) => {
    expect(() => read(stream, { verifier: verifier() })).toThrow(expect.objectContaining({ fault: 'tsig' }));
  });

  it.each([
    [TsigError.BADSIG, 'BADSIG: is the secret the same on both sides?'],
    [TsigError.BADKEY, 'BADKEY: is the key known there, with this algorithm?'],
  ])('whose signature the primary does not accept says so: TSIG error %i comes without a MAC', (error, reason) => {
    const none = new Uint8Array();
    const fields = { time: NOW, fudge: 300, mac: none, originalId: ID, other: none };
    const record = { ...fields, name, algorithm: algorithm.wire, error };
    const answer = new Uint8Array(12 + tsigLength(record));
    answer.set([ID >> 8, ID & 255, 0x80, 9, 0, 0, 0, 0, 0, 0, 0, 1]);
    writeTsig(record, answer, 12);
    const wanted = `answered NOTAUTH, and does not accept our signature (${reason})`;
    expect(() => read([answer], { verifier: verifier() })).toThrow(wanted);
  });
});

function zoneText(serial: number, ...lines: string[]): string {
  return [`@ 60 SOA ns h ${serial} 2 3 4 5`, '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...lines, ''].join('\n');
}

/** The records of a transfer of a small zone, the SOA record at both ends. */
function zoneOf(serial: number): Uint8Array[] {
  const records = zoneRecords(imageOf(zoneText(serial)));
  return [...records, records[0]!];
}

function many(count: number): Uint8Array[] {
  return run(...Array.from({ length: count }, (_, i) => `h${i} 60 A 192.0.2.${i % 256}`));
}

/** Records of a zone file, in wire format. */
function run(...lines: string[]): Uint8Array[] {
  const { store } = loadText(`${lines.join('\n')}\n`).rrsets;
  return Array.from({ length: store.recordCount }, (_, row) => {
    const writer = new RunWriter();
    const owner = store.nameOf(store.node[row]!);
    writer.add(owner, 0, store.type[row]!, store.ttl[row]!, store.rdata, store.rdataAt[row]!, store.rdataLength[row]!);
    return writer.finish();
  });
}

const fixedOf = (record: Uint8Array): number => {
  let at = 0;
  while (record[at] !== 0) at += record[at]! + 1;
  return at + 1;
};

function withType(record: Uint8Array, type: number): Uint8Array {
  const copy = record.slice();
  copy.set([type >> 8, type & 255], fixedOf(copy));
  return copy;
}

function withClass(record: Uint8Array): Uint8Array {
  const copy = record.slice();
  copy[fixedOf(copy) + 3] = 3;
  return copy;
}

function swapped(messages: readonly Uint8Array[], i: number, j: number): Uint8Array[] {
  return messages.map((message, index) => (index === i ? messages[j]! : index === j ? messages[i]! : message));
}

function twice<T>(all: readonly T[], at: number): T[] {
  return [...all.slice(0, at + 1), ...all.slice(at)];
}

function changed(messages: readonly Uint8Array[], at: number): Uint8Array[] {
  return messages.map((message, index) => {
    if (index !== at) return message;
    const copy = message.slice();
    copy[40]! ^= 1;
    return copy;
  });
}
