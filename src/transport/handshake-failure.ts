/** Why a TLS handshake failed: a few reasons that an operator can act on. */
import { HandshakeEnd } from '../session/session-end.js';

/** The first match of the error's code counts. In node, OpenSSL's codes begin with ERR_SSL_. */
const REASONS: readonly (readonly [pattern: RegExp, end: HandshakeEnd])[] = [
  // Before the alerts: the alert about versions has the version in its name.
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|UNKNOWN_PROTOCOL/, HandshakeEnd.VERSION],
  [/NO_SHARED_|NO_SUITABLE_|NO_APPLICATION_PROTOCOL|NO_CIPHERS/, HandshakeEnd.NOTHING_SHARED],
  [/ALERT/, HandshakeEnd.ALERT],
  [/^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED)$/, HandshakeEnd.CONNECTION],
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PROXY_REQUEST|PACKET_LENGTH|BAD_LENGTH/, HandshakeEnd.NOT_TLS],
];

/** How a handshake ended, by the code of its error; an empty one: there was none. */
export function handshakeFailure(code: string): HandshakeEnd {
  return REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? HandshakeEnd.OTHER;
}
