import { describe, expect, it } from 'vitest';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { type SignalRecord, signalChanges, signalRecords } from '../../../src/transfer/bootstrap/signal-records.js';

const CDS = `1 13 2 ${'AA'.repeat(32)}`;
const RDATA = `00010d02${'aa'.repeat(32)}`;
const OTHER = `2 13 2 ${'BB'.repeat(32)}`;
const CDNSKEY = `257 3 13 ${Buffer.alloc(64).toString('base64')}`;
const OWNER = '_dsboot.child.test._signal.ns1.example.';

function viewOf(zone: string, records: string): ImageView {
  const text = `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns1.example.\n${records}`;
  const { image, diagnostics } = load(
    { file: 'test', bytes: Buffer.from(text), origin: nameFromText(zone) },
    { now: 0 },
  );
  if (image === undefined) throw new Error(diagnostics.list[0]?.message);
  return new ImageView(image);
}

const signal = (rdata = RDATA, ttl = 60): SignalRecord => ({ owner: OWNER, type: 59, ttl, rdata });

/** The CDS records at the signal's name after the changes, and the signals that are ours then. */
function outcome(records: string, made: SignalRecord[], wanted: SignalRecord[], owner = OWNER) {
  const view = new PendingView(viewOf('example.', records));
  const result = signalChanges(view, made, wanted);
  if (result.changes !== undefined) view.apply(result.changes);
  const present = view
    .rrset(nameFromText(owner), 59)
    .map(({ ttl, rdata }) => `${ttl} ${Buffer.from(rdata).toString('hex')}`);
  return { present, made: result.made, isChanged: result.changes !== undefined };
}

describe('the signals for a zone', () => {
  it('are its CDS and CDNSKEY records below each nameserver that is not within it', () => {
    const view = viewOf(
      'child.test.',
      `@ NS Ns2.other.test.\n@ NS ns.child.test.\nns A 192.0.2.1\n@ 30 CDS ${CDS}\n@ 30 CDNSKEY ${CDNSKEY}\n`,
    );
    const cdnskey = `0101030d${'00'.repeat(64)}`;
    const expected = ['ns1.example.', 'ns2.other.test.'].flatMap((ns) => [
      { owner: `_dsboot.child.test._signal.${ns}`, type: 59, ttl: 30, rdata: RDATA },
      { owner: `_dsboot.child.test._signal.${ns}`, type: 60, ttl: 30, rdata: cdnskey },
    ]);
    expect(signalRecords(view)).toEqual(expected);
  });

  it('are none without CDS, and where their names would be too long', () => {
    expect(signalRecords(viewOf('child.test.', ''))).toEqual([]);
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.`;
    const host = `${'c'.repeat(63)}.${'d'.repeat(41)}.test.`;
    const [record] = signalRecords(viewOf(long, `@ CDS ${CDS}\n@ NS ${host}\n`));
    expect(signalRecords(viewOf(long, `@ CDS ${CDS}\n@ NS ${host}\n`))).toHaveLength(1);
    expect(record?.owner).toBe(`_dsboot.${long}_signal.ns1.example.`);
    expect(nameToText(nameFromText(record!.owner))).toBe(record!.owner);
  });
});

describe('a zone with signals', () => {
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
});
