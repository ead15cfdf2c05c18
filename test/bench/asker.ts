/** Asks over UDP at an even rate, and knows of each query when it was answered. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { LOOPBACK } from '../support/peers/server.js';

interface Asked {
  /** Queries sent in the interval, and those of them without an answer. */
  readonly asked: number;
  readonly lost: number;
  /** Answers with another RCODE than NOERROR. */
  readonly wrong: number;
  /** Milliseconds that the latest answer took. */
  readonly latest: number;
}

interface Asker {
  /** Stops asking; answers are still taken until close(). */
  stop(): void;
  close(): void;
  /** The results of the queries sent between two moments of performance.now(). */
  between(from: number, to: number): Asked;
}

/** Queries that are remembered: half a minute at 20,000 a second. */
const REMEMBERED = 600_000;
/** Queries that are due for more milliseconds are not sent. */
const LATE = 5;
/** Message IDs: an answer belongs to the latest query with its ID. */
const IDS = 65_536;

/** Starts asking these messages in turn. `rate`: queries a second. */
export async function startAsker(port: number, messages: readonly Uint8Array[], rate: number): Promise<Asker> {
  const sentAt = new Float64Array(REMEMBERED);
  const answeredAt = new Float64Array(REMEMBERED);
  const rcodes = new Uint8Array(REMEMBERED);
  const buffers = messages.map((message) => Buffer.from(message));
  let sent = 0;
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  socket.on('error', () => {}); // Lost queries are counted.
  socket.on('message', (message) => {
    const last = sent - 1;
    const query = last - ((last - message.readUInt16BE(0)) & (IDS - 1));
    if (query < 0 || answeredAt[query] !== 0) return;
    answeredAt[query] = performance.now();
    rcodes[query] = (message[3] ?? 0) & 15;
  });
  socket.connect(port, LOOPBACK);
  await once(socket, 'connect');
  let asked = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // Queries that this program is too late for are left out: sent in a burst, they would be another load.
    asked = Math.max(asked, now - LATE);
    for (; asked < now && sent < REMEMBERED; asked += 1000 / rate) {
      // A copy: the socket may hold on to it.
      const message = Buffer.from(buffers[sent % buffers.length] ?? []);
      message.writeUInt16BE(sent & (IDS - 1), 0);
      sentAt[sent++] = performance.now();
      socket.send(message);
    }
  }, 1);
  return {
    stop: () => clearInterval(timer),
    close: () => {
      clearInterval(timer);
      socket.close();
    },
    between: (from, to) => judge(sentAt.subarray(0, sent), answeredAt, rcodes, from, to),
  };
}

/** Times are of performance.now(); an answer at 0 has not come. */
export function judge(
  sentAt: Float64Array,
  answeredAt: Float64Array,
  rcodes: Uint8Array,
  from: number,
  to: number,
): Asked {
  let [asked, lost, wrong, latest] = [0, 0, 0, 0];
  for (const [query, at] of sentAt.entries()) {
    if (at < from || at >= to) continue;
    asked++;
    const answered = answeredAt[query] ?? 0;
    if (answered === 0) lost++;
    else latest = Math.max(latest, answered - at);
    if (rcodes[query] !== 0) wrong++;
  }
  return { asked, lost, wrong, latest };
}
