/** Has the threads match requests against the addresses that remotes have now (remote-hosts.ts). */
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';

interface MatchingParts {
  /** As of the data plane. */
  readonly configure: (config: Config) => Promise<boolean>;
  readonly remotes: { matching(config: Config): Config; onChanged(listener: () => void): void };
  readonly log: Pick<Log, 'error'>;
}

/** Configures the threads from now on: one change after the other, so that the last one stays. `config`: in force now. */
export function matchingPlane(config: Config, { configure, remotes, log }: MatchingParts): MatchingParts['configure'] {
  let running = config;
  let queue: Promise<unknown> = Promise.resolve();
  const next = <T>(step: () => Promise<T>): Promise<T> => {
    const done = queue.then(step);
    queue = done.catch(() => {});
    return done;
  };
  const match = (): void => {
    next(() => configure(remotes.matching(running))).catch((error: unknown) =>
      log.error({ err: error }, `the threads do not know the addresses of remotes: ${messageOf(error)}`),
    );
  };
  remotes.onChanged(match);
  // Addresses may have been found before.
  if (remotes.matching(config) !== config) match();
  return (wanted) =>
    next(async () => {
      const isChanged = await configure(remotes.matching(wanted));
      running = wanted;
      return isChanged;
    });
}
