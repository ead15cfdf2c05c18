/** Tells others of new versions of zones (NOTIFY, RFC 1996). */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import type { NotifyCounts } from '../../observe/metrics/transfer-facts.js';
import { Type } from '../../protocol/iana.js';
import type { Clock } from '../../session/clock.js';
import { notifyFacts } from '../../transfer/notify/notify-facts.js';
import { notifyRequest } from '../../transfer/notify/notify-message.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { NotifySender, type NotifyTarget } from './notify-sender.js';
import type { openNotifySockets } from './notify-sockets.js';
import { NotifyTargets } from './notify-targets.js';

interface NotifierParts {
  /** The version of a zone that is served now, by its key. */
  image(zone: string): Uint8Array | undefined;
  /** The keys of all zones. */
  zones(): Iterable<string>;
  readonly clock: Clock;
  readonly log: Log;
  /** Others in tests. */
  readonly sockets?: typeof openNotifySockets;
  readonly resolver?: typeof resolverOf;
}

export class Notifier {
  readonly #parts: NotifierParts;
  readonly #sender: NotifySender;
  #targets: NotifyTargets;
  #resolvers: readonly string[];
  #resolve: ReturnType<typeof resolverOf>;

  constructor(config: Config, parts: NotifierParts) {
    const { image, clock, log, sockets, resolver = resolverOf } = parts;
    this.#parts = parts;
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
    this.#resolvers = config.resolver;
    this.#sender = new NotifySender({
      clock,
      log,
      sockets,
      what: 'NOTIFY',
      otherwise: 'it finds out after REFRESH',
      resolve: (host) => this.#resolve(host),
      isOwn: (address, port) => this.#targets.isOwn(address, port),
      request(zone, id, key) {
        const served = image(zone);
        if (served === undefined) return undefined;
        const { apex, soa } = notifyFacts(served);
        return notifyRequest(id, { zone: apex, type: Type.SOA, soa }, key, clock.seconds());
      },
    });
  }

  /** Follows a configuration. Targets that are new, or are to be reached in another way, are told at once of the present versions. */
  configure(config: Config): void {
    const { log, resolver = resolverOf, zones } = this.#parts;
    const before = this.#targets;
    const isOther = !isDeepStrictEqual(config.resolver, this.#resolvers);
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
    this.#resolvers = config.resolver;
    for (const zone of zones()) {
      const image = this.#parts.image(zone);
      if (image === undefined) continue;
      const nameservers = (): readonly string[] => notifyFacts(image).nameservers;
      const [were, are] = [before.of(zone, nameservers), this.#targets.of(zone, nameservers)];
      const changed = changedTargets(were, are, isOther);
      if (changed.length > 0 || were.length > are.length) this.#sender.tell(zone, serialOf(image), changed, are);
    }
  }

  /** Tells the targets of a zone, by its key, that it has another serial. Returns their number. */
  changed(zone: string, serial: number): number {
    const image = this.#parts.image(zone);
    if (image === undefined) return 0;
    const targets = this.#targets.of(zone, () => notifyFacts(image).nameservers);
    this.#sender.tell(zone, serial, targets);
    return targets.length;
  }

  /** Tells them again, on an operator's request; undefined: there is no such zone. */
  notify(zone: string): number | undefined {
    const image = this.#parts.image(zone);
    return image && this.changed(zone, serialOf(image));
  }

  get counts(): NotifyCounts {
    return this.#sender.counts;
  }

  async close(): Promise<void> {
    this.#sender.close();
  }
}

function serialOf(image: Uint8Array): number {
  const { apex, soa } = notifyFacts(image);
  return apex.length === 0 ? 0 : Buffer.from(soa).readUInt32BE(soa.length - 20);
}

/** The targets in `are` that are not in `were`, or are to be reached in another way. `isOther`: other resolvers look up names of hosts. */
function changedTargets(
  were: readonly NotifyTarget[],
  are: readonly NotifyTarget[],
  isOther: boolean,
): readonly NotifyTarget[] {
  const known = new Map(were.map((target) => [target.name, target]));
  return are.filter((target) => {
    const isNamed = target.hosts.some((host) => isIP(host) === 0);
    return (isOther && isNamed) || !isDeepStrictEqual(known.get(target.name), target);
  });
}
