/** DNS over TCP (RFC 7766) on port 53, with the STARTTLS upgrade where TLS is served. */

import { type ListenerPlace, listenStream } from './stream.js';
import type { Endpoint, Listener, StreamContext } from './transport.js';

/** Listens on a TCP address. Throws ADOTD_LISTEN. */
export function listenTcp(endpoint: Endpoint, context: StreamContext, place?: ListenerPlace): Promise<Listener> {
  return listenStream(endpoint, context, false, place);
}
