/** One question over UDP. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type ClientClock, systemClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';
import { ClientError, fromSystem, timedOut } from '../errors.js';
import { decodeMessage, encodeQuery, type Query } from '../wire/message.js';
import type { ServerAddress } from './connect.js';
import { isBare, judge, type Reply } from './reply.js';

export interface UdpOptions {
  readonly timeoutMs: number;
  /** How often the query is sent before giving up; each time is waited for `timeoutMs`. */
  readonly tries: number;
  /** Bits of EDNS flags to set in addition. */
  readonly ednsFlags: number;
  readonly clock?: ClientClock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks over UDP. The socket is connected, so that a closed port is heard of and only the server is listened to. What does
 * not answer the question is ignored and the wait goes on (RFC 5452 §9): a message with another ID, and one with the right
 * ID that cannot be decoded or belongs to another question, since anybody may have sent it in the server's name. When
 * nothing better comes, the latter is what the query fails of. An error without a question is the answer when nothing better
 * comes before the next try would be due. Rejects with a ClientError.
 */
export function askUdp(
  query: Query,
  server: Required<ServerAddress>,
  about: string,
  options: UdpOptions,
): Promise<Reply> {
  const clock = options.clock ?? systemClock;
  return new Promise((resolve, reject) => {
    const wire = encodeQuery(query, { stream: false, encrypted: false }, options.ednsFlags);
    const sent = decodeMessage(wire);
    const unlisten = onAbort(options.signal, about, (error) => fail(error));
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    let stop = (): void => {};
    let tries = 0;
    let ignored = 0;
    let useless: ClientError | undefined;
    let bare: Reply | undefined;
    let began = 0;
    let done = false;
    const finish = (): void => {
      if (!done) socket.close();
      done = true;
      unlisten();
      stop();
    };
    const fail = (error: unknown): void => {
      finish();
      reject(fromSystem(error, about, 'answer'));
    };
    const succeed = (reply: Reply): void => {
      finish();
      resolve(reply);
    };
    const send = (): void => {
      if (bare !== undefined) {
        succeed(bare);
        return;
      }
      if (tries++ === options.tries) {
        const others = ignored === 0 ? '' : `; ${ignored} messages with another ID`;
        fail(useless ?? timedOut(about, 'answer', options.timeoutMs * options.tries, others));
        return;
      }
      began = clock.elapsed();
      stop = clock.after(options.timeoutMs, send);
      // An error comes as an event too.
      socket.send(wire, () => {});
    };
    socket.on('error', fail);
    socket.on('message', (octets) => {
      if (octets.length < 2 || octets.readUInt16BE() !== sent.id) {
        ignored++;
        return;
      }
      const milliseconds = clock.elapsed() - began;
      try {
        const message = judge(sent, octets);
        const reply = { message, octets, sent: wire.length, milliseconds };
        if (isBare(message)) bare ??= reply;
        else succeed(reply);
      } catch (error) {
        const { code, message } = fromSystem(error, about, 'answer');
        useless ??= new ClientError(code, `${about}: ${message}`, { cause: error, step: 'answer' });
      }
    });
    socket.once('connect', () => {
      if (!done) send();
    });
    socket.connect(server.port, server.address);
  });
}
