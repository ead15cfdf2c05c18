/**
 * Closing TLS so that the client closes TCP first and keeps TIME_WAIT (RFC 7858 §3.4): after close_notify our FIN waits until the
 * client's has come, or for some time. Over a socket node:tls sends both at once, and it has no call for close_notify alone. Over a
 * stream of our own, that stream decides when to send the FIN.
 * Measured: CPU per pipelined query falls a little, per single query it rises by half. So this is an option.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { clearTimeout, setTimeout } from 'node:timers';

/** A stream over `socket` that passes its end on when the peer has ended, or `patience` milliseconds later. */
export function withholdFin(socket: Socket, patience: number): Duplex {
  let peerEnded = false;
  let endSoon: (() => void) | undefined;
  const stream = new Duplex({
    allowHalfOpen: true,
    read() {
      socket.resume();
    },
    write(octets: Uint8Array, _encoding, done) {
      socket.write(octets, done);
    },
    final(done) {
      const finish = (): void => {
        clearTimeout(timer);
        endSoon = undefined;
        socket.end(done);
      };
      const timer = setTimeout(finish, patience);
      timer.unref();
      endSoon = finish;
      if (peerEnded) finish();
      else socket.resume();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (octets: Buffer) => {
    if (!stream.push(octets)) socket.pause();
  });
  socket.on('end', () => {
    peerEnded = true;
    stream.push(null);
    endSoon?.();
  });
  socket.on('close', () => stream.destroy());
  return stream;
}
