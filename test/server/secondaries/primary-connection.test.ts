import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { PrimaryConnection } from '../../../src/server/secondaries/primary-connection.js';
import { FakeClock } from '../../support/clock.js';

/** A connection to a primary that the test plays. */
function connected() {
  const clock = new FakeClock();
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const said: string[] = [];
  const closed = (): void => void said.push('closed');
  const options = { clock, place: 'primary', isEncrypted: false, idleTimeout: 60, timeout: 7200, closed };
  const connection = new PrimaryConnection(socket, options);
  const ask = (name: string, isTransfer = false): number => {
    const id = connection.freeId() ?? -1;
    const message = Buffer.alloc(12);
    message.writeUInt16BE(id);
    connection.ask(id, message, {
      isTransfer,
      take: () => {
        said.push(`${name} answered`);
        return !isTransfer;
      },
      failed: ({ message: reason }) => void said.push(`${name} failed: ${reason}`),
    });
    return id;
  };
  const answer = (id: number): void => {
    const framed = Buffer.alloc(14);
    framed[1] = 12;
    framed.writeUInt16BE(id, 2);
    socket.emit('data', framed);
  };
  return { clock, connection, said, ask, answer };
}

describe('a question to a primary', () => {
  it('is given up when it alone gets no answer, and an answer that comes all the same is passed over', () => {
    const { clock, connection, said, ask, answer } = connected();
    const forgotten = ask('forgotten');
    for (let i = 0; i < 6; i++) {
      clock.advance(10_000);
      answer(ask('other'));
    }
    const failures = said.filter((line) => line.includes('failed'));
    expect(failures).toEqual(['forgotten failed: primary: no answer came for 60 s, although others came']);
    answer(forgotten);
    answer(ask('next'));
    expect([connection.isOpen, connection.pending, said.at(-1)]).toEqual([true, 0, 'next answered']);
  });

  it('waits behind a transfer for as long as that goes on', () => {
    const { clock, said, ask, answer } = connected();
    const transfer = ask('transfer', true);
    const behind = ask('behind');
    for (let i = 0; i < 30; i++) {
      clock.advance(10_000);
      answer(transfer);
    }
    answer(behind);
    expect(said.at(-1)).toBe('behind answered');
    expect(said.some((line) => line.includes('failed'))).toBe(false);
  });

  it('fails with all others when nothing comes', () => {
    const { clock, said, ask } = connected();
    ask('one');
    ask('two');
    clock.advance(61_000);
    expect(said).toEqual([
      'closed',
      'one failed: primary: no message came for 60 s',
      'two failed: primary: no message came for 60 s',
    ]);
  });
});
