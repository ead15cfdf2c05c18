/** Clients that run beside a test, until they end by themselves or are ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunningProgram {
  /** Fulfilled when it prints something. */
  readonly begun: Promise<unknown>;
  /** All its output, once it has ended. */
  readonly output: Promise<string>;
  /** The signal or status that it ended with, unless that is 0. */
  readonly failed: Promise<string | undefined>;
  /** Ends it as an operator does, so that it says what it has done. */
  end(): void;
}

export function startProgram(name: string, words: readonly string[]): RunningProgram {
  const child = spawn(name, words);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const closed = once(child, 'close');
  return {
    begun: once(child.stdout, 'data'),
    output: closed.then(() => output),
    failed: closed.then(([status, signal]) => (status === 0 ? undefined : `ended with ${signal ?? status}`)),
    end: () => void child.kill('SIGINT'),
  };
}
