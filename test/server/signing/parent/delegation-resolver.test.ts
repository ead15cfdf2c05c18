import { describe, expect, it } from 'vitest';
import { DelegationResolver, type ResolverSays } from '../../../../src/server/signing/parent/delegation-resolver.js';
import { FakeClock } from '../../../support/clock.js';
import { engineOf } from '../../../support/engine.js';
import { decodeMessage } from '../../../support/message.js';
import { nameFromText } from '../../../support/names.js';

const DS = `1 13 2 ${'AB'.repeat(32)}`;
const SOA = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.\n';
const ROOT_ZONE = `$ORIGIN .\n${SOA}signed 60 NS ns.other.\nsigned 60 DS ${DS}\n`;
const SIGNED = nameFromText('signed.');

type Way = 'tcp' | 'udp' | 'none' | 'refused';

/** Resolvers in memory, by address: over what they answer, and whether they have the root zone, or only names that are refused. */
function open(resolvers: Record<string, { way: Way; knows: 'all' | 'root' | 'nothing' }>) {
  const clock = new FakeClock();
  const all = engineOf([{ file: 'root.zone', text: ROOT_ZONE }]);
  const none = engineOf([{ file: 'own.zone', text: `$ORIGIN own.\n${SOA}` }]);
  const asked: string[] = [];
  let received: (message: Uint8Array, address: string, port: number) => void = () => undefined;
  const answer = (address: string, octets: Uint8Array): Uint8Array => {
    const { name } = decodeMessage(octets).question[0]!;
    const { knows } = resolvers[address]!;
    return (knows === 'all' || (knows === 'root' && name === '.') ? all : none).ask(octets, 'tcp')!;
  };
  const resolver = new DelegationResolver(Object.keys(resolvers), clock, (got) => {
    received = got;
    return {
      sendDatagram({ address, port, octets }) {
        asked.push(`udp ${address} ${decodeMessage(octets).question[0]!.name}`);
        const forged = Uint8Array.from(octets, (octet, i) => (i === 1 ? octet ^ 1 : i === 2 ? 0x81 : octet));
        if (resolvers[address]!.way === 'udp')
          queueMicrotask(() => {
            received(forged, address, port);
            received(answer(address, octets), '192.0.2.99', port);
            received(answer(address, octets), address, port);
          });
      },
      sendOnStream({ address, octets }, answered, failed) {
        asked.push(`tcp ${address} ${decodeMessage(octets).question[0]!.name}`);
        const { way } = resolvers[address]!;
        if (way === 'tcp') queueMicrotask(() => answered(answer(address, octets)));
        if (way === 'refused') queueMicrotask(() => failed(new Error('connection refused')));
        return () => undefined;
      },
      close: () => undefined,
    };
  });
  const ask = async (): Promise<ResolverSays> => {
    let says: ResolverSays | undefined;
    void resolver.ask(SIGNED).then((done) => {
      says = done;
    });
    for (let i = 0; says === undefined && i < 30; i++) {
      for (let turn = 0; turn < 40; turn++) await Promise.resolve();
      if (says === undefined) clock.advance(500);
    }
    return says!;
  };
  return { resolver, clock, asked, ask };
}

describe('resolvers that are asked for DS records', () => {
  it('are asked side by side: the first one that has an answer counts', async () => {
    const world = open({
      '192.0.2.1': { way: 'none', knows: 'all' },
      '192.0.2.2': { way: 'tcp', knows: 'nothing' },
      '192.0.2.3': { way: 'tcp', knows: 'all' },
    });
    const before = world.clock.now;
    expect(await world.ask()).toEqual({
      kind: 'answer',
      ds: [Uint8Array.from(Buffer.from(`00010d02${'ab'.repeat(32)}`, 'hex'))],
    });
    expect(world.clock.now).toBe(before);
    expect(world.asked).toEqual(['tcp 192.0.2.1 signed.', 'tcp 192.0.2.2 signed.', 'tcp 192.0.2.3 signed.']);
  });

  it('are asked over UDP where they do not answer over TCP, and only their own answers count', async () => {
    const world = open({ '192.0.2.1': { way: 'udp', knows: 'all' } });
    expect(await world.ask()).toMatchObject({ kind: 'answer' });
    expect(world.asked).toEqual(['tcp 192.0.2.1 signed.', 'udp 192.0.2.1 signed.']);
  });

  it('do not say it when they answer others, but not this name', async () => {
    const world = open({ '192.0.2.1': { way: 'tcp', knows: 'root' } });
    expect(await world.ask()).toEqual({
      kind: 'unclear',
      reason: '192.0.2.1: DS records of signed.: the resolver answered REFUSED',
    });
    expect(world.asked.at(-1)).toBe('tcp 192.0.2.1 .');
  });

  it.each([
    ['they know nothing of the root zone', { way: 'tcp', knows: 'nothing' }, 'the resolver answered REFUSED'],
    ['nothing listens there', { way: 'refused', knows: 'all' }, '192.0.2.1: connection refused'],
    ['they do not answer', { way: 'none', knows: 'all' }, '192.0.2.1: no answer came within 2 s'],
  ] as const)('are not there when %s', async (_, settings, reason) => {
    const world = open({ '192.0.2.1': settings });
    const before = world.clock.now;
    expect(await world.ask()).toEqual({ kind: 'silent', reason: expect.stringContaining(reason) });
    expect(world.clock.now - before).toBeLessThanOrEqual(8000);
  });

  it('are not asked for each zone while they are silent, and at once when others are configured', async () => {
    const world = open({ '192.0.2.1': { way: 'none', knows: 'all' } });
    await world.ask();
    const { length } = world.asked;
    expect(await world.ask()).toMatchObject({ kind: 'silent' });
    expect(world.asked).toHaveLength(length);
    world.clock.advance(5000);
    await world.ask();
    expect(world.asked).toHaveLength(2 * length);
    world.resolver.configure(['192.0.2.1']);
    await world.ask();
    expect(world.asked).toHaveLength(3 * length);
  });

  it('are waited for no longer when the server ends', async () => {
    const { resolver } = open({ '192.0.2.1': { way: 'none', knows: 'all' } });
    const asking = resolver.ask(SIGNED);
    resolver.close();
    expect(await asking).toEqual({ kind: 'unclear', reason: 'the server ends' });
  });
});
