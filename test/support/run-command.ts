import { vi } from 'vitest';
import { command } from '../../src/cli/command.js';
import type { Ran } from './cli.js';

/** Runs a command of `adotd` within this process, from its sources: that costs a tenth of a process. */
export async function runCommand(...words: readonly string[]): Promise<Ran> {
  const output = { stdout: '', stderr: '' };
  const listeners = process.stdout.listeners('error');
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    }),
  );
  try {
    return { status: await command(words), ...output };
  } finally {
    for (const spy of spies) spy.mockRestore();
    for (const listener of process.stdout.listeners('error')) {
      if (!listeners.includes(listener)) process.stdout.off('error', listener as () => void);
    }
  }
}
