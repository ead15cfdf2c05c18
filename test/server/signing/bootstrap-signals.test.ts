import { describe, expect, it } from 'vitest';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { additionsTable } from '../../../src/server/signals/additions-table.js';
import { BootstrapSignals } from '../../../src/server/signing/bootstrap-signals.js';
import { FakeClock } from '../../support/clock.js';

const CDS = `@ CDS 1 13 2 ${'AA'.repeat(32)}\n`;
const OTHER = `@ CDS 2 13 2 ${'BB'.repeat(32)}\n`;
const OWNER = '_dsboot.child.test._signal.ns1.hosting.example.';
const [RDATA, OTHER_RDATA] = [`00010d02${'aa'.repeat(32)}`, `00020d02${'bb'.repeat(32)}`];

interface FakeZone {
  zone: string;
  role: string;
  state: string;
  image: Uint8Array;
  serial: number;
  overlay: undefined;
  plan: undefined;
}

function imageOf(zone: string, records: string): Uint8Array {
  const text = `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns1.hosting.example.\n${records}`;
  const { image } = load({ file: 'z', bytes: Buffer.from(text), origin: nameFromText(zone) }, { now: 0 });
  if (image === undefined) throw new Error('no zone');
  return image;
}

function open() {
  const clock = new FakeClock();
  const zones = new Map<string, FakeZone>();
  const [log, values, changes]: [string[], Map<string, Uint8Array>, string[]] = [[], new Map(), []];
  const state = {
    bootstrapping: new Set(['child.test.']),
    signed: new Set(['child.test.', 'hosting.example.']),
    isBroken: false,
  };
  const views = new Map<string, PendingView>();
  const note = (_: object, text: string): void => void log.push(text);
  const logger = { debug: note, info: note, warn: note, error: note };
  const table = additionsTable(
    {
      keys: () => [...values.keys()],
      get: (key) => values.get(key),
      put: async (key, value) => void values.set(key, value),
      remove: async (key) => void values.delete(key),
    },
    'signals',
    logger,
  );
  /** Serves a zone; what was changed in it is gone. */
  const serve = (zone: string, records: string, role = 'file'): void => {
    const image = imageOf(zone, records);
    zones.set(zone, { zone, role, state: 'served', image, serial: 1, overlay: undefined, plan: undefined });
    views.set(zone, new PendingView(new ImageView(image)));
  };
  const make = (): BootstrapSignals =>
    new BootstrapSignals({
      keeper: {
        get: (zone) => zones.get(zone),
        all: () => zones.values(),
        async change(zone, apply) {
          if (state.isBroken) throw new Error('the disk is full');
          const view = views.get(zone)!;
          const made = apply(view);
          if (made !== undefined) view.apply(made);
          changes.push(zone);
          const at = (type: number): string[] =>
            view.rrset(nameFromText(OWNER), type).map(({ rdata }) => Buffer.from(rdata).toString('hex'));
          const lines = at(59).map((rdata) => `${OWNER} TYPE59 \\# ${rdata.length / 2} ${rdata}\n`);
          zones.get(zone)!.image = imageOf(zone, lines.join(''));
        },
      },
      isSigned: (zone) => state.signed.has(zone),
      isBootstrapping: (zone) => state.bootstrapping.has(zone),
      table,
      clock,
      log: logger,
    });
  const signals = make();
  return {
    signals,
    make,
    clock,
    state,
    log,
    changes,
    values,
    zones,
    serve,
    /** The CDS records of the signal. */
    present: (zone = 'hosting.example.') =>
      views
        .get(zone)!
        .rrset(nameFromText(OWNER), 59)
        .map(({ rdata }) => Buffer.from(rdata).toString('hex')),
    async pass(milliseconds: number) {
      clock.advance(milliseconds);
      for (let i = 0; i < 30; i++) await Promise.resolve();
    },
  };
}

describe('signals for a new zone', () => {
  it('come into the zone of its nameserver, follow its CDS records, and go with its first DS record', async () => {
    const s = open();
    s.serve('hosting.example.', '');
    s.serve('child.test.', CDS);
    s.signals.changed();
    s.signals.changed();
    await s.pass(999);
    expect(s.present()).toEqual([]);
    await s.pass(1);
    expect(s.present()).toEqual([RDATA]);
    s.serve('child.test.', OTHER);
    s.signals.changed();
    await s.pass(1000);
    expect(s.present()).toEqual([OTHER_RDATA]);
    s.state.bootstrapping.clear();
    s.signals.changed();
    await s.pass(1000);
    expect([s.present(), s.values.size]).toEqual([[], 0]);
    s.signals.changed();
    await s.pass(1000);
    expect(s.changes).toHaveLength(3);
    expect(s.log).toEqual([
      `zone hosting.example. vouches for new zones, at ${OWNER}`,
      `zone hosting.example. vouches for new zones, at ${OWNER}`,
      'zone hosting.example. has no signals for new zones any more',
    ]);
  });

  it('are taken away after a restart too, and when the zone goes', async () => {
    const s = open();
    s.serve('hosting.example.', '');
    s.serve('child.test.', CDS);
    s.signals.changed();
    await s.pass(1000);
    await s.signals.close();
    s.zones.delete('child.test.');
    const again = s.make();
    again.changed();
    await s.pass(1000);
    expect([s.present(), s.values.size, s.clock.timers]).toEqual([[], 0, 0]);
  });

  it('come only into a zone that is originated and signed here, and is the closest one', async () => {
    const s = open();
    s.serve('child.test.', CDS);
    for (const role of ['secondary', 'file']) {
      s.serve('hosting.example.', '', role);
      s.serve('ns1.hosting.example.', '', role);
      s.signals.changed();
      await s.pass(1000);
    }
    s.state.signed.delete('hosting.example.');
    s.zones.delete('ns1.hosting.example.');
    s.signals.changed();
    await s.pass(1000);
    expect(s.changes).toEqual([]);
  });

  it('leave alone what the source has', async () => {
    const s = open();
    s.serve('hosting.example.', `${OWNER} CDS 9 13 2 ${'CC'.repeat(32)}\n`);
    s.serve('child.test.', CDS);
    s.signals.changed();
    await s.pass(1000);
    s.state.bootstrapping.clear();
    s.signals.changed();
    await s.pass(1000);
    expect([s.changes, s.values.size]).toEqual([[], 0]);
  });

  it('are tried again when the zone cannot be changed', async () => {
    const s = open();
    s.serve('hosting.example.', '');
    s.serve('child.test.', CDS);
    s.state.isBroken = true;
    s.signals.changed();
    await s.pass(1000);
    expect(s.log).toEqual(['the signals for new zones in zone hosting.example. stay as they were: the disk is full']);
    s.state.isBroken = false;
    await s.pass(60_000);
    expect(s.present()).toEqual([RDATA]);
  });

  it('cannot be told any more when the state is damaged, which is said', async () => {
    const s = open();
    s.serve('hosting.example.', '');
    s.values.set('hosting.example.', Buffer.from('[{"owner": 1}]'));
    s.signals.changed();
    await s.pass(1000);
    expect(s.log[0]).toMatch(
      /^which signals were added to zone hosting\.example\. cannot be read: .*; take them out of the zone by hand/s,
    );
  });
});
