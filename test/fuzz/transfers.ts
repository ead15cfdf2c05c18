/**
 * Transfers by chance: streams of messages as a primary sends them, then changed: octets, bits, pointers, counts, whole messages and
 * records. Whatever comes, the reader ends with a transfer or a coded error; what it accepts becomes an image that can be printed
 * and asked without a crash, however odd the zone is.
 */
import { AdotdError } from '../../src/errors.js';
import { Publisher } from '../../src/image/catalog.js';
import { diff } from '../../src/image/changes/diff.js';
import { imageText } from '../../src/image/text.js';
import { nameToText } from '../../src/protocol/name.js';
import type { Transfer } from '../../src/transfer/in/transfer.js';
import { TransferReader } from '../../src/transfer/in/transfer-reader.js';
import { compileTransfer } from '../../src/transfer/in/transferred-version.js';
import { canonicalImageOf } from '../image/changes/versions.js';
import { ZoneVersions } from '../image/changes/zone-versions.js';
import { type Chance, chanceOf } from '../reference/generate.js';
import { engineOver } from '../support/engine.js';
import { buildQuery } from '../support/message.js';
import {
  APEX,
  AXFR,
  answerOf,
  ID,
  IXFR,
  ixfrRecords,
  messageOf,
  type Records,
  zoneRecords,
} from '../transfer/in/transfer-messages.js';

const NOW = 1_780_000_000;
/** Octets: a stream that is accepted may not need more. */
const MAX_OCTETS = 200_000;
const POOL = 24;
const TYPES = [1, 2, 5, 6, 15, 16, 33, 39, 43, 46, 47, 50, 64, 255];

interface Sample {
  readonly type: typeof AXFR | typeof IXFR;
  readonly serial: number;
  readonly base: Uint8Array;
  readonly records: Records;
}

interface TransferFuzzReport {
  /** Streams that were accepted. */
  readonly accepted: number;
  /** Of them, those whose records were changed. */
  readonly odd: number;
  /** The first stream that was handled wrongly: its number, and the fault. */
  readonly failure: string | undefined;
}

function samplesOf(seed: number): Sample[] {
  return Array.from({ length: POOL }, (_, i) => {
    const versions = new ZoneVersions(seed + i);
    const first = versions.first();
    const next = versions.next(first);
    const [base, newer] = [canonicalImageOf(versions.text(first)), canonicalImageOf(versions.text(next))];
    const whole = zoneRecords(newer);
    if (i % 2 === 0) return { type: AXFR, serial: first.serial, base, records: [...whole, whole[0]!] };
    return { type: IXFR, serial: first.serial, base, records: ixfrRecords([diff(base, newer)]) };
  });
}

/** Changes of records keep the stream well formed: what comes of them is a zone that is odd. */
function oddRecords(chance: Chance, { records }: Sample, all: readonly Sample[]): Records {
  const changed = records.map((record) => record.slice());
  for (let i = chance.below(6); i > 0 && changed.length > 1; i--) {
    const at = 1 + chance.below(Math.max(1, changed.length - 2));
    const how = chance.below(4);
    const other = all[chance.below(all.length)]!.records;
    if (how === 0) changed.splice(at, 1);
    else if (how === 1) changed.splice(at, 0, changed[at]!.slice());
    else if (how === 2) changed.splice(at, 0, other[1 + chance.below(other.length - 2)]!.slice());
    else retyped(chance, changed[at]!);
  }
  return changed;
}

/** Another type with the same RDATA: most of them malformed, some odd. */
function retyped(chance: Chance, record: Uint8Array): void {
  let fixed = 0;
  while (record[fixed] !== 0) fixed += record[fixed]! + 1;
  record[fixed + 2] = chance.of([5, 39, 2, 16, 43, 50, 46]);
}

function mutated(chance: Chance, messages: Uint8Array[]): Uint8Array[] {
  const stream: Uint8Array[] = messages.map((message) => message.slice());
  for (let i = chance.below(4); i > 0; i--) {
    const which = chance.below(stream.length);
    const message = stream[which]!;
    const at = chance.below(message.length);
    const how = chance.below(9);
    if (how < 2) message[at] = chance.below(256);
    else if (how === 2) message[at]! ^= 1 << chance.below(8);
    else if (how === 3) stream[which] = message.slice(0, at);
    else if (how === 4) message[2 + chance.below(10)] = chance.below(4);
    else if (how === 5)
      stream[which] = Uint8Array.from([...message.subarray(0, at), 0xc0, chance.below(64), ...message.subarray(at)]);
    else if (how === 6) stream.splice(which, 1);
    else if (how === 7) stream.splice(which, 0, message.slice());
    else stream[which] = Uint8Array.from([...message, ...message.subarray(at)]);
    if (stream.length === 0) stream.push(messageOf([]));
  }
  return stream;
}

function read(stream: readonly Uint8Array[], { type, serial }: Sample): Transfer | undefined {
  const reader = new TransferReader({ question: { apex: APEX, id: ID, type, serial }, maxOctets: MAX_OCTETS });
  for (const message of stream) {
    const transfer = reader.take(message, NOW);
    if (transfer !== undefined) return transfer;
  }
  return undefined;
}

/** Compiles what came, prints it, and asks for its names. */
function serve(transfer: Exclude<Transfer, { readonly form: 'current' }>, base: Uint8Array, chance: Chance): void {
  const { image } = compileTransfer(transfer, base, { now: NOW });
  for (const _ of imageText(image));
  const publisher = new Publisher();
  publisher.put(APEX, image);
  const engine = engineOver(publisher);
  const owners = [...new Set(zoneRecords(image).map((record) => nameToText(record)))];
  for (let i = 0; i < 20; i++) {
    const owner = owners[chance.below(owners.length)]!;
    const name = chance.percent(30) ? `nx.${owner}` : owner;
    if (name.length > 200) continue;
    const query = buildQuery({ name, type: chance.of(TYPES as [number, ...number[]]), edns: { dnssecOk: true } });
    if (engine.ask(query, 'tcp') === undefined) throw new Error(`no answer to ${name}`);
  }
}

/** Reads `count` streams. */
export function fuzzTransfers(count: number, seed: number): TransferFuzzReport {
  const samples = samplesOf(seed);
  const chance = chanceOf(seed);
  let [accepted, odd] = [0, 0];
  for (let i = 0; i < count; i++) {
    const sample = samples[chance.below(samples.length)]!;
    const isOdd = chance.percent(50);
    const records = isOdd ? oddRecords(chance, sample, samples) : sample.records;
    const messages = answerOf(records, sample.type, 1 + chance.below(40), chance.percent(50));
    const stream = isOdd && chance.percent(80) ? messages : mutated(chance, messages);
    try {
      const transfer = read(stream, sample);
      if (transfer === undefined || transfer.form === 'current') continue;
      serve(transfer, sample.base, chance);
      accepted++;
      if (isOdd) odd++;
    } catch (error) {
      if (!(error instanceof AdotdError)) return { accepted, odd, failure: `stream ${i}: ${(error as Error).stack}` };
    }
  }
  return { accepted, odd, failure: undefined };
}
