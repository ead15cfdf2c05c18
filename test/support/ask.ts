/** Sends messages over loopback sockets and waits a limited time for the answers. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { PATIENCE } from './patience.js';

interface Server {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** The first datagram that answers `message`; undefined when none came in time. */
export function askUdp(server: Server, message: Uint8Array, timeoutMs = PATIENCE): Promise<Uint8Array | undefined> {
  const host = server.host ?? '127.0.0.1';
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const done = (answer: Uint8Array | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => done(undefined), timeoutMs);
    socket.on('message', (answer) => done(new Uint8Array(answer)));
    socket.on('error', (error) => {
      clearTimeout(timer);
      socket.close();
      reject(error);
    });
    socket.send(message, server.port, host);
  });
}

/**
 * Writes the messages on one TCP connection, in one piece, and returns the answers in the order in which they came: as
 * many as messages were sent, or fewer when the server closed or time ran out.
 */
function askTcpAll(
  server: Server,
  messages: readonly Uint8Array[],
  timeoutMs = PATIENCE,
  secure = false,
): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const at = { port: server.port, host: server.host ?? '127.0.0.1' };
    const socket = secure ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
    const answers: Uint8Array[] = [];
    let received = new Uint8Array(0);
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    const timer = setTimeout(done, timeoutMs);
    socket.on(secure ? 'secureConnect' : 'connect', () => {
      socket.write(Buffer.concat(messages.map((m) => Uint8Array.from([m.length >> 8, m.length & 255, ...m]))));
    });
    socket.on('data', (chunk) => {
      received = new Uint8Array(Buffer.concat([received, chunk]));
      for (;;) {
        const length = (received[0] ?? 0) * 256 + (received[1] ?? 0);
        if (received.length < 2 || received.length < 2 + length) break;
        answers.push(received.slice(2, 2 + length));
        received = received.slice(2 + length);
      }
      if (answers.length >= messages.length) done();
    });
    socket.on('close', done);
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** The answer to one message over a TCP connection of its own; undefined when none came. */
export async function askTcp(
  server: Server,
  message: Uint8Array,
  timeoutMs = PATIENCE,
): Promise<Uint8Array | undefined> {
  return (await askTcpAll(server, [message], timeoutMs))[0];
}

/** The answer to one message over a TLS connection of its own, whatever the certificate; undefined when none came. */
export async function askTls(
  server: Server,
  message: Uint8Array,
  timeoutMs = PATIENCE,
): Promise<Uint8Array | undefined> {
  return (await askTcpAll(server, [message], timeoutMs, true))[0];
}
