import { describe, expect, it } from 'vitest';
import { type AddedRecord, additionChanges } from '../../../src/image/changes/added-records.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { nameFromText } from '../../../src/protocol/name.js';

import { runOf } from '../../../src/zone/changes/record-run.js';
import { zoneViewOf } from '../../support/zone-view.js';

const CDS = `1 13 2 ${'AA'.repeat(32)}`;
const RDATA = `00010d02${'aa'.repeat(32)}`;
const OTHER = `2 13 2 ${'BB'.repeat(32)}`;
const OWNER = '_dsboot.child.test._signal.ns1.example.';

const signal = (rdata = RDATA, ttl = 60): AddedRecord => ({ owner: OWNER, type: 59, ttl, rdata });

/** The CDS records at the signal's name after the changes, and the signals that are ours then. */
function outcome(records: string, made: AddedRecord[], wanted: AddedRecord[], owner = OWNER) {
  const view = new PendingView(zoneViewOf('example.', records));
  const result = additionChanges(view, made, wanted);
  if (result.changes !== undefined) view.apply(result.changes);
  const present = view
    .rrset(nameFromText(owner), 59)
    .map(({ ttl, rdata }) => `${ttl} ${Buffer.from(rdata).toString('hex')}`);
  return { present, made: result.made, isChanged: result.changes !== undefined };
}

describe('a zone with records that were added', () => {
  it('gets them, keeps them, has others in their place, and loses them', () => {
    expect(outcome('', [], [signal()])).toEqual({ present: [`60 ${RDATA}`], made: [signal()], isChanged: true });
    const there = `${OWNER} CDS ${CDS}\n`;
    expect(outcome(there, [signal()], [signal()])).toEqual({
      present: [`60 ${RDATA}`],
      made: [signal()],
      isChanged: false,
    });
    const other = signal(RDATA.replaceAll('aa', 'bb'), 30);
    expect(outcome(there, [signal()], [other])).toEqual({
      present: [`30 ${other.rdata}`],
      made: [other],
      isChanged: true,
    });
    expect(outcome(there, [signal()], [])).toEqual({ present: [], made: [], isChanged: true });
    expect(outcome('', [signal()], [])).toEqual({ present: [], made: [], isChanged: false });
  });

  it('is left alone where its source has records of that type', () => {
    for (const rdata of [CDS, OTHER]) {
      const source = `${OWNER} CDS ${rdata}\n`;
      expect(outcome(source, [], [signal()])).toMatchObject({ made: [], isChanged: false });
      expect(outcome(source, [], [])).toMatchObject({ made: [], isChanged: false });
    }
    const both = `${OWNER} CDS ${CDS}\n${OWNER} CDS ${OTHER}\n`;
    expect(outcome(both, [signal()], [])).toMatchObject({ made: [], isChanged: false });
  });

  it('has none where it has no authority, and at a CNAME', () => {
    const places = [
      `${OWNER} CNAME a\n`,
      '_signal.ns1 NS a.other.\n',
      'ns1 DNAME a.other.\n',
      `${OWNER} NS a.other.\n`,
    ];
    for (const place of places)
      expect(outcome(place, [], [signal()])).toEqual({ present: [], made: [], isChanged: false });
    expect(outcome('@ DNAME a.other.\n', [], [signal()])).toEqual({ present: [], made: [], isChanged: false });
    const elsewhere = { ...signal(), owner: '_dsboot.child.test._signal.ns.other.' };
    expect(outcome('', [], [elsewhere])).toEqual({ present: [], made: [], isChanged: false });
  });

  it('loses them where a delegation has come above them', () => {
    const below = `${OWNER} CDS ${CDS}\n`;
    expect(outcome(`_signal.ns1 NS a.other.\n${below}`, [signal()], [signal()])).toMatchObject({
      made: [],
      present: [],
    });
  });

  it('keeps what its file has by now, and loses what is only ours where the file has others', () => {
    const both = `${OWNER} CDS ${CDS}\n${OWNER} CDS ${OTHER}\n`;
    const view = zoneViewOf('example.', both);
    const run = (rdata: string): Uint8Array =>
      runOf([{ owner: nameFromText(OWNER), type: 59, ttl: 60, rdata: Buffer.from(rdata, 'hex') }]);
    const nothing = new Uint8Array(0);
    const ours = additionChanges(view, [signal()], [signal()], { removed: nothing, added: run(RDATA) });
    expect(ours.changes?.removed).toEqual(run(RDATA));
    expect([ours.changes?.added, ours.made]).toEqual([nothing, []]);
    const none = { removed: nothing, added: nothing };
    for (const wanted of [[], [signal()]])
      expect(additionChanges(view, [signal()], wanted, none)).toEqual({ changes: undefined, made: [] });
    const alone = zoneViewOf('example.', `${OWNER} CDS ${CDS}\n`);
    expect(additionChanges(alone, [signal()], [], none)).toEqual({ changes: undefined, made: [] });
  });
});
