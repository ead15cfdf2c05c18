/** Records without a server: what a responder did, written to a ring and read again. */
import { createFacts, createOutcome, type Facts, type Outcome, Transport } from '../../../src/answer/facts.js';
import { createRecord, readRecord, type TapRecord, Target, writeRecord } from '../../../src/observe/tap/record.js';
import { createRing, RingReader, RingWriter } from '../../../src/observe/tap/ring.js';
import { emptyCatalog } from '../../support/catalog.js';

/** Milliseconds since 1970 at which all tests' queries come, with a fraction. */
export const BEGAN = 1_795_219_200_123.5;
/** Milliseconds that answering takes. */
const TOOK = 0.25;

export interface Tapped {
  readonly query: Uint8Array;
  readonly response?: Uint8Array;
  readonly targets?: number;
  readonly queries?: boolean;
  readonly responses?: boolean;
  readonly facts?: Partial<Facts>;
  readonly outcome?: Partial<Outcome>;
  /** Labels of the zone that answered. */
  readonly zoneLabels?: number;
}

/** The record of a query as the control thread reads it. */
export function recordOf(tapped: Tapped): TapRecord {
  const memory = createRing();
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  const { query, response = new Uint8Array(0), zoneLabels = -1 } = tapped;
  const catalog = { ...emptyCatalog(), zones: Int32Array.of(0, 0, zoneLabels) };
  const facts = { ...createFacts(catalog), transport: Transport.UDP, clientPort: 40_000, ...tapped.facts };
  if (!tapped.facts?.client) facts.client.set([192, 0, 2, 1]);
  const outcome = { ...createOutcome(), zone: zoneLabels < 0 ? -1 : 0, ...tapped.outcome };
  const { targets = Target.QUERY_LOG | Target.DNSTAP, queries = true, responses = true } = tapped;
  // Both messages stand somewhere in larger buffers.
  const [inBuf, outBuf] = [
    Buffer.concat([Buffer.alloc(3, 0xa5), query]),
    Buffer.concat([Buffer.alloc(5, 0xa5), response]),
  ];
  const { length } = query;
  if (
    !writeRecord(
      writer,
      targets,
      queries,
      responses,
      BEGAN + TOOK,
      TOOK,
      facts,
      outcome,
      inBuf,
      3,
      length,
      outBuf,
      5,
      response.length,
    )
  )
    throw new Error('the record did not fit');
  const record = createRecord();
  readRecord(reader, reader.next(), record);
  return record;
}
