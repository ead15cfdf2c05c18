/** Tells how a TLS session was closed, which node:tls does not: its 'end' means a close_notify or a bare FIN alike. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface CloseNotifyObservation {
  /** Stands for the socket below TLS. */
  readonly duplex: Duplex;
  /** What says, once `tls` has ended, whether that was by a close_notify. To be called before it ends. */
  notified(tls: TLSSocket): () => boolean;
}

/**
 * TLS ends by itself when a close_notify was decrypted. So the FIN is kept from it until what came before the FIN has been
 * read: a session that has ended by then was closed by a close_notify.
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
