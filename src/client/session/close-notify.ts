/** Tells a close_notify from a bare FIN, which node:tls does not: both are its 'end' event. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface CloseNotifyObservation {
  /** To be given to TLS in place of the socket. */
  readonly duplex: Duplex;
  /** Call it before `tls` ends. The function that is returned says, once `tls` has ended, whether that was by a close_notify. */
  notified(tls: TLSSocket): () => boolean;
}

/**
 * A TLS session ends by itself once it has decrypted a close_notify. So a FIN is withheld from it until all octets before the FIN
 * have been read. A session that has ended by then was closed by a close_notify.
 */
export function observeCloseNotify(raw: Socket): CloseNotifyObservation {
  let passedOn = false;
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void raw.resume(),
    write: (octets: Buffer, _encoding, done) => void raw.write(octets, done),
    final: (done) => void raw.end(done),
    destroy: (error, done) => {
      raw.destroy();
      done(error);
    },
  });
  raw.on('data', (octets) => {
    if (!duplex.push(octets)) raw.pause();
  });
  raw.on('end', () => {
    setImmediate(() => {
      passedOn = true;
      duplex.push(null);
    });
  });
  raw.on('error', (error) => duplex.destroy(error));
  raw.on('close', () => duplex.destroy());
  return {
    duplex,
    notified: (tls) => {
      let clean = false;
      tls.once('end', () => {
        clean = !passedOn;
      });
      return () => clean;
    },
  };
}
