import { describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { exchange } from '../../../src/client/session/exchange.js';
import { startServer } from '../../../src/index.js';
import { PATIENCE } from '../../support/patience.js';
import { answer, toSet, udpServer } from '../support.js';

const QUERY = { name: 'a.test', type: 16 };
const ONCE = { transport: 'udp', timeoutMs: PATIENCE, tries: 1 } as const;

describe('a question over UDP', () => {
  it('is answered by the message with its ID; others are ignored', async () => {
    await using server = await udpServer((q) => [
      Buffer.of(1),
      answer(q, { id: q.readUInt16BE() ^ 1, text: 'forged' }),
      answer(q, { text: 'good' }),
    ]);
    const done = await exchange(QUERY, { ...ONCE, server });
    expect(done.message.answers).toMatchObject([{ data: '"good"' }]);
    expect(done).toMatchObject({ transport: 'udp', encrypted: false, truncatedOverUdp: false });
  });

  it('is sent again when it is not answered', async () => {
    await using server = await udpServer((q, nth) => (nth < 2 ? [] : [answer(q)]));
    await exchange(QUERY, { ...ONCE, timeoutMs: 200, tries: 3, server });
    expect(server.connections()).toBe(3);
  });

  it('times out after the last try', async () => {
    await using server = await udpServer((q) => [answer(q, { id: q.readUInt16BE() ^ 1 })]);
    await expect(exchange(QUERY, { ...ONCE, timeoutMs: 100, tries: 2, server })).rejects.toMatchObject({
      code: ClientErrorCode.TIMED_OUT,
      message: expect.stringMatching(/no answer within 0.2 s; 2 messages with another ID/),
    });
  });

  it('to a closed port is refused at once', async () => {
    const server = await udpServer(() => []);
    await server[Symbol.asyncDispose]();
    const asked = exchange(QUERY, { ...ONCE, timeoutMs: PATIENCE, server });
    await expect(asked).rejects.toMatchObject({ code: ClientErrorCode.REFUSED });
  });

  it('answered by garbage fails as malformed', async () => {
    await using server = await udpServer((q) => [q.subarray(0, 5)]);
    await expect(exchange(QUERY, { ...ONCE, timeoutMs: 2000, server })).rejects.toMatchObject({
      code: ClientErrorCode.MALFORMED,
    });
  });

  it('may carry TO, which has no meaning', async () => {
    const seen: boolean[] = [];
    await using server = await udpServer((q) => {
      seen.push(toSet(q));
      return [answer(q, { ednsFlags: 0x4000 })];
    });
    const done = await exchange(QUERY, { ...ONCE, tlsOk: true, server });
    expect(seen).toEqual([true]);
    expect(done).toMatchObject({ encrypted: false, message: { edns: { flags: 0x4000 } } });
  });

  it('is asked again over TCP when the answer is truncated, unless told not to', async () => {
    const text = `@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n${Array.from({ length: 40 }, (_, i) => `big TXT "${'x'.repeat(60)}${i}"`).join('\n')}`;
    await using server = await startServer({ zones: { 'example.test': `$TTL 60\n${text}` } });
    const at = { address: server.address, port: server.udp };
    const query = { name: 'big.example.test', type: 16, edns: {} };
    const whole = await exchange(query, { transport: 'udp', server: at });
    expect(whole).toMatchObject({ transport: 'tcp', truncatedOverUdp: true });
    expect(whole.message.answers).toHaveLength(40);
    const cut = await exchange(query, { transport: 'udp', server: at, retryTruncated: false });
    expect(cut).toMatchObject({ transport: 'udp', truncatedOverUdp: false });
    expect(cut.message.flags & 0x0200).toBe(0x0200);
  });

  it('to an address that the system does not allow fails as unreachable', async () => {
    // The socket may not broadcast: nothing is sent.
    const server = { address: '255.255.255.255', port: 53 };
    await expect(exchange(QUERY, { ...ONCE, server })).rejects.toMatchObject({ code: ClientErrorCode.UNREACHABLE });
  });

  it.each([
    [{ ...QUERY, id: 70_000 }, 53, /70000 as ID/],
    [{ ...QUERY, type: -1 }, 53, /-1 as type/],
    [{ ...QUERY, edns: { size: 65_536 } }, 53, /65536 as UDP payload/],
    [{ ...QUERY, edns: { options: [{ code: 1, data: new Uint8Array(65_530) }] } }, 53, /length of the query/],
    [{ ...QUERY, edns: { options: [{ code: 1, data: new Uint8Array(65_536) }] } }, 53, /length of the EDNS options/],
    [QUERY, 0, /a port is a number/],
  ])('that cannot be written is refused', async (query, port, message) => {
    const asked = exchange(query, { ...ONCE, server: { address: '127.0.0.1', port } });
    await expect(asked).rejects.toMatchObject({
      code: ClientErrorCode.INPUT,
      message: expect.stringMatching(message),
    });
  });

  it('to a name without an address cannot be sent', async () => {
    const server = { address: 'no-such-host.invalid', port: 53 };
    await expect(exchange(QUERY, { ...ONCE, server })).rejects.toMatchObject({ code: ClientErrorCode.UNREACHABLE });
  });
});
