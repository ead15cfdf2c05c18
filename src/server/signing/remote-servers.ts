/** The servers of remotes, which are asked about zones that are signed here: those of their parents, and of their other signers. */
import { isIP } from 'node:net';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import { placeOf } from '../secondaries/connect-primary.js';
import { elapsedTime } from '../secondaries/elapsed-time.js';
import { Primary, type Resolve } from '../secondaries/primary.js';
import type { PrimarySettings, TransferLimits } from '../secondaries/primary-settings.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { transferLimits } from '../secondaries/secondary-settings.js';
import { UsableRemotes } from '../secondaries/usable-remotes.js';

/** Seconds for an answer, and for a connection with all its answers. A guess. */
const IDLE = 10;
const TIMEOUT = 30;
/** Connections to one address. */
const CONNECTIONS = 1;

export class RemoteServers {
  readonly #clock: Clock;
  /** By remote and address. */
  readonly #servers = new Map<string, Primary>();
  readonly #usable: UsableRemotes;
  #remotes = new Map<string, PrimarySettings>();
  #limits: TransferLimits;
  #resolve: Resolve;

  constructor(config: Config, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#usable = new UsableRemotes(log, 'it is not asked about zones that are signed here');
    this.#limits = limitsOf(config);
    this.#resolve = resolverOf(config.resolver);
    this.configure(config);
  }

  /** Asks with other settings from now on. */
  configure(config: Config): void {
    this.close();
    this.#limits = limitsOf(config);
    this.#resolve = resolverOf(config.resolver);
    // All: a policy that is not in the configuration any more may still be in force for zones.
    const all = new Set(config.remotes.map(({ name }) => name));
    this.#remotes = new Map(this.#usable.configure(config, all).map((remote) => [remote.name, remote]));
  }

  /** Ends all questions. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  /** Has all servers of the remotes asked by `question`; one answer for each of their addresses. Never rejects. */
  async askAll<T>(
    remotes: readonly string[],
    failed: (reason: string) => void,
    question: (server: Primary) => Promise<T>,
  ): Promise<readonly (T | undefined)[]> {
    const answers = await Promise.all(remotes.map((name) => this.#askRemote(name, failed, question)));
    return answers.flat();
  }

  async #askRemote<T>(
    name: string,
    failed: (reason: string) => void,
    question: (server: Primary) => Promise<T>,
  ): Promise<readonly (T | undefined)[]> {
    const remote = this.#remotes.get(name);
    if (remote === undefined) {
      failed(`the remote ${name} is not configured`);
      return [undefined];
    }
    const addresses = await this.#addressesOf(remote, failed);
    const answers = addresses.map((address) =>
      address === undefined ? undefined : this.#askAddress(remote, address, failed, question),
    );
    return Promise.all(answers);
  }

  /** All addresses; undefined stands for those of a name that cannot be resolved. */
  async #addressesOf(
    { addresses }: PrimarySettings,
    failed: (reason: string) => void,
  ): Promise<readonly (string | undefined)[]> {
    const found = await Promise.all(
      addresses.map(async (one) => {
        if (isIP(one) !== 0) return [one];
        try {
          return await this.#resolve(one);
        } catch (error) {
          failed(reasonOf(error));
          return [undefined];
        }
      }),
    );
    return [...new Set(found.flat())];
  }

  async #askAddress<T>(
    remote: PrimarySettings,
    address: string,
    failed: (reason: string) => void,
    question: (server: Primary) => Promise<T>,
  ): Promise<T | undefined> {
    const place = placeOf(address, remote.port);
    try {
      return await question(this.#serverAt(remote, address));
    } catch (error) {
      const reason = reasonOf(error);
      failed(reason.startsWith(place) ? reason : `${place}: ${reason}`);
      return undefined;
    }
  }

  #serverAt(remote: PrimarySettings, address: string): Primary {
    const key = `${remote.name} ${address}`;
    let server = this.#servers.get(key);
    if (server === undefined) {
      const options = { clock: this.#clock, resolve: this.#resolve, elapsed: elapsedTime() };
      server = new Primary({ ...remote, addresses: [address] }, this.#limits, options);
      this.#servers.set(key, server);
    }
    return server;
  }
}

function limitsOf(config: Config): TransferLimits {
  return { ...transferLimits(config), maxPerPeer: CONNECTIONS, idleTimeout: IDLE, timeout: TIMEOUT };
}

/** Any other error is a fault of ours. */
function reasonOf(error: unknown): string {
  if (error instanceof AdotdError && error.code === ErrorCode.TRANSFER) return error.message;
  throw error;
}
