/** How long a session was idle: from its last message, whenever the probe begins to watch. Time is moved by hand. */
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import type { ProbeContext } from '../../../src/client/probe/probe-context.js';
import { idle, pipeline } from '../../../src/client/probe/session-probe.js';
import { ClientSession } from '../../../src/client/session/client-session.js';
import { FakeClock } from '../fake-clock.js';
import { answer, framed } from '../support.js';

const STEP = 2000;

/** A session with a server that answers so many queries, and the parts of a probe's context that its session needs. */
function scene(answers: number, idleMs = 3000) {
  const clock = new FakeClock();
  let left = answers;
  const socket: Duplex = new Duplex({
    read: () => {},
    write(octets: Buffer, _encoding, done) {
      if (left-- > 0) socket.push(framed(answer(octets.subarray(2), { ednsFlags: 0 })));
      done();
    },
  });
  const session = new ClientSession(socket, false, 'the server', { clock });
  const context: ProbeContext = {
    address: '192.0.2.53',
    port: 53,
    tlsPort: 853,
    name: undefined,
    stepMs: STEP,
    establishMs: STEP,
    idleMs,
    signal: new AbortController().signal,
    clock,
    question: { name: 'example.test', type: 6 },
  };
  return { clock, socket, session, context };
}

/** Lets callbacks run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('counts the wait for answers that do not come', async () => {
  const { clock, socket, session, context } = scene(2);
  const began = clock.now();
  const asked = pipeline(context, session);
  await turn();
  clock.advance(STEP);
  expect((await asked).report).toMatchObject({ asked: 8, answered: 2 });
  const watching = idle(context, session);
  clock.advance(3);
  socket.push(null);
  expect(await watching).toEqual({
    waited: 2003,
    since: new Date(began).toISOString(),
    until: new Date(began + 2003).toISOString(),
    closed: 'fin',
  });
});

it('ends when the server has closed, also if that was while the probe waited for answers', async () => {
  const { clock, socket, session, context } = scene(2);
  const asked = pipeline(context, session);
  await turn();
  clock.advance(1500);
  socket.push(null);
  await turn();
  clock.advance(500);
  await asked;
  clock.advance(100);
  expect(await idle(context, session)).toMatchObject({ waited: 1500, closed: 'fin' });
});

it('is watched for the whole time from the last message on, no longer', async () => {
  const { clock, session, context } = scene(8, 3000);
  await pipeline(context, session);
  clock.advance(1000);
  const watching = idle(context, session);
  expect(clock.timers).toEqual([2000]);
  clock.advance(2000);
  expect(await watching).toMatchObject({ waited: 3000, closed: undefined });
  const again = idle(context, session);
  clock.advance(0);
  expect(await again).toMatchObject({ waited: 3000 });
});
