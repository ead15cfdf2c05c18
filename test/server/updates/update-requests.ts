/** UPDATE of clients that the configuration knows, as the control thread gets it from the threads. */
import { Transport } from '../../../src/answer/facts.js';
import { configSchema } from '../../../src/config/schema.js';
import { readName } from '../../../src/protocol/message-name.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { readU16 } from '../../../src/protocol/octets.js';
import { TSIG_ALGORITHMS } from '../../../src/protocol/tsig/tsig-key.js';
import type { SignedRequest } from '../../../src/server/requests.js';

const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
/** `all.` may change everything, `acme.` one name, and the remote `office` those below another. */
export const CONFIG = configSchema.parse({
  state: { folder: '/nowhere' },
  tsig: [
    { name: 'acme.', algorithm: 'hmac-sha256', secret: SECRET },
    { name: 'all.', algorithm: 'hmac-sha256', secret: SECRET },
  ],
  remotes: [{ name: 'office', addresses: ['192.0.2.7'] }],
  zones: {
    policies: [
      {
        zones: ['example'],
        update: [
          { key: 'acme.', allow: [{ name: '_acme-challenge.example', types: ['TXT'] }] },
          { key: 'all.', allow: [{ subdomain: 'example' }] },
          { remote: 'office', allow: [{ subdomain: 'office.example' }] },
        ],
      },
      { zones: ['second.example'] },
    ],
  },
});

/** `key`: name of the key that the message is signed with. */
export function requestOf(octets: Uint8Array, key?: string, address = [127, 0, 0, 1]): SignedRequest {
  const [algorithm] = TSIG_ALGORITHMS.filter(({ name }) => name === 'hmac-sha256');
  const tsig = key && {
    name: nameFromText(key),
    algorithm: algorithm!,
    secret: Buffer.from(SECRET, 'base64'),
    macOctets: 32,
  };
  const { name, end } = readName(octets, 12)!;
  return {
    octets,
    end: octets.length,
    name,
    type: readU16(octets, end),
    class: readU16(octets, end + 2),
    peer: {
      address: Uint8Array.from(address),
      port: 4711,
      transport: Transport.TCP,
      key: tsig || undefined,
      certificate: undefined,
    },
  };
}
