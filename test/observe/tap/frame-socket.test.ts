import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFrameSocket } from '../../../src/observe/tap/frame-socket.js';
import type { Sink } from '../../../src/observe/tap/outbox.js';
import { FakeClock } from '../../support/clock.js';
import { until } from '../../support/patience.js';
import { recordingLog } from './log.js';

const CONTENT = Buffer.from('protobuf:dnstap.Dnstap');
const field = `0000000100000016${CONTENT.toString('hex')}`;
const READY = `000000000000002200000004${field}`;
const ACCEPT = Buffer.from(`000000000000002200000001${field}`, 'hex');
const START = `000000000000002200000002${field}`;
const STOP = '000000000000000400000003';
const FINISH = Buffer.from('000000000000000400000005', 'hex');

const comes = (isSo: () => boolean): Promise<void> => until(String(isSo), isSo);

/** One connection as the reader sees it. */
interface Peer {
  readonly socket: Socket;
  received: string;
  closed: boolean;
}

let folder: string;
let path: string;
let server: Server | undefined;
let sink: Sink | undefined;
let peers: Peer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  path = join(folder, 'tap.sock');
  peers = [];
});
afterEach(async () => {
  for (const { socket } of peers) socket.destroy();
  await sink?.close();
  sink = undefined;
  await stopReader();
  rmSync(folder, { recursive: true });
});

/** A reader that does with each connection what it is told. */
async function startReader(serve: (peer: Peer) => void): Promise<void> {
  const reader = createServer((socket) => {
    const peer: Peer = { socket, received: '', closed: false };
    peers.push(peer);
    socket.on('error', () => {});
    socket.on('close', () => {
      peer.closed = true;
    });
    serve(peer);
  });
  server = reader;
  await new Promise<void>((resolve) => reader.listen(path, resolve));
}

async function stopReader(): Promise<void> {
  const reader = server;
  server = undefined;
  for (const { socket } of peers) socket.destroy();
  if (reader) await new Promise<void>((resolve) => reader.close(() => resolve()));
}

/** A reader that does as the format says. */
function behave(peer: Peer): void {
  peer.socket.on('data', (octets: Buffer) => {
    peer.received += octets.toString('hex');
    if (peer.received === READY) peer.socket.write(ACCEPT);
    if (peer.received.endsWith(STOP)) peer.socket.end(FINISH);
  });
}

/** Milliseconds that a reader has to answer. */
const HANDSHAKE_TIME = 5000;

function open() {
  const clock = new FakeClock();
  /** What the timers were set to. */
  const times: number[] = [];
  const inner = clock.timer.bind(clock);
  clock.timer = (fire) => {
    const timer = inner(fire);
    const set = timer.set;
    timer.set = (milliseconds) => {
      times.push(milliseconds);
      set(milliseconds);
    };
    return timer;
  };
  const { log, lines } = recordingLog();
  sink = openFrameSocket({ path, content: CONTENT, clock, log });
  return { sink, clock, lines, times };
}

const batch = (hex: string, records = 1) => ({ octets: Buffer.from(hex, 'hex'), records });

describe('a reader of dnstap', () => {
  it('gets READY, START, the frames in order, and STOP', async () => {
    await startReader(behave);
    const { sink, lines } = open();
    sink.write(batch('00000001aa'));
    await comes(() => peers[0]?.received === `${READY}${START}00000001aa`);
    sink.write(batch('00000001bb'));
    sink.write(batch('00000001cc'));
    await sink.close();
    expect(peers.map(({ received }) => received)).toEqual([`${READY}${START}00000001aa00000001bb00000001cc${STOP}`]);
    expect(sink.takeLost()).toBe(0);
    expect(lines).toEqual([`info dnstap goes to the reader at ${path}`]);
  });

  it('may come late, and gets what has waited', async () => {
    const { sink, clock, lines } = open();
    sink.write(batch('00000001aa'));
    await comes(() => lines.length === 1);
    expect(lines).toEqual([`warn dnstap has no reader at ${path}: there is no such socket; it is tried again`]);
    await startReader(behave);
    clock.advance(500);
    await comes(() => peers[0]?.received === `${READY}${START}00000001aa`);
    expect(sink.takeLost()).toBe(0);
  });

  it.each([
    ['is not there', 1, undefined],
    ['drops whoever comes', 1, (peer: Peer) => peer.socket.destroy()],
    ['accepts, and goes', 9, (peer: Peer) => peer.socket.once('data', () => peer.socket.end(ACCEPT))],
  ])('that %s is tried with growing pauses; %d of 9 times it is news', async (_, news, serve) => {
    if (serve) await startReader(serve);
    const { clock, lines, times } = open();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      await comes(() => times.at(-1) !== HANDSHAKE_TIME);
      pauses.push(times.at(-1) ?? 0);
      clock.advance(pauses[i] ?? 0);
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(news);
  });

  it('that comes back is served again', async () => {
    await startReader(behave);
    const { sink, clock, lines } = open();
    await comes(() => lines.length === 1);
    await stopReader();
    await comes(() => lines.length === 2);
    expect(lines[1]).toBe(`warn dnstap has no reader at ${path}: the reader went away; it is tried again`);
    sink.write(batch('00000001aa'));
    await startReader(behave);
    clock.advance(500);
    await comes(() => peers[1]?.received === `${READY}${START}00000001aa`);
    expect(lines[2]).toBe(lines[0]);
    expect(sink.takeLost()).toBe(0);
  });

  it('that never reads makes nobody wait: what it does not take is lost and counted', async () => {
    await startReader((peer) => {
      peer.socket.once('data', () => {
        peer.socket.pause();
        peer.socket.write(ACCEPT);
      });
    });
    const { sink, clock, lines } = open();
    await comes(() => lines.length === 1);
    const octets = new Uint8Array(1024 * 1024);
    let given = 0;
    for (; given < 50 && sink.hasRoom; given++) sink.write({ octets, records: 1 });
    expect(given).toBeLessThan(12);
    for (let i = 0; i < 5; i++) sink.write({ octets, records: 10 });
    expect(sink.takeLost()).toBe(50);
    const closed = sink.close();
    clock.advance(1000);
    await closed;
    // What waited, and what was on its way.
    expect(sink.takeLost()).toBeGreaterThanOrEqual(given - 1);
  });

  it('that goes while it is being sent something costs that, counted', async () => {
    await startReader((peer) => {
      peer.socket.once('data', () => {
        peer.socket.pause();
        peer.socket.write(ACCEPT);
      });
    });
    const { sink, lines } = open();
    await comes(() => lines.length === 1);
    sink.write({ octets: new Uint8Array(4 * 1024 * 1024), records: 7 });
    sink.write(batch('00000001aa'));
    await stopReader();
    await comes(() => lines.length === 2);
    expect(sink.takeLost()).toBe(7);
  });

  it('that closes in the middle of the handshake is tried again', async () => {
    let connections = 0;
    await startReader((peer) => {
      connections++;
      if (connections === 1) peer.socket.once('data', () => peer.socket.end(ACCEPT.subarray(0, 10)));
      else behave(peer);
    });
    const { sink, clock, lines } = open();
    sink.write(batch('00000001aa'));
    await comes(() => lines.length === 1);
    expect(lines[0]).toContain('the reader went away');
    clock.advance(500);
    await comes(() => peers[1]?.received === `${READY}${START}00000001aa`);
  });

  it('that does not answer READY is given up, and tried again', async () => {
    await startReader((peer) => peer.socket.resume());
    const { clock, lines } = open();
    await comes(() => peers.length === 1);
    clock.advance(4999);
    expect(lines).toEqual([]);
    clock.advance(1);
    expect(lines[0]).toContain('it did not answer in time');
    await comes(() => peers[0]?.closed === true);
    clock.advance(500);
    await comes(() => peers.length === 2);
  });

  it.each([
    ['speaks something else', Buffer.from('220 mail.example ESMTP\r\n')],
    ['accepts another content', Buffer.from('000000000000000d000000010000000100000001' + '78', 'hex')],
    ['finishes before it began', FINISH],
    ['sends START', Buffer.from(START, 'hex')],
    ['accepts twice', Buffer.concat([ACCEPT, ACCEPT])],
  ])('that %s is none', async (_, octets) => {
    await startReader((peer) => peer.socket.once('data', () => peer.socket.write(octets)));
    const { lines } = open();
    await comes(() => peers[0]?.closed === true);
    expect(lines.at(-1)).toBe(
      `warn dnstap has no reader at ${path}: what listens there does not read dnstap; it is tried again`,
    );
  });

  it('may accept whatever comes', async () => {
    await startReader((peer) =>
      peer.socket.once('data', () => peer.socket.write(Buffer.from('000000000000000400000001', 'hex'))),
    );
    const { lines } = open();
    await comes(() => lines.length === 1);
    expect(lines[0]).toContain('dnstap goes to the reader');
  });

  it('is not a file', async () => {
    writeFileSync(path, 'text');
    const { lines } = open();
    await comes(() => lines.length === 1);
    expect(lines[0]).toContain('nothing listens there, or it is no socket');
  });

  it('that does not say FINISH is not waited for', async () => {
    await startReader((peer) => peer.socket.once('data', () => peer.socket.write(ACCEPT)));
    const { sink, clock, lines } = open();
    await comes(() => lines.length === 1);
    const closed = sink.close();
    clock.advance(1000);
    await closed;
    await comes(() => peers[0]?.closed === true);
    expect(clock.timers).toBe(0);
  });

  it('that is not there when the server ends is not waited for', async () => {
    const { sink, clock, lines } = open();
    await comes(() => lines.length === 1);
    sink.write(batch('00000001aa', 4));
    await sink.close();
    expect(sink.takeLost()).toBe(4);
    expect(clock.timers).toBe(0);
  });
});
