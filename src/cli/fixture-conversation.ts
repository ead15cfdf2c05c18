/** Lines from an input, answered on an output, until one of them is closed. */
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type InputLine, InputLines } from './fixture-input.js';

/**
 * Octets that may wait to be worked on. Whoever sends more and does not read the replies is not read any further, and then the end of
 * the input is seen only when there is room again. A guess.
 */
const MAX_WAITING = 16 * 1024 * 1024;

export interface Conversation {
  /** The input has ended, whatever waits; nobody reads the output any more; or end() was called. */
  readonly over: boolean;
  /** The next line, once it is there; undefined: it is over. Between two lines everything else has its turn. */
  line(): Promise<InputLine | undefined>;
  /** Writes a line of JSON; what is undefined is null there. Fulfilled when the system has taken it, or when it is over. */
  say(value: object): Promise<void>;
  end(): void;
}

/** Reads from now on. An error of either side is the end; `detached`: only end() is. */
export function converse(input: Readable, output: Writable, detached = false): Conversation {
  const lines = new InputLines();
  /** Who waits for something that does not come any more when it is over. */
  const held = new Set<() => void>();
  let over = false;
  let wake = (): void => {};
  const until = (ready: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      if (over) return resolve();
      const done = (): void => {
        held.delete(done);
        resolve();
      };
      held.add(done);
      ready(done);
    });
  const end = (): void => {
    over = true;
    for (const done of held) done();
  };
  input.on('data', (chunk: Uint8Array) => {
    lines.push(chunk);
    if (lines.waiting > MAX_WAITING) input.pause();
    wake();
  });
  const closed = detached ? () => {} : end;
  for (const event of ['end', 'close', 'error']) input.on(event, closed);
  // EPIPE among them: nobody reads the replies any more.
  for (const event of ['close', 'error']) output.on(event, closed);
  return {
    get over() {
      return over;
    },
    async line() {
      await nextTurn();
      while (!over) {
        const line = lines.take();
        if (input.isPaused() && lines.waiting <= MAX_WAITING / 2) input.resume();
        if (line !== undefined) return line;
        await until((done) => {
          wake = done;
        });
      }
      return undefined;
    },
    async say(value) {
      const text = JSON.stringify(value, (_, field: unknown) => field ?? null);
      await until((done) => output.write(`${text}\n`, () => done()));
    },
    end,
  };
}
