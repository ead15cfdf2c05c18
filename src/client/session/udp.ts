/** One question over UDP. */

import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { counted } from '../../errors.js';
import { type ClientClock, systemClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem, timedOut } from '../errors.js';
import { decodeMessage, encodeQuery, type Message, type Query } from '../wire/message.js';
import type { QueryTsig } from '../wire/tsig.js';
import type { ServerAddress } from './connect.js';
import { isBare, judge, type Reply } from './reply.js';

interface UdpOptions {
  readonly timeoutMs: number;
  /** How often the query is sent; each try waits for `timeoutMs`. */
  readonly tries: number;
  /** Bits of EDNS flags to set in addition. */
  readonly ednsFlags: number;
  readonly clock?: ClientClock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks over UDP. The socket is connected, so that it hears of a closed port and of the server only. A message that does not
 * answer the question is ignored, and the wait goes on (RFC 5452 §9): anybody may have sent it in the server's name. If no
 * answer comes, the query fails with the first message that had the right ID. An error without a question is the answer if
 * nothing better comes until the next try would be due. Rejects with a ClientError.
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
    const candidates = new Candidates(wire, about, query.tsig);
    const unlisten = onAbort(options.signal, about, (error) => fail(error));
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    let stop = (): void => {};
    let tries = 0;
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
      if (candidates.bare !== undefined) {
        succeed(candidates.bare);
        return;
      }
      // The signature is wrong: the server would send the same the next time. A forged answer would need the right ID and port.
      if (candidates.useless?.code === ClientErrorCode.TSIG) {
        fail(candidates.useless);
        return;
      }
      if (tries++ === options.tries) {
        const waited = options.timeoutMs * options.tries;
        fail(candidates.useless ?? timedOut(about, 'answer', waited, candidates.describeIgnored()));
        return;
      }
      began = clock.elapsed();
      stop = clock.after(options.timeoutMs, send);
      // The error event reports the same errors as this callback.
      socket.send(wire, () => {});
    };
    socket.on('error', fail);
    socket.on('message', (octets) => {
      const reply = candidates.take(octets, clock.elapsed() - began);
      if (reply !== undefined) succeed(reply);
    });
    socket.once('connect', () => {
      if (!done) send();
    });
    socket.connect(server.port, server.address);
  });
}

/** The messages that have come and that may turn out to be the answer. */
class Candidates {
  readonly #query: Message;
  readonly #sent: number;
  readonly #about: string;
  readonly #tsig: QueryTsig | undefined;
  #ignored = 0;
  #useless: ClientError | undefined;
  #bare: Reply | undefined;

  constructor(wire: Buffer, about: string, tsig: QueryTsig | undefined) {
    this.#tsig = tsig;
    this.#query = decodeMessage(wire);
    this.#sent = wire.length;
    this.#about = about;
  }

  /** Why the first message with the right ID is no answer. */
  get useless(): ClientError | undefined {
    return this.#useless;
  }

  /** The first error without a question. */
  get bare(): Reply | undefined {
    return this.#bare;
  }

  /** The reply in `octets`, if it is the answer. */
  take(octets: Buffer, milliseconds: number): Reply | undefined {
    if (octets.length < 2 || octets.readUInt16BE() !== this.#query.id) {
      this.#ignored++;
      return undefined;
    }
    try {
      const message = judge(this.#query, octets, this.#tsig);
      const reply = { message, octets, sent: this.#sent, milliseconds };
      if (!isBare(message)) return reply;
      this.#bare ??= reply;
    } catch (error) {
      const { code, message } = fromSystem(error, this.#about, 'answer');
      this.#useless ??= new ClientError(code, `${this.#about}: ${message}`, { cause: error, step: 'answer' });
    }
    return undefined;
  }

  describeIgnored(): string {
    return this.#ignored === 0 ? '' : `; ${counted(this.#ignored, 'message')} with another ID`;
  }
}
