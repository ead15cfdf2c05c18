/**
 * The functions of ours that OpenSSL calls during handshakes: three for each thread, whatever the number of contexts, since koffi has 8,192
 * places for such functions in a process.
 *
 * Nothing may throw in them: an exception would leave OpenSSL in the middle of a handshake. None of them calls code of sessions, so that
 * nothing frees a connection while OpenSSL works on it.
 */

import { native } from '../../native/koffi.js';
import { addressOf } from '../../native/memory.js';
import { ALPN_DOT } from '../offered.js';
import type { OpenSsl } from './functions.js';
import { HOST_NAME, NPN_NEGOTIATED, Tlsext } from './numbers.js';
import type { TicketSealer } from './ticket-sealer.js';

/** The functions that OpenSSL calls; the values are for the functions that set callbacks. */
export interface Callbacks {
  readonly chooseProtocol: bigint;
  readonly chooseCertificate: bigint;
  readonly sealTicket: bigint;
  /** How many of their calls have failed by a mistake of ours. */
  readonly mistakes: number;
  /** Gives the places back. No context may have them any more. */
  unregister(): void;
}

type Integers = (...given: number[]) => number;

/**
 * `contextFor`: the context for a server name, undefined for the one that the connection has. `mistaken`: a call has failed. Throws when
 * koffi has no place left.
 */
export function registerCallbacks(
  openSsl: OpenSsl,
  contextFor: (serverName: string) => number | undefined,
  tickets: TicketSealer,
  mistaken: () => void,
): Callbacks {
  const libraries = native();
  if (typeof libraries === 'string') throw new Error(libraries);
  const { koffi } = libraries;
  let mistakes = 0;
  const registered: bigint[] = [];
  const register = (parameters: string[], failed: number, callback: Integers): bigint => {
    const guarded: Integers = (...given) => {
      try {
        return callback(...given);
      } catch {
        mistakes++;
        mistaken();
        return failed;
      }
    };
    const place = koffi.register(guarded, koffi.pointer(koffi.proto('int', parameters)));
    registered.push(place);
    return place;
  };
  const pointers = (count: number): string[] => Array<string>(count).fill('uintptr_t');
  try {
    return {
      // SSL_CTX_set_alpn_select_cb(3): the connection, out, its length, the client's protocols, their length, an argument.
      chooseProtocol: register([...pointers(4), 'uint32_t', 'uintptr_t'], Tlsext.ALERT_FATAL, protocolChooser(openSsl)),
      // SSL_CTX_set_tlsext_servername_callback(3): the connection, an alert, an argument.
      chooseCertificate: register(pointers(3), Tlsext.ALERT_FATAL, (connection = 0) => {
        const name = openSsl.SSL_get_servername(connection, HOST_NAME);
        const context = name === null ? undefined : contextFor(name);
        if (context === undefined) return Tlsext.NOACK;
        return openSsl.SSL_set_SSL_CTX(connection, context) === 0 ? Tlsext.ALERT_FATAL : Tlsext.OK;
      }),
      // SSL_CTX_set_tlsext_ticket_key_evp_cb(3): the connection, key name, IV, cipher and MAC contexts, whether to seal.
      sealTicket: register(
        [...pointers(5), 'int'],
        TICKET_FAILED,
        (connection = 0, name = 0, iv = 0, cipher = 0, mac = 0, seals = 0) =>
          seals === 1 ? tickets.seal(name, iv, cipher, mac) : tickets.open(connection, name, iv, cipher, mac),
      ),
      get mistakes() {
        return mistakes;
      },
      unregister() {
        for (const place of registered.splice(0)) koffi.unregister(place);
      },
    };
  } catch (error) {
    for (const place of registered) koffi.unregister(place);
    throw error;
  }
}

const TICKET_FAILED = -1;

/** RFC 7301 §3.2: a client that offers protocols, and not ours, gets the alert no_application_protocol. */
function protocolChooser(openSsl: OpenSsl): Integers {
  const ours = new Uint8Array(new SharedArrayBuffer(1 + ALPN_DOT.length));
  ours[0] = ALPN_DOT.length;
  ours.set(Buffer.from(ALPN_DOT), 1);
  const choose: Integers = (_connection, out = 0, outLength = 0, theirs = 0, length = 0) => {
    const found = openSsl.SSL_select_next_proto(out, outLength, address, ours.length, theirs, length);
    return found === NPN_NEGOTIATED ? Tlsext.OK : Tlsext.ALERT_FATAL;
  };
  // OpenSSL copies the chosen protocol before the handshake goes on.
  const address = addressOf(ours, choose);
  return choose;
}
