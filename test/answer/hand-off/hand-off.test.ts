import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type Settings } from '../../../src/answer/answer-settings.js';
import { createFacts, type Facts, Kind } from '../../../src/answer/facts.js';
import { answerHanded, HandOff, handedRequest, MOST_HANDED } from '../../../src/answer/hand-off/hand-off.js';
import { createResponder, HAND_OFF } from '../../../src/answer/respond.js';
import { compileAccess } from '../../../src/image/access.js';
import { Publisher } from '../../../src/image/catalog.js';
import { Ede, Opcode, Rcode } from '../../../src/protocol/iana.js';
import { prefixFromText } from '../../../src/protocol/prefix.js';
import { emptyCatalog } from '../../support/catalog.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { heldHandler, replyTo } from '../../support/requests.js';
import { signQuery } from '../../support/tsig.js';

const HANDED = { handedOpcodes: (1 << Opcode.NOTIFY) | (1 << Opcode.UPDATE) };
const KEY = { name: 'key.test.', algorithm: 'hmac-sha256', secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==' };
const out = new Uint8Array(65_535);

function respondTo(
  request: Uint8Array,
  settings: Partial<Settings> = HANDED,
  facts: Facts = createFacts(emptyCatalog()),
) {
  const responder = createResponder({ ...DEFAULT_SETTINGS, ...settings });
  const length = responder.respond(request, 0, request.length, facts, out, 0, out.length);
  return { length, outcome: responder.outcome, responder, facts };
}

const notify = (change: object = {}): Uint8Array =>
  buildQuery({ name: 'a.test.', type: 'SOA', opcode: Opcode.NOTIFY, ...change });

describe('a request of another opcode', () => {
  it('is handed off where somebody handles it', () => {
    expect(respondTo(notify()).length).toBe(HAND_OFF);
    expect(respondTo(notify({ opcode: Opcode.UPDATE, edns: {} })).length).toBe(HAND_OFF);
  });

  it('gets NOTIMP where nobody does', () => {
    const { outcome } = respondTo(notify(), { handedOpcodes: 1 << Opcode.UPDATE });
    expect([outcome.kind, outcome.rcode]).toEqual([Kind.ERROR, Rcode.NOTIMP]);
    expect(respondTo(notify({ opcode: Opcode.STATUS })).outcome.rcode).toBe(Rcode.NOTIMP);
  });

  it.each([
    ['without a question', { noQuestion: true }, Rcode.FORMERR],
    ['with octets behind it', { trailing: Uint8Array.of(1) }, Rcode.FORMERR],
    ['with two questions', { counts: [2, 0, 0, 0] }, Rcode.FORMERR],
    ['of another version of EDNS', { edns: { version: 1 } }, Rcode.BADVERS],
  ])('%s is answered at once', (_, change, rcode) => {
    const { length, outcome } = respondTo(notify(change));
    expect(length).toBeGreaterThan(0);
    expect(outcome.rcode).toBe(rcode);
  });

  it('from a client that may not ask is REFUSED, whatever it is signed with', () => {
    const publisher = new Publisher();
    publisher.restrict({ access: compileAccess([], [prefixFromText('0.0.0.0/0')]), zones: new Map() });
    const facts = createFacts(publisher.publish());
    const { message } = signQuery(notify({ edns: {} }), KEY, { time: 1000 });
    const { outcome, length } = respondTo(message, HANDED, facts);
    expect([outcome.kind, outcome.ede]).toEqual([Kind.REFUSED, Ede.PROHIBITED]);
    expect(decodeMessage(out.slice(0, length)).rcode).toBe(Rcode.REFUSED);
  });

  it('is handed off with its signature, which nobody has judged', () => {
    const { message } = signQuery(notify(), KEY, { time: 1, isForged: true });
    expect(respondTo(message).length).toBe(HAND_OFF);
  });

  it.each([
    [Rcode.NOERROR, Kind.ACCEPTED],
    [Rcode.REFUSED, Kind.REFUSED],
    [Rcode.SERVFAIL, Kind.FAILED],
    [Rcode.NOTAUTH, Kind.ERROR],
  ])('is answered with its reply, of RCODE %i, as outcome and octets', (rcode, kind) => {
    const query = notify({ edns: { dnssecOk: true } });
    const { responder, facts } = respondTo(query);
    facts.client.set([192, 0, 2, 9]);
    facts.clientPort = 4711;
    const request = handedRequest(query, 0, query.length, facts);
    facts.client.set([127, 0, 0, 1]);
    const reply = { ...replyTo(request, rcode), ede: Ede.PROHIBITED, signed: 1 };
    const length = answerHanded(responder.respond, facts, request, reply, 12, out, 0, out.length);
    expect(out.slice(0, length)).toEqual(reply.octets);
    expect(responder.outcome).toMatchObject({
      kind,
      rcode,
      ede: Ede.PROHIBITED,
      opcode: Opcode.NOTIFY,
      edns: 1,
      signed: 1,
    });
    expect([[...facts.client.subarray(0, 4)], facts.clientPort, facts.reply, facts.waited]).toEqual([
      [192, 0, 2, 9],
      4711,
      undefined,
      0,
    ]);
  });

  it('gets no response without a reply, or with one that has no room', () => {
    const query = notify();
    const { responder, facts } = respondTo(query);
    const request = handedRequest(query, 0, query.length, facts);
    const answered = (reply: ReturnType<typeof replyTo> | undefined): number =>
      answerHanded(responder.respond, facts, request, reply, 0, out, 0, out.length);
    expect(answered(undefined)).toBe(0);
    expect(responder.outcome.kind).toBe(Kind.DROPPED);
    expect(answered({ ...replyTo(request), octets: new Uint8Array(513) })).toBe(0);
  });
});

describe('requests that wait', () => {
  const request = handedRequest(notify(), 0, notify().length, createFacts(emptyCatalog()));

  it('are at most as many as may wait; streams wait for room, others are dropped', async () => {
    const held = heldHandler();
    const handOff = new HandOff(held.handle);
    let done = 0;
    for (let i = 0; i < MOST_HANDED; i++) expect(handOff.try(request, () => done++)).toBe(true);
    expect(handOff.try(request, () => done++)).toBe(false);
    handOff.queue(request, () => done++);
    expect(held.waiting).toHaveLength(MOST_HANDED);
    await held.answer();
    expect([held.waiting.length, done]).toEqual([MOST_HANDED, 1]);
    for (let i = 0; i < MOST_HANDED; i++) await held.answer();
    expect(done).toBe(MOST_HANDED + 1);
  });

  it('have their turn in order: a connection that asks again when it is answered waits behind the others', async () => {
    const held = heldHandler();
    const handOff = new HandOff(held.handle);
    const answered: string[] = [];
    const ask = (name: string, more: number): void => {
      handOff.queue(request, () => {
        answered.push(name);
        if (more > 0) ask(name, more - 1);
      });
    };
    ask('busy', 2);
    for (let i = 1; i < MOST_HANDED; i++) handOff.try(request, () => {});
    for (const name of ['patient', 'patient too']) ask(name, 0);
    while (held.waiting.length > 0) await held.answer();
    expect(answered).toEqual(['busy', 'patient', 'patient too', 'busy', 'busy']);
  });

  it('are taken back while they wait, and only then', async () => {
    const held = heldHandler();
    const handOff = new HandOff(held.handle);
    let done = 0;
    const takeBack = handOff.queue(request, () => done++);
    for (let i = 1; i < MOST_HANDED; i++) handOff.try(request, () => done++);
    const others = Array.from({ length: 3 }, () => handOff.queue(request, () => done++));
    takeBack();
    for (const one of others.slice(1)) one();
    for (let i = 0; i <= MOST_HANDED; i++) await held.answer();
    expect([held.waiting.length, done]).toEqual([0, MOST_HANDED + 1]);
    await handOff.emptied();
  });

  it('are waited for by whoever closes', async () => {
    const held = heldHandler();
    const handOff = new HandOff(held.handle);
    await handOff.emptied();
    handOff.try(request, () => {});
    let emptied = false;
    const waiting = handOff.emptied().then(() => {
      emptied = true;
    });
    await Promise.resolve();
    expect(emptied).toBe(false);
    await held.answer(undefined);
    await waiting;
  });
});
