/** Queries that were given up. Their answers may still come. */
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { ClientSession } from '../../../src/client/session/client-session.js';
import { FakeClock } from '../fake-clock.js';
import { answer, framed } from '../support.js';

/** As many as a session remembers: 1 ID in 16 is taken then. */
const GIVEN_UP = 4096;
/** If taken IDs were used again, these queries would meet none of them 1 time in 400,000. */
const MORE = 200;
const QUERY = { name: 'www.example.test', type: 1 };

it('keep their IDs, so that a late answer is not taken for that of another query', async () => {
  const clock = new FakeClock();
  const queries: Buffer[] = [];
  const socket = new Duplex({
    read: () => {},
    write(octets: Buffer, _encoding, done) {
      queries.push(octets.subarray(2));
      done();
    },
  });
  const session = new ClientSession(socket, false, 'the server', { clock });
  const late = Array.from({ length: GIVEN_UP }, () => session.ask(QUERY, { timeoutMs: 10 }).catch(({ code }) => code));
  clock.advance(10);
  expect(new Set(await Promise.all(late))).toEqual(new Set(['CLIENT_TIMED_OUT']));
  const given = new Set(queries.map((query) => query.readUInt16BE()));
  expect(given.size).toBe(GIVEN_UP);
  const asked = Array.from({ length: MORE }, () => session.ask(QUERY, { timeoutMs: 10 }));
  const wanted = queries.splice(GIVEN_UP);
  expect(wanted.filter((query) => given.has(query.readUInt16BE()))).toEqual([]);
  for (const query of [...queries.slice(0, 10), ...wanted]) socket.push(framed(answer(query)));
  const replies = await Promise.all(asked);
  expect(replies.map(({ message }) => message.id)).toEqual(wanted.map((query) => query.readUInt16BE()));
  expect(session.unexpected).toBe(0);
  session.destroy();
});
