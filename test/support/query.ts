/** Asks a running server one question with dns-packet's codec, which is not ours. */
import { type DecodedPacket, decode, encode, type RecordType } from 'dns-packet';
import { askTcp, askUdp } from './ask.js';
import { until } from './patience.js';

/** A message that dns-packet has decoded, with the name of its RCODE. */
export type Reply = DecodedPacket & { readonly rcode: string };

interface Asked {
  readonly address: string;
  readonly udp: number;
  readonly tcp: number;
}

function question(name: string, type: RecordType | 'ANY'): Uint8Array {
  return encode({ type: 'query', id: 4711, questions: [{ type: type as RecordType, name, class: 'IN' }] });
}

function reply(octets: Uint8Array | undefined): Reply {
  if (octets === undefined) throw new Error('no answer came');
  return decode(Buffer.from(octets)) as Reply;
}

/** Throws when no answer comes within `timeout` milliseconds. */
export async function queryUdp(
  server: Asked,
  name: string,
  type: RecordType | 'ANY' = 'A',
  timeout?: number,
): Promise<Reply> {
  return reply(await askUdp({ host: server.address, port: server.udp }, question(name, type), timeout));
}

/** Asks for an address until a server that starts answers; returns the RCODE. */
export async function rcodeWhenReady(server: Asked, name: string): Promise<string> {
  let rcode: string | undefined;
  await until(`an answer to ${name}`, async () => {
    // A query that comes before the server listens is lost.
    rcode = (await queryUdp(server, name, 'A', 1000).catch(() => undefined))?.rcode;
    return rcode !== undefined;
  });
  return rcode ?? '';
}

export async function queryTcp(server: Asked, name: string, type: RecordType | 'ANY' = 'A'): Promise<Reply> {
  return reply(await askTcp({ host: server.address, port: server.tcp }, question(name, type)));
}
