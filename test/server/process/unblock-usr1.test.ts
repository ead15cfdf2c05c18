import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { unblockUsr1 } from '../../../src/server/process/unblock-usr1.js';
import { libc } from '../../../src/transport/libc.js';

/** Of sigprocmask(2). */
const SIG_BLOCK = 0;
/** SIGUSR1 is 10: bit 9. */
const USR1 = 0x200n;

const blocked = (): boolean => {
  const mask = /^SigBlk:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1] ?? '';
  return (BigInt(`0x${mask}`) & USR1) !== 0n;
};

it('lets SIGUSR1 through that Node has blocked', () => {
  const system = libc();
  if (typeof system === 'string') throw new Error(system);
  const set = new Uint8Array(128);
  set[1] = 2;
  expect(system.pthread_sigmask(SIG_BLOCK, set, null)).toBe(0);
  expect(blocked()).toBe(true);
  unblockUsr1();
  expect(blocked()).toBe(false);
});
