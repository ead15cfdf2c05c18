import { describe, expect, it } from 'vitest';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { signalRecords } from '../../../src/transfer/bootstrap/signal-records.js';
import { zoneViewOf } from '../../support/zone-view.js';

const CDS = `1 13 2 ${'AA'.repeat(32)}`;
const RDATA = `00010d02${'aa'.repeat(32)}`;
const CDNSKEY = `257 3 13 ${Buffer.alloc(64).toString('base64')}`;

describe('the signals for a zone', () => {
  it('are its CDS and CDNSKEY records below each nameserver that is not within it', () => {
    const view = zoneViewOf(
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
    expect(signalRecords(zoneViewOf('child.test.', ''))).toEqual([]);
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.`;
    const host = `${'c'.repeat(63)}.${'d'.repeat(41)}.test.`;
    const [record] = signalRecords(zoneViewOf(long, `@ CDS ${CDS}\n@ NS ${host}\n`));
    expect(signalRecords(zoneViewOf(long, `@ CDS ${CDS}\n@ NS ${host}\n`))).toHaveLength(1);
    expect(record?.owner).toBe(`_dsboot.${long}_signal.ns1.example.`);
    expect(nameToText(nameFromText(record!.owner))).toBe(record!.owner);
  });
});
