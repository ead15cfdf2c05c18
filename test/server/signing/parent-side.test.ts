import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { HIDDEN, type KeyProgress, NO_KEYS_YET, type RecordState } from '../../../src/dnssec/rollover/key-state.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { type Changes, ImageView, type ZoneView } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { ParentSide } from '../../../src/server/signing/parent-side.js';
import type { KeptZone } from '../../../src/server/zones/kept-zone.js';
import { FakeClock } from '../../support/clock.js';
import { decodeMessage } from '../../support/message.js';
import { UNCHANGED } from '../zones/keeper-support.js';

const CDS = `@ CDS 1 13 2 ${'AA'.repeat(32)}\n`;
const OWNER = nameFromText('_dsboot.child.test._signal.ns1.hosting.example.');

function keptZone(zone: string, records: string): KeptZone {
  const text = `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns1.hosting.example.\n${records}`;
  const { image } = load({ file: 'z', bytes: Buffer.from(text), origin: nameFromText(zone) }, { now: 0 });
  return { zone, apex: nameFromText(zone), role: 'file', state: 'served', image, ...UNCHANGED, plan: 'plan' };
}

function key(ds: RecordState, seen: number | undefined): KeyProgress {
  const record = { state: 'omnipresent' as const, since: 1 };
  const records = { dnskey: record, krrsig: record, zrrsig: record, ds: { ...HIDDEN, state: ds } };
  const parent = { seen, gone: undefined, sure: undefined, last: undefined };
  return { id: 'k', role: 'csk', algorithm: 13, tag: 1, goal: 'omnipresent', created: 0, active: 1, records, parent };
}

/** A server with a new zone, and the zone of its nameserver. */
function open(seen?: number) {
  const clock = new FakeClock();
  const zones = ['child.test.', 'hosting.example.'].map((zone) => keptZone(zone, zone === 'child.test.' ? CDS : ''));
  const hosting = new PendingView(new ImageView(zones[1]!.image!));
  const values = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const ds: { state: RecordState; seen: number | undefined } = {
    state: seen === undefined ? 'rumoured' : 'omnipresent',
    seen,
  };
  let published: (zone: string, serial: number) => void = () => undefined;
  const line = (): void => undefined;
  const table = {
    keys: () => [...values.keys()],
    get: (name: string) => values.get(name),
    put: async (name: string, value: Uint8Array) => void values.set(name, value),
    remove: async (name: string) => void values.delete(name),
  };
  const side = new ParentSide(
    { ...defaultConfig(), resolver: ['192.0.2.53'] },
    {
      keeper: {
        get: (zone) => zones.find((one) => one.zone === zone),
        all: () => zones,
        async change(_zone: string, make: (view: ZoneView) => Changes | undefined) {
          const changes = make(hosting);
          if (changes !== undefined) hosting.apply(changes);
          const records = hosting.rrset(OWNER, 59).map(() => `${nameToText(OWNER)} ${CDS.slice(2)}`);
          zones[1] = keptZone('hosting.example.', records.join(''));
          return { serial: 2 };
        },
        onPublished: (listener) => void (published = listener),
      },
      state: { table: () => table as never },
      signing: {
        keysOf: (zone) => (zone === 'child.test.' ? { ...NO_KEYS_YET, keys: [key(ds.state, ds.seen)] } : undefined),
      },
      clock,
      log: { debug: line, info: line, warn: line, error: line },
      sockets: () => ({
        sendDatagram: () => undefined,
        sendOnStream({ octets }) {
          asked.push(decodeMessage(octets).question[0]!.name);
          return () => undefined;
        },
        close: () => undefined,
      }),
    },
  );
  return {
    side,
    ds,
    clock,
    asked,
    publish: (zone: string) => published(zone, 2),
    signals: () => hosting.rrset(OWNER, 59).length,
    async pass(milliseconds: number) {
      clock.advance(milliseconds);
      for (let i = 0; i < 30; i++) await Promise.resolve();
    },
  };
}

describe('a zone below a parent', () => {
  it('that asks for its first DS record is vouched for by the zone of its nameserver, and its parent is told, until that has the record', async () => {
    const s = open();
    await s.pass(1000);
    expect([s.signals(), s.asked]).toEqual([1, ['child._dsync.test.']]);
    s.publish('child.test.');
    await s.pass(1000);
    expect([s.signals(), s.asked.length]).toEqual([1, 1]);
    s.ds.seen = 5;
    await s.pass(600_000);
    expect(s.signals()).toBe(0);
    await s.side.close();
    expect(s.clock.timers).toBe(0);
  });

  it('tells nobody at the start when its parent has one', async () => {
    const s = open(5);
    s.side.configure({ ...defaultConfig(), resolver: ['192.0.2.53'] });
    await s.pass(1000);
    expect([s.signals(), s.asked]).toEqual([0, []]);
    await s.side.close();
  });
});
