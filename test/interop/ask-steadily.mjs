// Asks a server at an even pace, over UDP from many sockets and over TCP and TLS with a connection for each question, until
// standard input ends; then prints JSON: by transport how many were asked, when the lost ones were asked
// (milliseconds since 1970), and how long the slowest answer took (ms).

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** query: the message, hexadecimal; the rates: questions a second, of streams for TCP and TLS each. */
const { host, port, tlsPort, query, udpRate, streamRate } = JSON.parse(process.argv[2]);
/** So many that each worker gets some. */
const SOCKETS = 32;
const INTERVAL = 4;
/** Milliseconds that an answer may take: a worker may be missing for a while. */
const PATIENCE = 30_000;

const message = Buffer.from(query, 'hex');
const framed = Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
const now = () => performance.timeOrigin + performance.now();
const results = { udp: { asked: 0, lost: [], slowest: 0 } };
if (streamRate > 0) {
  results.tcp = { asked: 0, lost: [], slowest: 0 };
  results.tls = { asked: 0, lost: [], slowest: 0 };
}

const answered = (result, askedAt) => {
  result.slowest = Math.max(result.slowest, Math.round(now() - askedAt));
};

/** By ID. */
const pending = new Map();
const sockets = Array.from({ length: SOCKETS }, () => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.on('message', (answer) => {
    const id = answer.readUInt16BE(0);
    const askedAt = pending.get(id);
    if (askedAt === undefined) return;
    pending.delete(id);
    answered(results.udp, askedAt);
  });
  return socket;
});

function askUdp() {
  const id = results.udp.asked++ & 0xffff;
  const old = pending.get(id);
  if (old !== undefined) results.udp.lost.push(old);
  const own = Buffer.from(message);
  own.writeUInt16BE(id, 0);
  pending.set(id, now());
  sockets[id % SOCKETS].send(own, port, host);
}

const streams = new Set();

function askStream(result, open) {
  result.asked++;
  const askedAt = now();
  const socket = open();
  const answer = new Promise((resolve) => {
    let done = false;
    const end = (good) => {
      if (done) return;
      done = true;
      if (good) answered(result, askedAt);
      else result.lost.push(askedAt);
      socket.destroy();
      resolve();
    };
    socket.setTimeout(PATIENCE, () => end(false));
    socket.on('data', () => end(true));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.write(framed);
  });
  streams.add(answer);
  void answer.then(() => streams.delete(answer));
}

const began = performance.now();
const due = (rate, asked) => Math.floor(((performance.now() - began) / 1000) * rate) - asked;
const timer = setInterval(() => {
  for (let left = due(udpRate, results.udp.asked); left > 0; left--) askUdp();
  for (let left = due(streamRate, results.tcp?.asked ?? 0); left > 0; left--) {
    askStream(results.tcp, () => connect(port, host));
    askStream(results.tls, () => connectTls({ port: tlsPort, host, rejectUnauthorized: false }));
  }
}, INTERVAL);

process.stdin.resume().once('end', async () => {
  clearInterval(timer);
  const end = performance.now() + PATIENCE;
  // A second is longer than any answer of a server that answers takes.
  for (let quiet = 0; pending.size > 0 && quiet < 100 && performance.now() < end; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await Promise.all(streams);
  results.udp.lost.push(...pending.values());
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit());
});
