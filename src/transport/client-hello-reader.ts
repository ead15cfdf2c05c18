/** Reads a ClientHello from a socket, for the name of the server in it. */
import type { Socket } from 'node:net';
import { serverNameOf } from '../tls/server-name.js';

/**
 * Reads from `socket`, after `octets`, which were read already, until the name of the server is known. Then the socket is paused, and
 * `done` gets all octets that were read, and the name; it is empty where there is none. `done` may be called at once. `ended`: the client
 * has ended, and the name has not come. The caller limits the time of this.
 */
export function readServerName(
  socket: Socket,
  octets: Uint8Array,
  done: (octets: Uint8Array, name: string) => void,
  ended: () => void,
): void {
  let read = octets;
  const look = (): boolean => {
    const name = serverNameOf(read);
    if (name === undefined) return false;
    socket.off('data', more).off('end', ended).pause();
    done(read, name);
    return true;
  };
  const more = (octets: Uint8Array): void => {
    read = read.length === 0 ? octets : Buffer.concat([read, octets]);
    look();
  };
  if (look()) return;
  socket.on('data', more).once('end', ended).resume();
}
