/** Collects garbage on demand, so that what memory is left can be compared. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Several times: what finalizers let go is garbage only afterwards. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    collect();
    await nextTurn();
  }
}
