/** Asks the servers of a parent, and notes what they say of the keys of a zone. */
import { parentSeen } from '../../../dnssec/rollover/events.js';
import type { Log } from '../../../observe/log.js';
import type { Clock } from '../../../session/clock.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import type { SigningZone } from '../signing-zone.js';
import { dnskeyOf } from '../stored-signing.js';
import { hasDs, lookOf, type ParentLook } from './parent-look.js';
import type { AskParent } from './parent-servers.js';

interface Asking {
  readonly ask: AskParent;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * `before`: the look before this one. That servers do not answer is said once, and once that they do again. Rejects with the errors of the
 * state.
 */
export async function lookAtParent(
  signing: SigningZone,
  before: ParentLook | undefined,
  { parent, rollover }: DnssecPolicy,
  { ask, clock, log }: Asking,
): Promise<ParentLook> {
  const { zone, apex } = signing;
  const failures: string[] = [];
  const answers = await ask(zone, parent, (reason) => failures.push(reason));
  const now = clock.seconds();
  const look = lookOf(answers, failures, now, before);
  const silentBefore = before?.silent ?? 0;
  if (look.silent > 0 && silentBefore === 0)
    log.warn(
      { zone },
      `${zone} waits for its parent, and not all of its servers say which DS records they have: ${look.text}`,
    );
  if (look.silent === 0 && silentBefore > 0)
    log.info({ zone }, `${zone}: all servers of its parent say again which DS records they have: ${look.text}`);
  await signing.change((kept) => {
    const seen = answers.map(
      (answer) =>
        answer && (({ id }: { readonly id: string }): boolean => hasDs(answer, dnskeyOf(kept.dnskeys, id), apex)),
    );
    return { ...kept, keys: parentSeen(kept.keys, now, seen, rollover.parentPropagation) };
  });
  return look;
}
