/**
 * Asks resolvers for the DS records of a zone whose parent is not configured: before the zone gets its first key, and to show people the
 * view of others. No state of a key moves by the answer.
 */
import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { AdotdError, ErrorCode, messageOf } from '../../../errors.js';
import { Type } from '../../../protocol/iana.js';
import { ROOT } from '../../../protocol/name.js';
import { readU16 } from '../../../protocol/octets.js';
import type { Clock } from '../../../session/clock.js';
import { readResolvedDs } from '../../../transfer/in/resolved-ds.js';
import { checkResolverAnswer, isTruncated, resolverQuestion } from '../../../transfer/resolver-message.js';
import { openNotifySockets } from '../../notify/notify-sockets.js';
import { askOnStream, placeOf } from '../../notify/resolver-stream.js';
import { Slots } from '../../secondaries/slots.js';

/** `unclear`: a resolver answers about the root zone, but none answers this question. `silent`: none answers about the root zone. */
export type ResolverSays =
  | { readonly kind: 'answer'; readonly ds: readonly Uint8Array[] }
  | { readonly kind: 'unclear' | 'silent'; readonly reason: string };

/** Asks for the DS records of a zone (wire format). Never rejects. */
export type AskResolver = (apex: Uint8Array) => Promise<ResolverSays>;

const ID_LIMIT = 65_536;
/** Milliseconds to wait for a resolver over TCP, and then over UDP if it has not answered. A guess: the name is often cached. */
const PATIENCE = 2000;
/** Questions at once. A guess, as that of LOOKUPS for DSYNC records: resolvers have other clients. */
const QUESTIONS = 16;
/** Milliseconds for which resolvers that were silent are not asked for another zone. */
const SILENCE = 5000;
const ANCOUNT = 6;

/** Checks a message with an id, and reads it; throws ADOTD_TRANSFER. */
type Read<T> = (message: Uint8Array, id: number) => T;

export class DelegationResolver {
  readonly #clock: Clock;
  readonly #sockets: ReturnType<typeof openNotifySockets>;
  readonly #slots = new Slots(QUESTIONS);
  /** The takers of awaited datagrams, by sender and id. */
  readonly #waiting = new Map<string, (message: Uint8Array) => void>();
  #addresses: readonly string[];
  #silence: { readonly until: number; readonly says: ResolverSays } | undefined;
  readonly #closed: Promise<ResolverSays>;
  #close: () => void = () => undefined;

  /** `addresses`: as `resolver` of the configuration has them; none: those of the system. */
  constructor(addresses: readonly string[], clock: Clock, sockets = openNotifySockets) {
    this.#addresses = addresses;
    this.#clock = clock;
    this.#closed = new Promise((resolve) => {
      this.#close = () => resolve({ kind: 'unclear', reason: 'the server ends' });
    });
    this.#sockets = sockets((message, address, port) => {
      if (message.length > 2) this.#waiting.get(`${address} ${port} ${readU16(message, 0)}`)?.(message);
    });
  }

  configure(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#silence = undefined;
  }

  /** Ends all questions. */
  close(): void {
    this.#close();
    this.#sockets.close();
  }

  readonly ask: AskResolver = async (apex) => {
    await this.#slots.take();
    try {
      const { until = 0, says = undefined } = this.#silence ?? {};
      if (says !== undefined && this.#clock.milliseconds() < until) return says;
      return await Promise.race([this.#askAll(apex), this.#closed]);
    } finally {
      this.#slots.free();
    }
  };

  async #askAll(apex: Uint8Array): Promise<ResolverSays> {
    const servers = this.#addresses.length > 0 ? this.#addresses : getServers();
    const answer = await this.#first(servers, apex, Type.DS, (message, id) => readResolvedDs(message, id, apex));
    if (!('reason' in answer)) return { kind: 'answer', ds: answer.found };
    const { reason } = answer;
    // A resolver with an answer for the root zone is there, and reaches the DNS: then only this name has no answer.
    const root = await this.#first(servers, ROOT, Type.NS, (message, id) => {
      checkResolverAnswer(message, id, 'the root zone');
      if (readU16(message, ANCOUNT) > 0) return true;
      throw new AdotdError(ErrorCode.TRANSFER, 'the root zone: found no NS record, expected some');
    });
    if (!('reason' in root)) return { kind: 'unclear', reason };
    const says: ResolverSays = { kind: 'silent', reason };
    this.#silence = { until: this.#clock.milliseconds() + SILENCE, says };
    return says;
  }

  /** Asks all side by side; the first one that has an answer counts. */
  async #first<T>(
    servers: readonly string[],
    name: Uint8Array,
    type: number,
    read: Read<T>,
  ): Promise<{ readonly found: T } | { readonly reason: string }> {
    const reasons: string[] = [];
    const asked = servers.map(async (server) => {
      try {
        return { found: await this.#askServer(server, name, type, read) };
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        reasons.push(`${server}: ${error.message}`);
        throw error;
      }
    });
    try {
      return await Promise.any(asked);
    } catch (error) {
      const unexpected =
        error instanceof AggregateError ? error.errors.find((one) => !(one instanceof AdotdError)) : error;
      if (unexpected !== undefined) throw unexpected;
      return { reason: reasons.join('; ') || 'the system names no resolver' };
    }
  }

  /** Asks over TCP, and over UDP if no answer comes: some servers do not answer over TCP. */
  async #askServer<T>(server: string, name: Uint8Array, type: number, read: Read<T>): Promise<T> {
    const id = randomInt(ID_LIMIT);
    const octets = resolverQuestion(id, name, type, { dnssec: true });
    const streams = { sockets: this.#sockets, clock: this.#clock, patience: PATIENCE };
    let message: Uint8Array;
    try {
      message = await askOnStream(server, octets, streams);
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      const datagram = await this.#askByDatagram(server, id, octets);
      if (datagram === undefined || isTruncated(datagram)) throw new AdotdError(ErrorCode.TRANSFER, messageOf(error));
      message = datagram;
    }
    return read(message, id);
  }

  #askByDatagram(server: string, id: number, octets: Uint8Array): Promise<Uint8Array | undefined> {
    const { address, port } = placeOf(server);
    const key = `${address} ${port} ${id}`;
    return new Promise((resolve) => {
      const done = (message?: Uint8Array): void => {
        timer.clear();
        this.#waiting.delete(key);
        resolve(message);
      };
      const timer = this.#clock.timer(() => done());
      this.#waiting.set(key, done);
      this.#sockets.sendDatagram({ address, port, source: undefined, octets }, () => done());
      timer.set(PATIENCE);
    });
  }
}
