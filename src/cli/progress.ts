/** Shows on a terminal how far loading is, if it takes longer than a second. */
import { isatty } from 'node:tty';

/** Milliseconds before the line appears. */
const DELAY = 1000;

const STANDARD_ERROR = { isTTY: isatty(2), write: (text: string) => process.stderr.write(text) };

interface Progress {
  show(done: number, all: number): void;
  /** Removes the line, if there is one. */
  clear(): void;
}

/** Progress on standard error; none if that is no terminal. `now` returns milliseconds. */
export function loadProgress(
  stream: { readonly isTTY: boolean; write(text: string): unknown } = STANDARD_ERROR,
  now: () => number = () => performance.now(),
): Progress {
  const began = now();
  let shown = false;
  return {
    show(done, all) {
      if (!stream.isTTY || now() - began < DELAY) return;
      shown = true;
      stream.write(`\rloading zones: ${done} of ${all}`);
    },
    clear() {
      if (shown) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}
