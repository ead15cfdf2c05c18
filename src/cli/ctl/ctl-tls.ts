/** `adotd ctl tls switch`: certificates whose keys wait are served now. */
import { Exit, UsageError } from '../arguments.js';
import type { ControlClient } from '../ctl-client.js';

/** `word`: the word behind `tls`. Fulfilled with the exit status: 1 if no key waits. */
export async function switchKeys(client: ControlClient, word: string | undefined, json: boolean): Promise<number> {
  if (word !== 'switch') throw new UsageError(`adotd ctl tls: found ${word}, expected switch`);
  const answer = (await client.json('POST', '/tls', { command: 'switch' })) as { pins: string[] };
  process.stdout.write(json ? `${JSON.stringify(answer, undefined, 2)}\n` : switchText(answer.pins));
  return answer.pins.length === 0 ? Exit.FAILED : Exit.OK;
}

function switchText(pins: readonly string[]): string {
  if (pins.length === 0) return 'no key waits: nothing has changed\n';
  return `served from now on: ${pins.join(', ')}\nresolvers that have the TLSA records of before refuse it until those have expired\n`;
}
