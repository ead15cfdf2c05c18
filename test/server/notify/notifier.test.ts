import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { Opcode, Rcode } from '../../../src/protocol/iana.js';
import { Notifier } from '../../../src/server/notify/notifier.js';
import type { NotifyDelivery } from '../../../src/server/notify/notify-sockets.js';
import { imageOf } from '../../image/changes/versions.js';
import { FakeClock } from '../../support/clock.js';
import { decodeMessage } from '../../support/message.js';
import { macOf, readResponse, signQuery } from '../../support/tsig.js';

const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const ZONE =
  '@ 60 SOA ns1 h 7 2 3 4 5\n@ 60 NS ns1\n@ 60 NS ns2\n@ 60 NS ns.example.net.\nns1 60 A 192.0.2.1\nns2 60 A 192.0.2.2\n';

interface Sent extends NotifyDelivery {
  readonly overTcp: boolean;
}

/** The sent message as its receiver answers it. */
function answerTo({ octets }: NotifyDelivery, rcode = 0): Uint8Array {
  const end = octets.length;
  const reply = Buffer.from(octets.subarray(0, end));
  reply[2]! |= 0x80;
  reply[3] = rcode;
  return reply;
}

function open(config: object, names: Record<string, string[]> = {}) {
  const clock = new FakeClock();
  const sent: Sent[] = [];
  const closed: NotifyDelivery[] = [];
  const log: string[] = [];
  let received: (message: Uint8Array, address: string, port: number) => void = () => {};
  const streams: ((message: Uint8Array) => void)[] = [];
  const note = (_: object, text: string): void => void log.push(text);
  const notifier = new Notifier(configSchema.parse(config), {
    image: (zone) => (zone === 'example.' ? imageOf(ZONE) : undefined),
    zones: () => ['example.', 'gone.'],
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    sockets(got) {
      received = got;
      return {
        sendDatagram: (delivery) => void sent.push({ ...delivery, overTcp: false }),
        sendOnStream(delivery, answered) {
          sent.push({ ...delivery, overTcp: true });
          streams.push(answered);
          return () => void closed.push(delivery);
        },
        close: () => {},
      };
    },
    resolver: () => async (name) => {
      const found = names[name];
      if (found === undefined) throw new Error(`no address of ${name}`);
      return found;
    },
  });
  return {
    notifier,
    clock,
    sent,
    closed,
    log,
    streams,
    receive: (message: Uint8Array, address: string, port: number) => received(message, address, port),
    /** Moves time on, and waits for what was looked up. */
    async pass(milliseconds: number) {
      clock.advance(milliseconds);
      for (let i = 0; i < 10; i++) await Promise.resolve();
    },
  };
}

const policy = (notify: string[]): object => ({ zones: { policies: [{ zones: ['example'], notify }] } });

describe('NOTIFY to others', () => {
  it('tells a remote of a new serial, with the SOA record, and is done when that answers', async () => {
    const s = open({ remotes: [{ name: 'second', addresses: ['192.0.2.9'], port: 5300 }], ...policy(['second']) });
    expect(s.notifier.changed('example.', 7)).toBe(1);
    await s.pass(0);
    expect(s.sent.map(({ address, port, overTcp }) => [address, port, overTcp])).toEqual([['192.0.2.9', 5300, false]]);
    const message = decodeMessage(s.sent[0]!.octets);
    expect(message).toMatchObject({
      opcode: Opcode.NOTIFY,
      flags: { aa: true, qr: false },
      question: [{ name: 'example.', type: 6, class: 1 }],
    });
    expect(message.answer.map(({ owner, text }) => [owner, text])).toEqual([
      ['example.', 'ns1.example. h.example. 7 2 3 4 5'],
    ]);
    s.receive(answerTo(s.sent[0]!), '192.0.2.9', 5300);
    await s.pass(100_000);
    expect([s.sent.length, s.notifier.counts]).toEqual([
      1,
      { sent: 1, acknowledged: 1, refused: 0, failed: 0, pending: 0 },
    ]);
  });

  it('takes a response only from the one that was asked', async () => {
    const s = open({ remotes: [{ name: 'second', addresses: ['2001:db8:0::9'] }], ...policy(['second']) });
    s.notifier.changed('example.', 7);
    await s.pass(0);
    s.receive(answerTo(s.sent[0]!), '2001:db8::8', 53);
    s.receive(answerTo(s.sent[0]!), '2001:db8::9', 54);
    s.receive(s.sent[0]!.octets, '2001:db8::9', 53);
    expect(s.notifier.counts.pending).toBe(1);
    s.receive(answerTo(s.sent[0]!), '2001:db8::9', 53);
    expect(s.notifier.counts.pending).toBe(0);
  });

  it('tries the other addresses, then TCP, then gives up and says so', async () => {
    const remote = { name: 'second', addresses: ['192.0.2.9', 'second.example'], source: ['192.0.2.1'] };
    const s = open({ remotes: [remote], ...policy(['second']) }, { 'second.example': ['192.0.2.10'] });
    s.notifier.changed('example.', 7);
    for (const wait of [0, 2000, 4000, 8000, 16_000]) await s.pass(wait);
    expect(s.sent.map(({ address, source, overTcp }) => [address, source, overTcp])).toEqual([
      ['192.0.2.9', '192.0.2.1', false],
      ['192.0.2.10', '192.0.2.1', false],
      ['192.0.2.9', '192.0.2.1', false],
      ['192.0.2.10', '192.0.2.1', false],
      ['192.0.2.9', '192.0.2.1', true],
    ]);
    await s.pass(30_000);
    expect(s.log.at(-1)).toBe('second does not answer NOTIFY of zone example. serial 7; it finds out after REFRESH');
    expect([s.closed.length, s.notifier.counts.failed]).toEqual([1, 1]);
  });

  it('is done by a response over TCP', async () => {
    const s = open({ remotes: [{ name: 'second', addresses: ['192.0.2.9'] }], ...policy(['second']) });
    s.notifier.changed('example.', 7);
    for (const wait of [0, 2000, 4000, 8000, 16_000]) await s.pass(wait);
    s.streams[0]!(answerTo(s.sent.at(-1)!));
    expect(s.notifier.counts).toMatchObject({ acknowledged: 1, pending: 0 });
  });

  it('is signed with the key of the remote, whose response has to be signed too', async () => {
    const remotes = [{ name: 'second', addresses: ['192.0.2.9'], key: 'key.test' }];
    const s = open({ tsig: [KEY], remotes, ...policy(['second']) });
    s.notifier.changed('example.', 7);
    await s.pass(0);
    const { octets } = s.sent[0]!;
    const now = s.clock.seconds();
    expect(readResponse(octets, KEY, new Uint8Array(0))).toMatchObject({ isValid: true, time: now });
    const unsigned = Buffer.from(octets.subarray(0, 12 + 9 + 4));
    unsigned.set([0, 0, 0, 0, 0, 0], 6);
    unsigned[2]! |= 0x80;
    s.receive(unsigned, '192.0.2.9', 53);
    s.receive(signQuery(unsigned, KEY, { time: now }).message, '192.0.2.9', 53);
    expect(s.notifier.counts.pending).toBe(1);
    expect(macOf(octets, KEY)).toHaveLength(32);
    unsigned[3] = Rcode.NOTAUTH;
    s.receive(unsigned, '192.0.2.9', 53);
    expect(s.notifier.counts).toMatchObject({ refused: 1, pending: 0 });
    expect(s.log.at(-1)).toBe('second answers NOTIFY of zone example. with NOTAUTH');
  });

  it('goes to the nameservers of the zone, without MNAME and without this server', async () => {
    const names = { 'ns2.example': ['192.0.2.2'], 'ns.example.net': ['192.0.2.77', '192.0.2.1'] };
    const s = open({ ...policy(['ns']), listen: ['192.0.2.2', '192.0.2.1'] }, names);
    expect(s.notifier.changed('example.', 7)).toBe(2);
    await s.pass(0);
    await s.pass(0);
    expect(s.sent.map(({ address, port }) => [address, port])).toEqual([['192.0.2.77', 53]]);
    expect(s.notifier.counts.pending).toBe(1);
  });

  it('tries again where a name has no address now', async () => {
    const names: Record<string, string[]> = {};
    const s = open({ remotes: [{ name: 'second', addresses: ['second.example'] }], ...policy(['second']) }, names);
    s.notifier.changed('example.', 7);
    await s.pass(0);
    expect(s.sent).toEqual([]);
    names['second.example'] = ['192.0.2.10'];
    await s.pass(1000);
    expect(s.sent.map(({ address }) => address)).toEqual(['192.0.2.10']);
  });

  it('says which name has no address, and sends to those that are known', async () => {
    const remotes = [
      { name: 'second', addresses: ['second.example'] },
      { name: 'third', addresses: ['third.example', '192.0.2.3'] },
    ];
    const s = open({ remotes, ...policy(['second', 'third']) });
    s.notifier.changed('example.', 7);
    await s.pass(0);
    expect(s.sent.map(({ address }) => address)).toEqual(['192.0.2.3']);
    s.receive(answerTo(s.sent[0]!), '192.0.2.3', 53);
    for (let i = 0; i < 40; i++) await s.pass(1000);
    expect(s.log.at(-1)).toBe(
      'second could not be sent NOTIFY of zone example. serial 7: no address of second.example; it finds out after REFRESH',
    );
    expect([s.sent.length, s.notifier.counts.failed]).toEqual([1, 1]);
  });

  it('goes at once to remotes that are new, or are configured otherwise than before, and to no others', async () => {
    const of = (...addresses: string[]) => ({
      remotes: addresses.map((address, i) => ({ name: `r${i}`, addresses: [address] })),
      ...policy(addresses.map((_, i) => `r${i}`)),
    });
    const s = open(of('192.0.2.1', '192.0.2.2'));
    s.notifier.changed('example.', 7);
    await s.pass(0);
    s.receive(answerTo(s.sent[0]!), '192.0.2.1', 53);
    for (const wait of [2000, 4000, 8000, 16_000, 30_000]) await s.pass(wait);
    expect(s.notifier.counts).toMatchObject({ failed: 1, pending: 0 });
    s.sent.length = 0;
    s.notifier.configure(configSchema.parse(of('192.0.2.1', '192.0.2.9', '192.0.2.3')));
    await s.pass(0);
    expect(s.sent.map(({ address }) => address)).toEqual(['192.0.2.9', '192.0.2.3']);
    // Not answered yet, and mended again: what is out is not waited for.
    s.notifier.configure(configSchema.parse({ tsig: [KEY], ...of('192.0.2.1', '192.0.2.10') }));
    await s.pass(1000);
    expect(s.sent.map(({ address }) => address).slice(2)).toEqual(['192.0.2.10']);
    expect(s.notifier.counts.pending).toBe(1);
    await s.notifier.close();
  });

  it('is sent to nobody by default, for no zone that is not there, and once more when it is asked for', async () => {
    const s = open({ remotes: [{ name: 'second', addresses: ['192.0.2.9'] }] });
    expect([s.notifier.changed('example.', 7), s.notifier.notify('other.')]).toEqual([0, undefined]);
    s.notifier.configure(
      configSchema.parse({ remotes: [{ name: 'second', addresses: ['192.0.2.9'] }], ...policy(['second']) }),
    );
    expect(s.notifier.notify('example.')).toBe(1);
    await s.pass(0);
    expect(s.sent).toHaveLength(1);
    await s.notifier.close();
    expect(s.clock.timers).toBe(0);
  });
});
