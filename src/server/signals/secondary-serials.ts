/** Asks the secondaries of a zone, those that NOTIFY goes to, which serial they have. */
import { isIP } from 'node:net';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { Type } from '../../protocol/iana.js';
import { nameFromText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import { readSoaAnswer } from '../../transfer/in/soa-answer.js';
import { notifyFacts } from '../../transfer/notify/notify-facts.js';
import type { NotifyTarget } from '../notify/notify-sender.js';
import { NotifyTargets } from '../notify/notify-targets.js';
import { placeOf } from '../secondaries/connect-primary.js';
import { elapsedTime } from '../secondaries/elapsed-time.js';
import { Primary, type Resolve } from '../secondaries/primary.js';
import type { TransferLimits } from '../secondaries/primary-settings.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { transferLimits } from '../secondaries/secondary-settings.js';

/** Seconds for an answer, and for a connection with all its answers. A guess. */
const IDLE = 10;
const TIMEOUT = 30;

/** The answer of one address of a secondary. */
export interface SecondaryAnswer {
  /** `second 192.0.2.1:53`. */
  readonly who: string;
  /** undefined: it gave no answer. */
  readonly serial: number | undefined;
  /** Why it gave none. */
  readonly reason: string | undefined;
}

export class SecondarySerials {
  readonly #clock: Clock;
  readonly #log: Log;
  #targets: NotifyTargets;
  #limits: TransferLimits;
  #resolve: Resolve;

  constructor(config: Config, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#targets = new NotifyTargets(config, log);
    this.#limits = limitsOf(config);
    this.#resolve = resolverOf(config.resolver);
  }

  configure(config: Config): void {
    this.#targets = new NotifyTargets(config, this.#log);
    this.#limits = limitsOf(config);
    this.#resolve = resolverOf(config.resolver);
  }

  /** Asks all addresses of all secondaries over TCP. `zone`: its key. None: it has no secondaries. Never rejects with an AdotdError. */
  async ask(zone: string, image: Uint8Array): Promise<readonly SecondaryAnswer[]> {
    const targets = this.#targets.of(zone, () => notifyFacts(image).nameservers);
    const answers = await Promise.all(targets.map((target) => this.#askTarget(zone, target)));
    return answers.flat();
  }

  async #askTarget(zone: string, target: NotifyTarget): Promise<readonly SecondaryAnswer[]> {
    const found = await Promise.all(
      target.hosts.map(async (host): Promise<readonly string[] | string> => {
        try {
          return isIP(host) !== 0 ? [host] : await this.#resolve(host);
        } catch (error) {
          return reasonOf(error);
        }
      }),
    );
    const failed = found.flatMap((one) => (typeof one === 'string' ? one : []));
    const addresses = [...new Set(found.flatMap((one) => (typeof one === 'string' ? [] : one)))];
    const others = addresses.filter((address) => !this.#targets.isOwn(address, target.port));
    const answers = await Promise.all(others.map((address) => this.#askAddress(zone, target, address)));
    return [...failed.map((reason) => ({ who: target.name, serial: undefined, reason })), ...answers];
  }

  async #askAddress(zone: string, target: NotifyTarget, address: string): Promise<SecondaryAnswer> {
    const { name, port, key, sources } = target;
    const who = `${name} ${placeOf(address, port)}`;
    const options = { clock: this.#clock, resolve: this.#resolve, elapsed: elapsedTime() };
    const server = new Primary(
      { name, addresses: [address], port, key, sources, tls: undefined },
      this.#limits,
      options,
    );
    try {
      const question = { apex: nameFromText(zone), type: Type.SOA };
      const { serial } = await server.ask(question, false, (asked, verifier) => ({
        take: (message, now) => readSoaAnswer(message, asked, verifier, now),
      }));
      return { who, serial, reason: undefined };
    } catch (error) {
      return { who, serial: undefined, reason: reasonOf(error) };
    } finally {
      server.close();
    }
  }
}

function limitsOf(config: Config): TransferLimits {
  return { ...transferLimits(config), maxPerPeer: 1, idleTimeout: IDLE, timeout: TIMEOUT };
}

/** Any other error is a fault of ours. */
function reasonOf(error: unknown): string {
  if (error instanceof AdotdError && error.code === ErrorCode.TRANSFER) return messageOf(error);
  throw error;
}
