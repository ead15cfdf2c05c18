import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { Padding, Transport } from '../../src/answer/facts.js';
import { configSchema } from '../../src/config/schema.js';
import { Ede, Opcode, Rcode } from '../../src/protocol/iana.js';
import { nameToText } from '../../src/protocol/name.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { type OpcodeHandler, openRequests, type SignedRequest } from '../../src/server/requests.js';
import { FakeClock } from '../support/clock.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { readResponse, signQuery } from '../support/tsig.js';

const NOW = 1_795_000_000;
const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const tsigKeys = configuredKeys(configSchema.parse({ tsig: [KEY] }));

function open(notify: OpcodeHandler | undefined, clock = new FakeClock()) {
  const logged: string[] = [];
  const settings = { answers: { ...DEFAULT_SETTINGS, tsigKeys }, udpPayload: 1232, padding: Padding.NEVER };
  const say = (_: object, text: string): void => void logged.push(text);
  const handle = openRequests({ notify }, () => settings, clock, { error: say, info: say, warn: say });
  return {
    logged,
    clock,
    ask: (octets: Uint8Array, transport: Transport = Transport.UDP) =>
      handle({ octets, client: Uint8Array.of(192, 0, 2, 7), clientPort: 53, transport, now: NOW, keepalive: 100 }),
  };
}

const notify = (change: object = {}): Uint8Array =>
  buildQuery({ name: 'Zone.test.', type: 'SOA', opcode: Opcode.NOTIFY, id: 99, ...change });

describe('a request in the control thread', () => {
  it('comes to the handler of its opcode with zone and peer; its answer repeats ID, opcode and question', async () => {
    const seen: SignedRequest[] = [];
    const { ask } = open(async (request) => {
      seen.push(request);
      return { rcode: Rcode.NOERROR };
    });
    const reply = await ask(notify());
    expect(decodeMessage(reply!.octets)).toMatchObject({
      id: 99,
      opcode: Opcode.NOTIFY,
      rcode: Rcode.NOERROR,
      flags: { qr: true },
      question: [{ name: 'Zone.test.', type: 6, class: 1 }],
    });
    const [request] = seen;
    expect(nameToText(request!.name)).toBe('Zone.test.');
    expect(request).toMatchObject({ type: 6, class: 1, end: notify().length, peer: { port: 53, key: undefined } });
  });

  it('is answered with the extended error and its text where the client knows EDNS', async () => {
    const { ask } = open(async () => ({ rcode: Rcode.REFUSED, ede: Ede.PROHIBITED, text: 'not from you' }));
    const answered = decodeMessage((await ask(notify({ edns: {} })))!.octets);
    const data = Buffer.concat([Buffer.of(0, Ede.PROHIBITED), Buffer.from('not from you')]);
    expect(answered.edns?.options).toContainEqual({ code: 15, data });
    expect(decodeMessage((await ask(notify()))!.octets).edns).toBeUndefined();
  });

  it('that is signed is verified once, and its answer is signed', async () => {
    const keys: unknown[] = [];
    const { ask } = open(async ({ peer, end }) => {
      keys.push(peer.key?.name, end);
      return { rcode: Rcode.NOERROR };
    });
    const { message, mac } = signQuery(notify(), KEY, { time: NOW });
    const reply = await ask(message);
    expect(reply?.signed).toBe(1);
    expect(readResponse(reply!.octets, KEY, mac)).toMatchObject({ isValid: true, error: 0 });
    expect(keys).toEqual([tsigKeys[0]!.name, notify().length]);
  });

  it.each([
    ['forged', { time: NOW, isForged: true }, 16, 'the secret of key key.test. is another one here (BADSIG)'],
    [
      'too old',
      { time: NOW - 1000 },
      18,
      "its clock is behind this server's by more than 300 s: set the wrong one (BADTIME)",
    ],
  ])(
    'with a signature that is %s never comes to the handler, and the log says once what is wrong',
    async (_, options, error, reason) => {
      const { ask, logged } = open(() => Promise.reject(new Error('handled')));
      const { message, mac } = signQuery(notify(), KEY, options);
      const reply = await ask(message);
      expect([reply?.rcode, reply?.signed]).toEqual([Rcode.NOTAUTH, 0]);
      expect(readResponse(reply!.octets, KEY, mac)?.error).toBe(error);
      await ask(message);
      expect(logged).toEqual([`refused a signed request of 192.0.2.7 for Zone.test.: ${reason}`]);
    },
  );

  it('that nobody handles gets NOTIMP', async () => {
    expect((await open(undefined).ask(notify()))?.rcode).toBe(Rcode.NOTIMP);
    expect((await open(undefined).ask(notify({ opcode: Opcode.UPDATE })))?.rcode).toBe(Rcode.NOTIMP);
  });

  it('gets SERVFAIL when its handler fails, and the log says so', async () => {
    const { ask, logged } = open(() => Promise.reject(new Error('broken')));
    expect((await ask(notify()))?.rcode).toBe(Rcode.SERVFAIL);
    expect(logged).toEqual([expect.stringMatching(/could not be answered/)]);
  });

  it('gets SERVFAIL when its handler takes too long, which may change nothing from then on', async () => {
    const clock = new FakeClock();
    let goOn = (): void => {};
    const waits = new Promise<void>((resolve) => (goOn = resolve));
    let mayBegin: boolean | undefined;
    const { ask, logged } = open(async (_, begin) => {
      await waits;
      mayBegin = begin();
      return { rcode: Rcode.NOERROR };
    }, clock);
    const reply = ask(notify());
    clock.advance(30_000);
    expect((await reply)?.rcode).toBe(Rcode.SERVFAIL);
    expect(logged).toEqual([
      'a request of 192.0.2.7 for Zone.test. takes too long: it is given up, and answered SERVFAIL',
    ]);
    goOn();
    await waits;
    expect(mayBegin).toBe(false);
  });

  it('gets no response when it takes too long to be stored: nobody knows the answer', async () => {
    const clock = new FakeClock();
    const { ask, logged } = open((_, begin) => new Promise(() => begin()), clock);
    const reply = ask(notify());
    clock.advance(30_000);
    expect(await reply).toBeUndefined();
    expect(logged[0]).toContain('is being stored, and gets no response');
  });

  it('that comes again over UDP while it is handled is handled once', async () => {
    let [handled, answer] = [0, (): void => {}];
    const waits = new Promise<void>((resolve) => (answer = resolve));
    const { ask } = open(async () => {
      handled++;
      await waits;
      return { rcode: Rcode.YXDOMAIN };
    });
    const replies = [ask(notify()), ask(notify()), ask(notify({ id: 100 })), ask(notify(), Transport.TCP)];
    answer();
    const ids = (await Promise.all(replies)).map((reply) => decodeMessage(reply!.octets).id);
    expect([ids, handled]).toEqual([[99, 99, 100, 99], 3]);
    await ask(notify());
    expect(handled).toBe(4);
  });

  it('gets no response where its handler gives none', async () => {
    expect(await open(async () => undefined).ask(notify())).toBeUndefined();
  });
});
