/** Lets SIGUSR1 through where Node runs with `--disable-sigusr1`: with that flag, all threads block the signal, also for listeners. */
import { constants } from 'node:os';
import { libc } from '../../transport/libc.js';

/** Of sigprocmask(2), on Linux. */
const SIG_UNBLOCK = 1;
/** Octets of sigset_t. */
const SET_OCTETS = 128;

/** To be called in the main thread when it has a listener. Without koffi it does nothing. */
export function unblockUsr1(): void {
  const system = libc();
  if (typeof system === 'string') return;
  const set = new Uint8Array(SET_OCTETS);
  const bit = constants.signals.SIGUSR1 - 1;
  set[bit >> 3] = 1 << (bit & 7);
  system.pthread_sigmask(SIG_UNBLOCK, set, null);
}
