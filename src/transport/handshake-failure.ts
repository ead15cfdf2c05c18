/** Why a TLS handshake failed: a few reasons that an operator can act on. */
import { codeOf } from '../errors.js';
import { TransportEvent } from './transport.js';

/** The first match of the error's code counts. In node, OpenSSL's codes begin with ERR_SSL_. */
const REASONS: readonly (readonly [pattern: RegExp, event: TransportEvent])[] = [
  // Before the alerts: the alert about versions has the version in its name.
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|UNKNOWN_PROTOCOL/, TransportEvent.TLS_FAILED_VERSION],
  [/NO_SHARED_|NO_SUITABLE_|NO_APPLICATION_PROTOCOL|NO_CIPHERS/, TransportEvent.TLS_FAILED_NOTHING_SHARED],
  [/ALERT/, TransportEvent.TLS_FAILED_ALERT],
  [/^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED)$/, TransportEvent.TLS_FAILED_CONNECTION],
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PROXY_REQUEST|PACKET_LENGTH|BAD_LENGTH/, TransportEvent.TLS_FAILED_NOT_TLS],
];

/** The event that a failed handshake is counted as, by the error of its TLSSocket. */
export function handshakeFailure(error: unknown): TransportEvent {
  const code = codeOf(error);
  return REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? TransportEvent.TLS_FAILED_OTHER;
}
