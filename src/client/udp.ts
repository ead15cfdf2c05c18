/** One question over UDP. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ServerAddress } from './connect.js';
import { fromSystem, timedOut } from './errors.js';
import { decodeMessage, encodeQuery, type Query } from './message.js';
import { judge, type Reply } from './reply.js';

export interface UdpOptions {
  readonly timeoutMs: number;
  /** How often the query is sent before giving up; each time is waited for `timeoutMs`. */
  readonly tries: number;
  /** Bits of EDNS flags to set in addition. */
  readonly ednsFlags: number;
}

/**
 * Asks over UDP. The socket is connected, so that a closed port is heard of and only the server is listened to; messages
 * with another ID are ignored (RFC 5452 §9). Rejects with a ClientError.
 */
export function askUdp(
  query: Query,
  server: Required<ServerAddress>,
  about: string,
  options: UdpOptions,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const wire = encodeQuery(query, { stream: false, encrypted: false }, options.ednsFlags);
    const sent = decodeMessage(wire);
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    let timer: NodeJS.Timeout | undefined;
    let tries = 0;
    let ignored = 0;
    let began = 0;
    let done = false;
    const finish = (): void => {
      if (!done) socket.close();
      done = true;
      clearTimeout(timer);
    };
    const fail = (error: unknown): void => {
      finish();
      reject(fromSystem(error, about, 'answer'));
    };
    const send = (): void => {
      if (tries++ === options.tries) {
        const others = ignored === 0 ? '' : `; ${ignored} messages with another ID`;
        fail(timedOut(about, 'answer', options.timeoutMs * options.tries, others));
        return;
      }
      began = performance.now();
      timer = setTimeout(send, options.timeoutMs);
      // An error comes as an event too.
      socket.send(wire, () => {});
    };
    socket.on('error', fail);
    socket.on('message', (octets) => {
      if (octets.length < 2 || octets.readUInt16BE() !== sent.id) {
        ignored++;
        return;
      }
      const milliseconds = performance.now() - began;
      try {
        const message = judge(sent, octets);
        finish();
        resolve({ message, octets, sent: wire.length, milliseconds });
      } catch (error) {
        fail(error);
      }
    });
    socket.once('connect', send);
    socket.connect(server.port, server.address);
  });
}
