import { describe, expect, it } from 'vitest';
import type { NotifyDelivery } from '../../../src/server/notify/notify-sockets.js';
import { ParentNotifier } from '../../../src/server/notify/parent-notifier.js';
import { imageOf } from '../../image/changes/versions.js';
import { FakeClock } from '../../support/clock.js';
import { engineOf } from '../../support/engine.js';
import { decodeMessage } from '../../support/message.js';

const SOA = '@ 60 SOA ns h 7 2 3 4 5\n@ 60 NS ns.other.test.\n';
const CDS = `@ 60 CDS 1 13 2 ${'AA'.repeat(32)}\n@ 60 CDNSKEY 257 3 13 ${Buffer.alloc(64).toString('base64')}\n`;
const OTHER_CDS = `@ 60 CDS 2 13 2 ${'BB'.repeat(32)}\n`;
const DSYNC = '*._dsync 60 DSYNC CDS NOTIFY 5359 scanner.other.test.\n';
const MINUTE = 60_000;

/** A network in memory with one resolver, which knows the root zone, and scanners that take what comes. */
function open(parent: string) {
  const clock = new FakeClock();
  const log: string[] = [];
  const sent: NotifyDelivery[] = [];
  const asked: string[] = [];
  const net = { image: SOA as string | undefined, isWaiting: true, isSigned: true, isSilent: false, isAway: false };
  let received: (message: Uint8Array, address: string, port: number) => void = () => {};
  const root = engineOf([{ file: 'root.zone', text: `$ORIGIN .\n${SOA}${parent}` }]);
  const note = (_: object, text: string): void => void log.push(text);
  const notifier = new ParentNotifier(
    { resolver: ['192.0.2.53'] },
    {
      image: () => (net.image === undefined ? undefined : imageOf(net.image)),
      childZone: () => (net.isSigned ? { delay: 300, isWaiting: net.isWaiting } : undefined),
      clock,
      log: { debug: note, info: note, warn: note, error: note },
      sockets(got) {
        received = got;
        return {
          sendDatagram: (delivery) => void sent.push(delivery),
          sendOnStream({ address, port, octets }, answered, failed) {
            asked.push(`${address}:${port} ${decodeMessage(octets).question[0]!.name}`);
            if (net.isAway) queueMicrotask(() => failed(new Error('connection refused')));
            else if (!net.isSilent && port === 53) queueMicrotask(() => answered(root.ask(octets, 'tcp')!));
            return () => {};
          },
          close: () => {},
        };
      },
      resolver: () => async (name) => (name === 'scanner.other.test' ? ['192.0.2.9'] : []),
    },
  );
  return {
    notifier,
    clock,
    log,
    sent,
    asked,
    net,
    receive: (message: Uint8Array, address: string, port: number) => received(message, address, port),
    /** Publishes another version of the zone example. */
    publish(records: string) {
      net.image = SOA + records;
      notifier.changed('example.');
    },
    async pass(milliseconds: number) {
      clock.advance(milliseconds);
      for (let i = 0; i < 40; i++) await Promise.resolve();
    },
  };
}

describe('NOTIFY(CDS) to the parent', () => {
  it('tells where DSYNC points that the CDS RRset is another, once all nameservers have it', async () => {
    const s = open(DSYNC);
    s.publish('');
    s.publish(CDS);
    await s.pass(299_999);
    expect([s.asked, s.sent]).toEqual([[], []]);
    await s.pass(1);
    await s.pass(0);
    expect(s.asked).toEqual(['192.0.2.53:53 example._dsync.']);
    expect(s.sent.map(({ address, port }) => [address, port])).toEqual([['192.0.2.9', 5359]]);
    const message = decodeMessage(s.sent[0]!.octets);
    expect(message).toMatchObject({
      opcode: 4,
      flags: { aa: true, qr: false },
      question: [{ name: 'example.', type: 59, class: 1 }],
      answer: [],
    });
    const reply = Uint8Array.from(s.sent[0]!.octets);
    reply[2]! |= 0x80;
    s.receive(reply, '192.0.2.9', 5359);
    await s.pass(100 * MINUTE);
    expect([s.sent.length, s.notifier.counts]).toEqual([
      1,
      { sent: 1, acknowledged: 1, refused: 0, failed: 0, pending: 0 },
    ]);
    expect(s.log).toEqual(['scanner.other.test.:5359 (DSYNC) has taken NOTIFY(CDS) of zone example. serial 7']);
  });

  it('sends again to one who is silent, at last over TCP, and then says so', async () => {
    const s = open(DSYNC);
    s.publish(CDS);
    for (const wait of [300_000, 0, 2000, 4000, 8000, 16_000, 30_000]) await s.pass(wait);
    expect(s.sent).toHaveLength(4);
    expect(s.asked).toEqual(['192.0.2.53:53 example._dsync.', '192.0.2.9:5359 example.']);
    expect(s.log).toEqual([
      'scanner.other.test.:5359 (DSYNC) does not answer NOTIFY(CDS) of zone example. serial 7; the parent finds out when it looks by itself',
    ]);
  });

  it('sends nothing where the parent has no DSYNC record', async () => {
    const s = open('');
    s.publish(CDS);
    await s.pass(300_000);
    await s.pass(0);
    expect(s.asked).toEqual(['192.0.2.53:53 example._dsync.', '192.0.2.53:53 _dsync.']);
    expect(s.sent).toEqual([]);
    expect([s.clock.timers, s.log.length]).toEqual([0, 1]);
  });

  it('sends nothing when other records change, when CDS goes, and of zones that are not signed here', async () => {
    const s = open(DSYNC);
    s.publish(CDS);
    await s.pass(300_000);
    await s.pass(0);
    s.publish(`${CDS}www 60 A 192.0.2.1\n`);
    s.publish('');
    s.net.isSigned = false;
    s.publish(OTHER_CDS);
    await s.pass(100 * MINUTE);
    expect(s.sent).toHaveLength(1);
    expect(s.notifier.counts.pending).toBe(0);
  });

  it('tells of every other CDS RRset, and of the last one only where they follow each other', async () => {
    const s = open(DSYNC);
    s.publish(CDS);
    await s.pass(200_000);
    s.publish(OTHER_CDS);
    await s.pass(299_000);
    expect(s.asked).toEqual([]);
    await s.pass(1000);
    await s.pass(0);
    expect(s.sent).toHaveLength(1);
    s.publish(CDS);
    await s.pass(300_000);
    await s.pass(0);
    expect(s.sent).toHaveLength(2);
  });

  it('tells it again after a restart while the parent has not acted, and not any more when it has', async () => {
    const [waits, done] = [open(DSYNC), open(DSYNC)];
    done.net.isWaiting = false;
    for (const s of [waits, done]) {
      s.publish(CDS);
      await s.pass(300_000);
      await s.pass(0);
    }
    expect([waits.sent.length, done.sent.length, done.asked.length]).toEqual([1, 0, 0]);
  });

  it('asks again, less and less often, while no resolver answers', async () => {
    const s = open(DSYNC);
    s.net.isAway = true;
    s.publish(CDS);
    await s.pass(300_000);
    expect(s.log).toEqual([
      'whom to tell of the new keys of zone example. is not known: found no answer for DSYNC records of example._dsync.: 192.0.2.53: connection refused; tried again in 1 min',
    ]);
    await s.pass(MINUTE);
    s.net.isAway = false;
    s.net.isSilent = true;
    await s.pass(5 * MINUTE);
    await s.pass(10_000);
    expect(s.log.at(-1)).toContain('no answer came within 10 s; tried again in 30 min');
    s.net.isSilent = false;
    await s.pass(30 * MINUTE);
    await s.pass(0);
    expect([s.asked.length, s.sent.length]).toEqual([4, 1]);
  });

  it('gives up after a day, and ends when it is closed', async () => {
    const s = open(DSYNC);
    s.net.isAway = true;
    s.publish(CDS);
    for (const minutes of [5, 1, 5, 30, 120, 360, 720]) await s.pass(minutes * MINUTE);
    expect(s.log.at(-1)).toMatch(/connection refused; the parent finds out when it looks by itself$/);
    expect([s.asked.length, s.clock.timers]).toEqual([7, 0]);
    s.publish(OTHER_CDS);
    await s.notifier.close();
    await s.pass(100 * MINUTE);
    expect([s.asked.length, s.clock.timers]).toEqual([7, 0]);
  });

  describe('when other resolvers are configured', () => {
    const MENDED = { resolver: ['192.0.2.54'] };

    it.each([
      ['waits', [5]],
      ['was given up', [5, 1, 5, 30, 120, 360, 720]],
    ])('asks them at once where a lookup %s', async (_, minutes) => {
      const s = open(DSYNC);
      s.net.isAway = true;
      s.net.isWaiting = false;
      s.publish('');
      s.publish(CDS);
      for (const wait of minutes) await s.pass(wait * MINUTE);
      s.net.isAway = false;
      s.notifier.configure({ resolver: ['192.0.2.53'] });
      await s.pass(0);
      expect([s.asked.length, s.sent.length]).toEqual([minutes.length, 0]);
      s.notifier.configure(MENDED);
      await s.pass(0);
      await s.pass(0);
      expect([s.asked.at(-1), s.sent.length]).toEqual(['192.0.2.54:53 example._dsync.', 1]);
    });

    it('asks them at once where the others have not answered yet', async () => {
      const s = open(DSYNC);
      s.net.isSilent = true;
      s.publish(CDS);
      await s.pass(300_000);
      s.net.isSilent = false;
      s.notifier.configure(MENDED);
      await s.pass(10_000);
      await s.pass(0);
      await s.pass(0);
      expect(s.asked).toEqual(['192.0.2.53:53 example._dsync.', '192.0.2.54:53 example._dsync.']);
      expect([s.sent.length, s.log.filter((line) => line.includes('is not known'))]).toEqual([1, []]);
    });

    it('tells parents that have not acted, and waits for nameservers as before', async () => {
      const s = open(DSYNC);
      s.publish(CDS);
      await s.pass(200_000);
      s.notifier.configure(MENDED);
      await s.pass(0);
      expect(s.asked).toEqual([]);
      await s.pass(100_000);
      await s.pass(0);
      s.notifier.configure({ resolver: ['192.0.2.55'] });
      await s.pass(0);
      await s.pass(1000);
      await s.pass(0);
      s.net.isWaiting = false;
      s.notifier.configure(MENDED);
      await s.pass(0);
      expect(s.asked.map((line) => line.split(':')[0])).toEqual(['192.0.2.54', '192.0.2.55']);
      expect(s.sent).toHaveLength(2);
    });
  });
});
