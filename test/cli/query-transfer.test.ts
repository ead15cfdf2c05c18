import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transferZone } from '../../src/client/index.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { pinOf } from '../../src/tls/pin.js';
import { TestPrimary } from '../server/secondaries/test-primary.js';
import { adotd } from '../support/cli.js';
import { macOf } from '../support/tsig.js';
import { make, temporaryFolder } from '../tls/support.js';
import { AXFR, KEY, messageOf, signedAnswer } from '../transfer/in/transfer-messages.js';

const folder = temporaryFolder();
let plain: TestPrimary;
let encrypted: TestPrimary;
let pin: string;
beforeAll(async () => {
  const made = await make({ names: ['ns1.test'] });
  pin = pinOf(new X509Certificate(made.cert).publicKey);
  [plain, encrypted] = [new TestPrimary(), new TestPrimary({ cert: made.cert, key: made.key })];
  for (const primary of [plain, encrypted]) {
    primary.zones.set('example.', [zone(1), zone(2, 'www 60 A 192.0.2.7')]);
    primary.perMessage = 2;
    await primary.listen();
  }
});
afterAll(async () => {
  await plain.close();
  await encrypted.close();
  folder[Symbol.dispose]();
});

function zone(serial: number, ...lines: string[]): Uint8Array {
  const text = [`@ 60 SOA ns h ${serial} 2 3 4 5`, '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...lines, ''].join('\n');
  const origin = nameFromText('example.');
  return load({ file: 'test', bytes: Buffer.from(text), origin }, { now: 0 }).image ?? new Uint8Array();
}

const SOA = (serial: number): string => `example.\t60\tIN\tSOA\tns.example. h.example. ${serial} 2 3 4 5`;
const at = (primary: TestPrimary): string[] => ['@127.0.0.1', '--port', String(primary.port)];

describe('adotd query', () => {
  it('transfers a zone over TCP, and prints it as dig does', async () => {
    const { status, stdout, stderr } = await adotd('query', 'example', 'AXFR', ...at(plain));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.slice(0, 5)).toEqual([
      SOA(2),
      'example.\t60\tIN\tNS\tns.example.',
      'ns.example.\t60\tIN\tA\t192.0.2.1',
      'www.example.\t60\tIN\tA\t192.0.2.7',
      SOA(2),
    ]);
    expect(stdout).toMatch(/^;; SERVER: 127\.0\.0\.1#\d+ \(TCP\) \(not encrypted\)$/m);
    expect(stdout).toMatch(/^;; XFR: whole zone, serial 2\n;; XFR size: 5 records \(messages 3, bytes \d+\)$/m);
  });

  it('transfers what has changed since a serial, inside TLS', async () => {
    const tls = ['--transport', 'tls', '--tls-pin', pin];
    const ran = await adotd('query', 'example', 'IXFR=1', ...at(encrypted), ...tls, '--short');
    expect(ran.stdout.split('\n').map((line) => line.split(' ').at(2) ?? line)).toEqual([
      '2',
      '1',
      '2',
      '192.0.2.7',
      '2',
      '',
    ]);
    const json = await adotd('query', 'example', 'ixfr=2', ...at(encrypted), ...tls, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      form: 'current',
      serial: 2,
      tls: { alpn: 'dot' },
      size: { records: 1 },
    });
  });

  it('accepts only a transfer whose messages are signed when the query is', async () => {
    const key = `${KEY.algorithm}:${KEY.name}:${KEY.secret}`;
    const now = Math.floor(Date.now() / 1000);
    const signed = (change: (messages: Uint8Array[]) => Uint8Array[]) => {
      plain.instead = (asked) => {
        const answer = plain.answer(asked);
        return { messages: change(signedAnswer(answer, macOf(asked.message, KEY), now)) };
      };
      return adotd('query', 'example', 'AXFR', ...at(plain), '-y', key);
    };
    expect((await signed((messages) => messages)).stdout).toContain(';; XFR size: 5 records');
    for (const wrong of [
      (messages: Uint8Array[]) => [messages[0]!, messages[2]!, messages[1]!],
      (messages: Uint8Array[]) => messages.map((message, i) => (i === 1 ? changed(message) : message)),
    ]) {
      const ran = await signed(wrong);
      expect(ran).toMatchObject({ status: 9, stderr: expect.stringContaining('the signature of the answer is wrong') });
    }
    plain.instead = (asked) => ({ messages: plain.answer(asked) });
    const unsigned = await adotd('query', 'example', 'AXFR', ...at(plain), '-y', key);
    expect(unsigned).toMatchObject({ status: 9, stderr: expect.stringContaining('[CLIENT_TSIG]') });
    plain.instead = undefined;
  });

  it.each(['AXFR', 'IXFR=1'])('says why a server refuses %s, signed or not', async (type) => {
    const text = 'for our secondaries only';
    const ede = Buffer.concat([Buffer.from([0, 15, 0, text.length + 2, 0, 18]), Buffer.from(text)]);
    const opt = Buffer.concat([Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, ede.length]), ede]);
    plain.instead = (asked) => {
      const refusal = Buffer.concat([messageOf([], { id: asked.id, flags: 0x8005 }), opt]);
      refusal[11] = 1;
      return { messages: [refusal] };
    };
    const answered = `the server answered REFUSED, EDE: 18 (PROHIBITED): "${text}"`;
    const ran = await adotd('query', 'example', type, ...at(plain));
    expect(ran).toMatchObject({ status: 9, stderr: expect.stringContaining(`${answered} [CLIENT_TRANSFER]`) });
    const key = `${KEY.algorithm}:${KEY.name}:${KEY.secret}`;
    for (const asked of [type, 'SOA']) {
      const signed = await adotd('query', 'example', asked, ...at(plain), '-y', key, '--transport', 'tcp');
      const reason = `${answered}; the answer is not signed [CLIENT_TSIG]`;
      expect(signed).toMatchObject({ status: 9, stderr: expect.stringContaining(reason) });
    }
    plain.instead = undefined;
  });

  it.each([
    [['no.test', 'AXFR'], 9, 'the server answered REFUSED [CLIENT_TRANSFER]'],
    [['example', 'IXFR'], 2, 'expected the serial of the version that is there, such as IXFR='],
    [['example', 'IXFR=x'], 2, 'IXFR'],
    [['example', 'AXFR', '--resume', '2'], 2, '--resume is for queries with one answer'],
  ])('says what is wrong: %j', async (words, status, text) => {
    const ran = await adotd('query', ...words, ...at(plain));
    expect(ran).toMatchObject({ status, stderr: expect.stringContaining(text) });
  });
});

describe('transferZone', () => {
  const server = (): { address: string; port: number } => ({ address: '127.0.0.1', port: plain.port });

  it.each<[string, (messages: Uint8Array[]) => Uint8Array[]]>([
    ['ends with another serial', (messages) => [...messages.slice(0, -1), messageOf([soaOf(3)], shape)]],
    ['goes on behind its end', (messages) => [...messages.slice(0, -1), messageOf([soaOf(2), soaOf(2)], shape)]],
    ['does not begin with an SOA record', (messages) => messages.slice(1)],
    ['has an empty message', (messages) => [messages[0]!, messageOf([], shape)]],
  ])('refuses a transfer that %s', async (_, change) => {
    plain.instead = (asked) => ({ messages: change(plain.answer(asked)).map((message) => withId(message, asked.id)) });
    const failed = await transferZone({ server: server(), name: 'example' }).catch(({ code }) => code);
    expect(failed).toBe('CLIENT_MALFORMED');
    plain.instead = undefined;
  });

  it('tells a connection that breaks', async () => {
    plain.instead = (asked) => ({ messages: plain.answer(asked).slice(0, -1), close: true });
    const failed = await transferZone({ server: server(), name: 'example' }).catch(({ code }) => code);
    expect(failed).toBe('CLIENT_CLOSED');
    plain.instead = undefined;
  });
});

const shape = { question: AXFR };

function soaOf(serial: number): Uint8Array {
  const text = `\x07example\x00`;
  const names = Buffer.from('\x02ns\x07example\x00\x01h\x07example\x00', 'latin1');
  const numbers = Buffer.alloc(20);
  for (const [i, value] of [serial, 2, 3, 4, 5].entries()) numbers.writeUInt32BE(value, i * 4);
  const fixed = Buffer.from([0, 6, 0, 1, 0, 0, 0, 60, 0, names.length + 20]);
  return Buffer.concat([Buffer.from(text, 'latin1'), fixed, names, numbers]);
}

function withId(message: Uint8Array, id: number): Uint8Array {
  const copy = message.slice();
  copy.set([id >> 8, id & 255]);
  return copy;
}

function changed(message: Uint8Array): Uint8Array {
  const copy = message.slice();
  // RA: it changes nothing but what is signed.
  copy[3]! ^= 0x80;
  return copy;
}
