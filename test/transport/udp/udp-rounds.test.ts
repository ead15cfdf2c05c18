import { describe, expect, it } from 'vitest';
import { BATCH, MSG_DONTWAIT, MSG_WAITFORONE } from '../../../src/transport/mmsg.js';
import { MESSAGES, threadWords } from '../../../src/transport/thread-words.js';
import { createRounds } from '../../../src/transport/udp/udp-rounds.js';

/** A call of an answerer (`wait`: receiving waits), or of sleep. */
type Call = 'sleep' | 'batch' | 'one' | 'batch, wait' | 'one, wait';

/** Datagrams that come to the sockets; all else is made up. */
function bench({ sockets = 1, canBlock = true } = {}) {
  const words = threadWords();
  const facts = { now: 100 };
  const calls: Call[] = [];
  const queues: number[] = new Array(sockets).fill(0);
  let ready: boolean[] = [];
  const state = {
    words,
    facts,
    calls,
    queues,
    /** Called by what waits and finds nothing: makes something come, or lets the event loop have work. */
    idle: (): void => {},
    eventLoop: false,
  };
  const look = (): boolean => {
    ready = [state.eventLoop, ...queues.map((queued) => queued > 0)];
    return ready.includes(true);
  };
  const answerers = queues.map((_, number) => ({
    answer(flags: number, most: number): number {
      if (flags !== MSG_DONTWAIT && flags !== MSG_WAITFORONE) throw new Error(`flags ${flags}`);
      const waits = flags === MSG_WAITFORONE;
      calls.push(`${most === 1 ? 'one' : 'batch'}${waits ? ', wait' : ''}`);
      if (waits && queues[number] === 0) state.idle();
      const taken = Math.min(most, queues[number] ?? 0);
      queues[number]! -= taken;
      return taken;
    },
  }));
  const serve = createRounds({
    answerers,
    facts,
    words,
    canBlock,
    sleep() {
      calls.push('sleep');
      if (!look()) state.idle();
      return look() ? 1 : 0;
    },
    wait: { poll: () => 0, found: (number) => ready[number] ?? false },
  });
  return { state, serve };
}

/** Lets so many queries come in one second, `together` at a time, and the second be over with the last of them. */
function second({ state, serve }: ReturnType<typeof bench>, queries: number, together = 1): void {
  let left = queries;
  const { now } = state.facts;
  state.idle = () => {
    state.queues[0] = Math.min(left, together);
    left -= together;
    if (left <= 0) state.facts.now = now + 1;
  };
  while (state.facts.now === now) serve();
  state.calls.length = 0;
  state.idle = () => {};
}

/** Runs while `queries` come one by one, and then none; returns the calls. */
function callsOf({ state, serve }: ReturnType<typeof bench>, queries: number): Call[] {
  state.calls.length = 0;
  let left = queries;
  state.idle = () => {
    if (left-- > 0) state.queues[0] = 1;
  };
  serve();
  return state.calls;
}

describe('the rounds of a UDP worker', () => {
  it('wait in poll while few queries come', () => {
    const one = bench();
    second(one, 400);
    expect(callsOf(one, 3)).toEqual(['batch', 'sleep', 'batch', 'sleep', 'batch', 'sleep', 'batch', 'sleep']);
  });

  it('wait by receiving, one at a time, while queries come often, and in poll as soon as none comes', () => {
    const one = bench();
    second(one, 1000);
    expect(callsOf(one, 3)).toEqual(['one, wait', 'one, wait', 'one, wait', 'one, wait', 'sleep']);
    expect(callsOf(one, 1)).toEqual(['batch', 'sleep', 'batch', 'sleep']);
    // In the next second, all is judged anew.
    second(one, 1000);
    expect(callsOf(one, 1)).toEqual(['one, wait', 'one, wait', 'sleep']);
    second(one, 10);
    expect(callsOf(one, 0)).toEqual(['batch', 'sleep']);
  });

  it('take batches when many queries come', () => {
    const one = bench();
    second(one, 20_000);
    expect(callsOf(one, 2)).toEqual(['batch, wait', 'batch, wait', 'batch, wait', 'sleep']);
  });

  it('find a backlog soon, and take batches at once', () => {
    const one = bench();
    second(one, 1000);
    one.state.queues[0] = 1000;
    one.serve();
    const singles = one.state.calls.filter((call) => call.startsWith('one')).length;
    expect(singles).toBeLessThan(16);
    expect(one.state.calls.filter((call) => call.startsWith('batch'))).toHaveLength(
      Math.ceil((1000 - singles) / BATCH) + 1,
    );
  });

  it('never wait by receiving where there are several sockets, or others have the socket', () => {
    for (const many of [bench({ sockets: 2, canBlock: false }), bench({ canBlock: false })]) {
      second(many, 5000);
      expect(callsOf(many, 5).filter((call) => call.includes('wait'))).toEqual([]);
    }
  });

  it('end when an order was posted, whichever way they wait', () => {
    for (const queries of [10, 1000, 20_000]) {
      const one = bench();
      second(one, queries);
      one.state.idle = () => {
        one.state.queues[0] = 1;
        Atomics.add(one.state.words, MESSAGES, 1);
      };
      one.serve();
      expect(one.state.calls.length).toBeLessThanOrEqual(3);
      expect(one.state.queues[0]).toBe(0);
    }
  });

  it('end when the event loop has work, or is due a turn', () => {
    const one = bench();
    one.state.eventLoop = true;
    one.serve();
    expect(one.state.calls).toEqual(['batch', 'sleep']);
    one.state.calls.length = 0;
    one.state.queues[0] = Number.POSITIVE_INFINITY;
    one.serve();
    expect(one.state.calls).toHaveLength(128);
  });

  it('answer only the sockets that poll has found, and all after a full batch', () => {
    const two = bench({ sockets: 2, canBlock: false });
    two.state.idle = () => {
      two.state.queues[1] = BATCH + 1;
      two.state.idle = () => {};
    };
    two.serve();
    expect(two.state.calls).toEqual(['batch', 'batch', 'sleep', 'batch', 'batch', 'batch', 'sleep']);
  });
});
