/** Judges the response to a message: it has to be well formed, or absent. */
import { decodeMessage } from '../support/message.js';

const UDP_WITHOUT_EDNS = 512;
const UDP_LIMIT = 1232;

/** The mistake in the response to `message`, or undefined. Never throws. */
export function judgeResponse(
  message: Uint8Array,
  response: Uint8Array | undefined,
  transport: 'udp' | 'tcp',
): string | undefined {
  const deserves = message.length >= 12 && ((message[2] ?? 0) & 0x80) === 0;
  if (!response) return deserves ? 'silence' : undefined;
  if (!deserves) return 'a response to what deserves none';
  try {
    const { flags, edns, id } = decodeMessage(response);
    if (id !== (message[0] ?? 0) * 256 + (message[1] ?? 0)) return 'another ID';
    if (!flags.qr || flags.ra || flags.ad || flags.z || flags.cd) return `flags ${JSON.stringify(flags)}`;
    const limit = edns ? Math.min(UDP_LIMIT, Math.max(UDP_WITHOUT_EDNS, offered(message))) : UDP_WITHOUT_EDNS;
    if (transport === 'udp' && response.length > limit) return `${response.length} octets over UDP`;
    if (transport === 'tcp' && flags.tc) return 'TC on a stream';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

/** The UDP size that a query offers; our own limit when the query cannot be read, so that only that counts. */
function offered(message: Uint8Array): number {
  try {
    return decodeMessage(message).edns?.udpSize ?? 0;
  } catch {
    return UDP_LIMIT;
  }
}
