/** Questions to resolvers over TCP. */
import { isIP } from 'node:net';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import type { Clock } from '../../session/clock.js';
import type { NotifySockets } from './notify-sockets.js';

const DNS = 53;

/** The parts that a question needs: connections, and a clock. `patience`: milliseconds to wait for an answer. */
interface ResolverStreams {
  readonly sockets: Pick<NotifySockets, 'sendOnStream'>;
  readonly clock: Clock;
  readonly patience: number;
}

/**
 * Fulfilled with the message that comes back. `server`: an address with or without a port, as node:dns writes them. Rejects with
 * ADOTD_TRANSFER when none comes.
 */
export function askOnStream(
  server: string,
  octets: Uint8Array,
  { sockets, clock, patience }: ResolverStreams,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(() => {
      close();
      fail(`no answer came within ${patience / 1000} s`);
    });
    const fail = (reason: string): void => {
      timer.clear();
      reject(new AdotdError(ErrorCode.TRANSFER, reason));
    };
    const close = sockets.sendOnStream(
      { ...placeOf(server), source: undefined, octets },
      (message) => {
        timer.clear();
        resolve(message);
      },
      (error) => fail(systemReason(error)),
    );
    timer.set(patience);
  });
}

/** Of an address with or without a port: `192.0.2.53:5353`, `[2001:db8::53]:5353`. */
export function placeOf(server: string): { readonly address: string; readonly port: number } {
  if (isIP(server) !== 0) return { address: server, port: DNS };
  const at = server.lastIndexOf(':');
  return { address: server.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(server.slice(at + 1)) };
}
