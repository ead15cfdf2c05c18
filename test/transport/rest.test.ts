import { describe, expect, it } from 'vitest';
import { createRest, leaveResting, lookAgain } from '../../src/transport/rest.js';
import { RESTING, threadWords, UNWATCHED } from '../../src/transport/thread-words.js';

function bench() {
  const words = threadWords();
  const calls = { awake: 0 };
  return { words, calls, rest: createRest(words, () => void calls.awake++) };
}

describe('the rest of a thread', () => {
  it('is seen by who controls it', () => {
    const { words, rest } = bench();
    rest.begin();
    expect(words[RESTING]).toBe(1);
    rest.end();
    expect(words[RESTING]).toBe(0);
  });

  it('ends in silence while somebody looks', () => {
    const { rest, calls } = bench();
    rest.begin();
    rest.end();
    expect(calls.awake).toBe(0);
  });

  it('is left alone, and its end is told once', () => {
    const { words, rest, calls } = bench();
    rest.begin();
    expect(leaveResting(words)).toBe(true);
    for (let i = 0; i < 3; i++) {
      rest.end();
      rest.begin();
    }
    expect(calls.awake).toBe(1);
    expect(words[UNWATCHED]).toBe(0);
  });

  it('is told by nobody when it is looked at again', () => {
    const { words, rest, calls } = bench();
    rest.begin();
    leaveResting(words);
    lookAgain(words);
    rest.end();
    expect(calls.awake).toBe(0);
  });

  it('that is over is not left alone', () => {
    const { words, rest, calls } = bench();
    rest.begin();
    rest.end();
    expect(leaveResting(words)).toBe(false);
    rest.end();
    expect(calls.awake).toBe(0);
  });

  it('is missed by nobody when its end and the last look coincide, whichever comes first', () => {
    for (let between = 0; between < 2; between++) {
      const { words, rest, calls } = bench();
      rest.begin();
      // The other side acts between the two steps of the one.
      const store = Atomics.store;
      let steps = 0;
      const looking: boolean[] = [];
      Atomics.store = ((array: Int32Array, index: number, value: number) => {
        const stored = store(array, index, value);
        if (index === (between === 0 ? RESTING : UNWATCHED) && steps++ === 0) {
          if (between === 0) looking.push(!leaveResting(words));
          else rest.end();
        }
        return stored;
      }) as typeof Atomics.store;
      try {
        if (between === 0) rest.end();
        else looking.push(!leaveResting(words));
      } finally {
        Atomics.store = store;
      }
      expect(looking[0] === true || calls.awake === 1).toBe(true);
    }
  });
});
