/** What is on a port where DNS was expected: mistaken ports are common, and what they bring about looks like a broken network. */

/** Octets by which another protocol is known. */
export const ENOUGH = 5;
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;
/** In the fifth octet of a stream: its message is a response. */
const QR = 0x80;

/**
 * The protocol of the first octets that a server sends on a connection without TLS; undefined: they may be the beginning of a response, or
 * are too few. What looks like the length of a message, an ID and no response is none of DNS (RFC 1035 §4.1.1).
 */
export function foreignProtocol(octets: Uint8Array): 'TLS' | 'HTTP' | 'SSH' | 'another protocol' | undefined {
  if (octets.length < ENOUGH || (octets[4]! & QR) !== 0) return undefined;
  const [type, major] = octets;
  if ((type === TLS_ALERT || type === TLS_HANDSHAKE) && major === TLS_MAJOR) return 'TLS';
  const text = Buffer.from(octets.subarray(0, ENOUGH)).toString('latin1');
  if (text === 'HTTP/') return 'HTTP';
  if (text.startsWith('SSH-')) return 'SSH';
  return /^[\x20-\x7e]+$/.test(text) ? 'another protocol' : undefined;
}

/** Whether the reason that OpenSSL gives for a failed handshake means that the peer speaks no TLS at all. */
export function isNoTls(reason: string): boolean {
  return /wrong version number|packet length too long|http request|bad record type|unsupported protocol version/.test(
    reason,
  );
}
