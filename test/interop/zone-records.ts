/** The records of a zone as a server gives them away, in a form in which those of all servers can be compared. */
import { type ResourceRecord, transferZone } from '../../src/client/index.js';
import { PATIENCE } from '../support/patience.js';
import { LOOPBACK } from '../support/peers/server.js';
import type { PrimaryKey } from './primaries.js';

/** Types whose names may be compressed, and so be spelt as another name of the message is (RFC 1035 §4.1.4). */
const COMPRESSED = [2, 5, 6, 12, 15];

const recordText = ({ name, ttl, type, rdata, data }: ResourceRecord): string => {
  const content = COMPRESSED.includes(type) ? data.toLowerCase() : Buffer.from(rdata).toString('hex');
  return `${name.toLowerCase()} ${ttl} ${type} ${content}`;
};

interface ZoneRecords {
  readonly serial: number | undefined;
  /** `owner TTL type RDATA`, sorted; the SOA record twice. */
  readonly records: readonly string[];
}

/** Transfers a zone whole. Rejects with a ClientError. */
export async function transferred(port: number, name: string, key?: PrimaryKey): Promise<ZoneRecords> {
  const records: string[] = [];
  const tsig = key && { ...key, secret: Buffer.from(key.secret, 'base64'), time: Math.floor(Date.now() / 1000) };
  const { serial } = await transferZone({
    server: { address: LOOPBACK, port },
    name,
    timeoutMs: PATIENCE,
    ...(tsig && { tsig }),
    records: (some) => void records.push(...some.map(recordText)),
  });
  return { serial, records: records.sort() };
}
