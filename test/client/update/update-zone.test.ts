import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientErrorCode, type UpdateZoneOptions, updateZone } from '../../../src/client/index.js';
import { updateMessage, type WireUpdate } from '../../transfer/update/update-case.js';

let server: Server;
let port: number;
/** Of the last request; what is answered. */
let asked: Buffer;
let rcode = 0;
let hasQuestion = true;

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('data', (octets: Buffer) => {
      asked = octets.subarray(2);
      let end = 12;
      while (asked[end] !== 0) end += 1 + (asked[end] ?? 0);
      const answer = Buffer.from(asked.subarray(0, hasQuestion ? end + 5 : 12));
      answer.writeUInt16BE(0xa800 | rcode, 2);
      answer.fill(0, 4, 12);
      if (hasQuestion) answer.writeUInt16BE(1, 4);
      socket.write(Buffer.concat([Buffer.of(0, answer.length), answer]));
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());

const ask = (options: Partial<UpdateZoneOptions>) =>
  updateZone({ server: { address: '127.0.0.1', port }, zone: 'example', changes: [], ...options });

/** Whether the request is this message, OPT apart. */
function expectAsked(update: WireUpdate): void {
  const expected = Buffer.from(updateMessage({ ...update, id: asked.readUInt16BE() }));
  expected.writeUInt16BE(1, 10);
  expect(asked.subarray(0, expected.length).toString('hex')).toBe(expected.toString('hex'));
  expect(asked.length - expected.length).toBe(11);
}

describe('updateZone()', () => {
  it('sends each form of prerequisites and changes as RFC 2136 has it', async () => {
    const done = await ask({
      prerequisites: [
        { name: 'a.example' },
        { name: 'b.example', exists: false },
        { name: 'c.example', type: 'A' },
        { name: 'd.example.', type: 28, exists: false },
        { name: 'e.example', type: 'A', data: ['192.0.2.1', Uint8Array.of(192, 0, 2, 2)] },
      ],
      changes: [
        { add: { name: 'f.example', type: 'MX', ttl: 60, data: '10 mail.example' } },
        { delete: { name: 'g.example' } },
        { delete: { name: 'h.example', type: 'TXT' } },
        { delete: { name: 'i.example', type: 'TXT', data: '"x y"' } },
      ],
    });
    expect(done).toMatchObject({ ok: true, status: 'NOERROR', transport: 'tcp', encrypted: false });
    expectAsked({
      prerequisites: [
        'a 0 ANY ANY',
        'b 0 NONE ANY',
        'c 0 ANY A',
        'd 0 NONE AAAA',
        'e 0 IN A 192.0.2.1',
        'e 0 IN A 192.0.2.2',
      ],
      changes: ['f 60 IN MX 10 mail.example.', 'g 0 ANY ANY', 'h 0 ANY TXT', 'i 0 NONE TXT "x y"'],
    });
  });

  it('is fulfilled with the RCODE of the server, with and without the zone section', async () => {
    for (hasQuestion of [true, false]) {
      rcode = 8;
      expect(await ask({})).toMatchObject({ ok: false, status: 'NXRRSET' });
      rcode = 0;
      expect(await ask({})).toMatchObject({ ok: true, status: 'NOERROR' });
    }
    hasQuestion = true;
  });

  it('is rejected when the answer to a signed update is not signed', async () => {
    const tsig = { name: 'k.example', secret: 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=' };
    await expect(ask({ tsig })).rejects.toMatchObject({ code: ClientErrorCode.TSIG });
  });

  it.each([
    [{ changes: [{}] }, 'changes.0: expected one of add and delete'],
    [
      { changes: [{ add: { name: 'a', type: 'A', ttl: 1, data: 'nowhere' } }] },
      'A nowhere: found nowhere, expected an IPv4 address',
    ],
    [
      { changes: [{ add: { name: 'a', type: 'WHAT', ttl: 1, data: 'x' } }] },
      'changes.0: unknown type WHAT; any type can be written as TYPE123',
    ],
    [{ changes: [{ delete: { name: 'a', data: 'x' } }] }, 'changes.0.delete: data needs a type'],
    [
      { prerequisites: [{ name: 'a', data: ['x'] }] },
      'prerequisites.0.data: only an RRset that has to exist can have data, and at least one record of it',
    ],
    [{ verification: { kind: 'pin', pins: ['x'.repeat(43)] } }, /^pins: found/],
    [{ verification: { kind: 'ca' } }, 'transport: found tcp, expected tls or starttls with a verification'],
    [{ zone: 'a..b' }, '"a..b" is no domain name: it has an empty label'],
  ] satisfies [Partial<UpdateZoneOptions>, string | RegExp][])('refuses %j', async (options, message) => {
    await expect(ask(options)).rejects.toMatchObject({
      code: ClientErrorCode.INPUT,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });
});
