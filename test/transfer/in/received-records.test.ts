import { describe, expect, it } from 'vitest';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { ReceivedRecords } from '../../../src/transfer/in/received-records.js';
import { RecordStore } from '../../../src/zone/store.js';

/** Each with every other one before it: siblings, names above and below, spellings, labels that end alike, the root. */
const NAMES = [
  '.',
  'test.',
  'TEST.',
  'b.test.',
  'c.test.',
  'B.test.',
  'bb.test.',
  'b.Test.',
  'b.tost.',
  'b.b.test.',
  'd.b.test.',
];

describe('records that are received', () => {
  it('are given the nodes that their owners have when each is looked up', () => {
    const received = new ReceivedRecords(nameFromText('.'), 1, undefined);
    const expected = new RecordStore();
    for (const before of NAMES)
      for (const name of NAMES)
        for (const owner of [nameFromText(before), nameFromText(name)]) {
          received.add(owner, owner.length, 1, 300, () => 0);
          expected.add(expected.intern(owner), 1, 300, 0, 0, 0, 0);
        }
    const rows = (store: RecordStore): string[] =>
      Array.from({ length: store.recordCount }, (_, row) => nameToText(store.nameOf(store.node[row]!)));
    expect(rows(received.store)).toEqual(rows(expected));
    expect(received.store.nodeCount).toBe(expected.nodeCount);
  });
});
