/** DNS over TLS (RFC 7858) on port 853: TLS from the first octet on; what is sent in the clear gets no DNS answer. */

import { type ListenerPlace, listenStream } from './stream.js';
import type { Endpoint, Listener, StreamContext } from './transport.js';

/** Listens on a TLS address; `context.tls` must be there. Throws ADOTD_LISTEN. */
export function listenTls(endpoint: Endpoint, context: StreamContext, place?: ListenerPlace): Promise<Listener> {
  return listenStream(endpoint, context, true, place);
}
