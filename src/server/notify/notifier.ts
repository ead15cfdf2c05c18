/** Tells others of new versions of zones (NOTIFY, RFC 1996). */
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import type { NotifyCounts } from '../../observe/metrics/transfer-facts.js';
import { Type } from '../../protocol/iana.js';
import type { Clock } from '../../session/clock.js';
import { notifyFacts } from '../../transfer/notify/notify-facts.js';
import { notifyRequest } from '../../transfer/notify/notify-message.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { NotifySender } from './notify-sender.js';
import type { openNotifySockets } from './notify-sockets.js';
import { NotifyTargets } from './notify-targets.js';

interface NotifierParts {
  /** The version of a zone that is served now, by its key. */
  image(zone: string): Uint8Array | undefined;
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
  #resolve: ReturnType<typeof resolverOf>;

  constructor(config: Config, parts: NotifierParts) {
    const { image, clock, log, sockets, resolver = resolverOf } = parts;
    this.#parts = parts;
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
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

  configure(config: Config): void {
    const { log, resolver = resolverOf } = this.#parts;
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
  }

  /** A zone, by its key, has another serial: tells those that are to know. Returns how many. */
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
