// Sends many ClientHellos to port 853 that the server finds all at once: it is stopped while they are sent (SIGSTOP). Prints how
// many were answered and how many connections were closed instead (JSON). Arguments: process, count.

import { connect as connectTcp, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [pid, count] = process.argv.slice(2).map(Number);
const HOST = '127.0.0.1';
const PATIENCE = 60_000;

/** Any will do: the server's answer is not read. */
function clientHello() {
  return new Promise((resolve) => {
    const listener = createServer((socket) => {
      socket.once('data', (octets) => {
        resolve(octets);
        socket.destroy();
        listener.close();
      });
    });
    listener.listen(0, HOST, () => {
      connectTls({ port: listener.address().port, host: HOST, rejectUnauthorized: false }).on('error', () => {});
    });
  });
}

function connection() {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(853, HOST, () => resolve(socket));
    socket.once('error', reject);
  });
}

const hello = await clientHello();
const sockets = await Promise.all(Array.from({ length: count }, connection));
// Until the server has accepted them all.
await new Promise((resolve) => setTimeout(resolve, 1500));
process.kill(pid, 'SIGSTOP');
const outcomes = sockets.map(
  (socket) =>
    new Promise((resolve) => {
      socket.on('error', () => resolve('closed'));
      socket.once('data', () => resolve('answered'));
      socket.once('close', () => resolve('closed'));
      socket.setTimeout(PATIENCE, () => resolve('forgotten'));
      socket.write(hello);
    }),
);
await new Promise((resolve) => setTimeout(resolve, 300));
process.kill(pid, 'SIGCONT');
const found = await Promise.all(outcomes);
const number = (wanted) => found.filter((outcome) => outcome === wanted).length;
process.stdout.write(`${JSON.stringify({ answered: number('answered'), closed: number('closed') })}\n`, () =>
  process.exit(),
);
