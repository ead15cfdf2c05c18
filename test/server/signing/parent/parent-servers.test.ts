import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config/load.js';
import { silentLog } from '../../../../src/observe/log.js';
import { nameFromText } from '../../../../src/protocol/name.js';
import { type AskParent, askParent } from '../../../../src/server/signing/parent/parent-servers.js';
import { RemoteServers } from '../../../../src/server/signing/remote-servers.js';
import { systemClock } from '../../../../src/session/clock.js';
import { type MessageShape, messageOf } from '../../../transfer/in/transfer-messages.js';
import { type Asked, TestPrimary } from '../../secondaries/test-primary.js';

const [SOA, DS, NS] = [6, 43, 2];
const RDATA = Buffer.from('00010d0200112233', 'hex');

const record = (owner: string, type: number, rdata: Uint8Array): Uint8Array => {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([nameFromText(owner), fixed, rdata]);
};
const soaOf = (owner: string): Uint8Array => record(owner, SOA, Buffer.alloc(22));

/** A record that ends before its RDATA. */
const CUT_OFF = soaOf('test.').subarray(0, 12);

const one = new TestPrimary();
const other = new TestPrimary();
let servers: RemoteServers;
let ask: AskParent;
beforeAll(async () => {
  await one.listen();
  await other.listen();
  servers = new RemoteServers(
    parseConfig(
      `remotes:
  - { name: one, addresses: [127.0.0.1], port: ${one.port} }
  - { name: other, addresses: [127.0.0.1], port: ${other.port} }
`,
      'adotd.yaml',
    ),
    systemClock,
    silentLog,
  );
  ask = askParent(servers);
});
afterAll(async () => {
  servers.close();
  await one.close();
  await other.close();
});

/** What is found out when the server answers so. */
async function askOne(primary: TestPrimary, records: Uint8Array[], shape: MessageShape): Promise<unknown[]> {
  primary.instead = ({ id, name, type }: Asked) => ({
    messages: [messageOf(records, { id, name, question: type, ...shape })],
  });
  const failures: string[] = [];
  const answers = await ask('a.test.', ['one'], (reason) => failures.push(reason));
  return [answers.map((answer) => answer?.map((rdata) => Buffer.from(rdata).toString('hex'))), failures];
}

describe('the servers of a parent', () => {
  it('are asked for DS records over TCP, each of them', async () => {
    expect(await askOne(one, [record('A.test.', DS, RDATA)], {})).toEqual([[[RDATA.toString('hex')]], []]);
    expect(one.asked.at(-1)).toMatchObject({ name: 'a.test.', type: DS });
    other.instead = ({ id, name, type }) => ({
      messages: [messageOf([], { id, name, question: type, authority: [soaOf('test.')] })],
    });
    const answers = await ask('a.test.', ['one', 'other'], () => undefined);
    expect(answers.map((answer) => answer?.length)).toEqual([1, 0]);
  });

  it('deny them with no data or no name, from the parent side of the cut', async () => {
    expect(await askOne(one, [], { authority: [soaOf('TEST.')] })).toEqual([[[]], []]);
    expect(await askOne(one, [], { authority: [soaOf('.')], flags: 0x8403 })).toEqual([[[]], []]);
  });

  it.each([
    ['has the zone itself only', [], { authority: [soaOf('a.test.')] }, 'no SOA record of a zone above it'],
    ['has another zone', [], { authority: [soaOf('b.test.')] }, 'no SOA record of a zone above it'],
    ['says nothing', [], {}, 'no SOA record of a zone above it'],
    ['refers', [], { flags: 0x8000, authority: [record('a.test.', NS, Buffer.from([0]))] }, 'an answer without AA'],
    ['answers from a cache', [record('a.test.', DS, RDATA)], { flags: 0x8000 }, 'an answer without AA'],
    ['refuses', [], { flags: 0x8405 }, 'answered REFUSED'],
    ['fails', [], { flags: 0x8402 }, 'answered SERVFAIL'],
    ['has the DS records of another name', [record('b.test.', DS, RDATA)], {}, 'other records than DS of a.test.'],
    [
      'denies in a message with other records',
      [record('b.test.', DS, RDATA)],
      { authority: [soaOf('test.')] },
      'other records than DS of a.test.',
    ],
    ['denies in a message that is cut off', [], { authority: [soaOf('test.'), CUT_OFF] }, 'a malformed message'],
  ] as const)('have not answered when one %s', async (_, records, shape, reason) => {
    const [answers, failures] = await askOne(one, [...records], shape);
    expect(answers).toEqual([undefined]);
    expect(failures).toEqual([expect.stringContaining(reason)]);
    expect(String(failures)).toContain(`127.0.0.1:${one.port}: `);
  });

  it('have not answered when they cannot be reached, have no address, or are not configured', async () => {
    one.instead = () => ({ messages: [], close: true });
    const failures: string[] = [];
    const answers = await ask('a.test.', ['one', 'unknown'], (reason) => failures.push(reason));
    expect(answers).toEqual([undefined, undefined]);
    expect(failures).toHaveLength(2);
    expect(failures).toContain('the remote unknown is not configured');
  });
});
