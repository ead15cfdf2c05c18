/**
 * Finds the server name (SNI, RFC 6066 §3) in the first octets of a TLS connection, before a TLS engine gets them: node's SNICallback
 * gives a connection one certificate only, beside those of the default context, so a name with several certificates, or with one of another
 * kind than the default one, would get a wrong one. The TLS engine judges malformed octets.
 */

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** Octets of a record (RFC 8446 §5.1). */
const MAX_RECORD = 16_384;
/**
 * Octets of a ClientHello, and records that it may be divided among: with keys of post-quantum algorithms it has some 2,000, in one record.
 * More are not looked through: the octets are looked at again whenever some have come. Guesses.
 */
const MAX_HELLO = 16_384;
const MAX_RECORDS = 64;
/** Octets of the ClientHello before the session id: version and random. */
const FIXED = 2 + 32;
/** Extension and name type (RFC 6066 §3). */
const SERVER_NAME = 0;
const HOST_NAME = 0;

/**
 * The server name that a client sends; `''` when it sends none, or when these octets are no ClientHello, or a huge one. undefined: the
 * ClientHello is not complete yet.
 */
export function serverNameOf(octets: Uint8Array): string | undefined {
  const parts: Uint8Array[] = [];
  let length = 0;
  // A ClientHello may be divided among records.
  for (let at = 0; parts.length < MAX_RECORDS; ) {
    if (at < octets.length && octets[at] !== HANDSHAKE) return '';
    if (octets.length < at + RECORD_HEADER) return undefined;
    const size = (octets[at + 3]! << 8) | octets[at + 4]!;
    if (size === 0 || size > MAX_RECORD) return '';
    at += RECORD_HEADER;
    const part = octets.subarray(at, at + size);
    parts.push(part);
    length += part.length;
    const hello = parts.length === 1 ? part : Buffer.concat(parts);
    if (length > 0 && hello[0] !== CLIENT_HELLO) return '';
    if (length >= HANDSHAKE_HEADER) {
      const wanted = HANDSHAKE_HEADER + ((hello[1]! << 16) | (hello[2]! << 8) | hello[3]!);
      if (wanted > MAX_HELLO) return '';
      if (length >= wanted) return nameIn(hello.subarray(HANDSHAKE_HEADER, wanted));
    }
    if (part.length < size) return undefined;
    at += size;
  }
  return '';
}

/** The server name in the body of a ClientHello (RFC 8446 §4.1.2). */
function nameIn(body: Uint8Array): string {
  const u16 = (at: number): number => ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
  let at = FIXED;
  at += 1 + (body[at] ?? 0);
  at += 2 + u16(at);
  at += 1 + (body[at] ?? 0);
  const end = Math.min(body.length, at + 2 + u16(at));
  at += 2;
  while (at + 4 <= end) {
    const [type, length] = [u16(at), u16(at + 2)];
    at += 4;
    if (type === SERVER_NAME) return hostName(body.subarray(at, Math.min(end, at + length)));
    at += length;
  }
  return '';
}

/** The first name of the extension, which is the only one that is defined: a host name in ASCII. */
function hostName(extension: Uint8Array): string {
  const [, , type, high = 0, low = 0] = extension;
  const name = extension.subarray(5, 5 + ((high << 8) | low));
  return type === HOST_NAME ? Buffer.from(name).toString('latin1') : '';
}
