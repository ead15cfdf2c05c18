import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';

const ZONE = `
$TTL 300
@    SOA ns1 hostmaster 1 7200 3600 1209600 300
     NS ns1
ns1  A 192.0.2.1
www  A 192.0.2.80
`;

const query = (name: string): Buffer =>
  encode({ type: 'query', id: 4711, questions: [{ type: 'A', name, class: 'IN' }] });

async function askUdp(server: RunningServer, name: string): Promise<Packet & { rcode?: string }> {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.send(query(name), server.udp, server.address);
    const [answer] = (await once(socket, 'message')) as [Buffer];
    return decode(answer);
  } finally {
    socket.close();
  }
}

async function askTcp(server: RunningServer, name: string): Promise<Packet & { rcode?: string }> {
  const socket = connect({ host: server.address, port: server.tcp });
  const message = query(name);
  socket.end(Buffer.concat([Buffer.of(0, message.length), message]));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return decode(Buffer.concat(chunks).subarray(2));
}

describe('startServer', () => {
  it('answers from a zone given as text, over UDP and TCP', async () => {
    await using server = await startServer({ zones: { 'example.test': ZONE } });
    for (const ask of [askUdp, askTcp]) {
      const answer = await ask(server, 'www.example.test');
      expect(answer.answers).toEqual([expect.objectContaining({ name: 'www.example.test', data: '192.0.2.80', ttl: 300 })]);
    }
    expect(server.udp).toBe(server.tcp);
  });
});
