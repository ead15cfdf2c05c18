/** UPDATE as a part of a running server. */
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import type { KnownRemotes } from '../remotes.js';
import type { RequestHandlers } from '../requests.js';
import { type ChangedZones, UpdateHandler } from './update-handler.js';

interface UpdateParts {
  readonly keeper: ChangedZones;
  readonly log: Log;
  readonly remotes: KnownRemotes;
  /** The handler of UPDATE is entered here. */
  readonly requests: RequestHandlers;
}

interface Updates {
  configure(config: Config): void;
  close(): Promise<void>;
  /** Numbers of updates, by the RCODE of their answers; it goes on counting. */
  readonly counts: ReadonlyMap<number, number>;
}

/** Answers UPDATE as long as the policy of any zone lets somebody send it; else it gets NOTIMP. */
export function openUpdates(config: Config, { keeper, log, remotes, requests }: UpdateParts): Updates {
  const handler = new UpdateHandler(config, { keeper, log, remotes });
  const configure = (next: Config): void => {
    handler.configure(next);
    const isWanted = next.zones.policies.some(({ update }) => update.length > 0);
    requests.update = isWanted ? (request, begin) => handler.handle(request, begin) : undefined;
  };
  configure(config);
  return {
    configure,
    async close() {
      requests.update = undefined;
    },
    counts: handler.counts,
  };
}
