/** DNS over TCP (RFC 7766) on port 53, with the STARTTLS upgrade where TLS is served. */

import { listenStream } from './stream.js';
import type { Endpoint, Listener, StreamContext } from './transport.js';

/** Binds a TCP address. Throws ADOTD_LISTEN. */
export function listenTcp(endpoint: Endpoint, context: StreamContext): Promise<Listener> {
  return listenStream(endpoint, context, false);
}
