/** A primary: its addresses, its connections, and the questions that wait for one. All secondary zones of a remote share it. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { AdotdError } from '../../errors.js';
import { Rcode } from '../../protocol/iana.js';
import { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import type { Clock } from '../../session/clock.js';
import { PrimaryRest } from '../../transfer/in/primary-rest.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import { type TransferQuestion, writeQuestion } from '../../transfer/in/transfer-question.js';
import { connectPrimary, placeOf } from './connect-primary.js';
import { PrimaryConnection } from './primary-connection.js';
import type { PrimarySettings, TransferLimits } from './primary-settings.js';

/** Asks for the addresses of a host name; rejects when there are none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** Reads the messages of an answer. */
interface AnswerReader<T> {
  /** Returns the content of the answer when the message was its last one. Throws TransferError. `now`: seconds since 1970. */
  take(message: Uint8Array, now: number): T | undefined;
}

export interface PrimaryOptions {
  readonly clock: Clock;
  readonly resolve: Resolve;
  /** Seconds on the clock of refreshes. */
  readonly elapsed: () => number;
}

/** A question that has no connection yet. */
interface Waiting {
  start(connection: PrimaryConnection, id: number): void;
  failed(error: TransferError): void;
}

/** Transfers that wait on one connection: enough that a primary far away is never idle. A guess. */
const TRANSFERS_IN_LINE = 4;
/** Questions for SOA records on one connection. A guess. */
const QUESTIONS_IN_LINE = 32;
/** Times that a question is sent, at most: a connection may be closed at any moment while nothing is asked. */
const TRIES = 2;

export class Primary {
  readonly rest = new PrimaryRest();
  readonly #options: PrimaryOptions;
  #settings: PrimarySettings;
  #limits: TransferLimits;
  #connections: PrimaryConnection[] = [];
  /** Connections with settings of before that finish a transfer. */
  #former: PrimaryConnection[] = [];
  /** Goes up when the settings change: a connection that was being opened then is not wanted any more. */
  #epoch = 0;
  #waiting: Waiting[] = [];
  #opening = 0;
  /** The address that was reached last: tried first. */
  #reached: string | undefined;
  /** It refused questions with EDNS. */
  #isWithoutEdns = false;
  #isClosed = false;

  constructor(settings: PrimarySettings, limits: TransferLimits, options: PrimaryOptions) {
    this.#settings = settings;
    this.#limits = limits;
    this.#options = options;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.length;
  }

  /**
   * Takes over settings. If they differ from those of before, the primary is tried at once, waiting questions are asked with them, and a
   * connection that is receiving a transfer only finishes it. Returns whether they differ.
   */
  configure(settings: PrimarySettings, limits: TransferLimits): boolean {
    this.#limits = limits;
    if (isDeepStrictEqual(settings, this.#settings)) return false;
    this.#settings = settings;
    this.#isWithoutEdns = false;
    this.#reached = undefined;
    this.#epoch++;
    this.#opening = 0;
    this.rest.reached();
    const [former, idle] = [this.#connections, this.#connections.filter(({ isReceiving }) => !isReceiving)];
    this.#connections = [];
    this.#former.push(...former);
    for (const connection of idle) connection.close();
    this.#next();
    return true;
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections, ...this.#former]) connection.close();
    this.#fail(new TransferError(TransferFault.CONNECTION, 'the server ends'));
  }

  /**
   * Asks, and gives the messages of the answer to a reader; `readerOf` gets the verifier of their TSIG records. Rejects with a
   * TransferError that names the address.
   */
  async ask<T>(
    question: Omit<TransferQuestion, 'id'>,
    isTransfer: boolean,
    readerOf: (question: TransferQuestion, verifier: StreamVerifier | undefined) => AnswerReader<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const edns = !this.#isWithoutEdns;
      try {
        const answer = await this.#once(question, isTransfer, edns, readerOf);
        this.rest.reached();
        return answer;
      } catch (error) {
        if (!(error instanceof TransferError) || tries === TRIES || this.#isClosed) throw error;
        // Servers older than EDNS answer so (RFC 6891 §7).
        const isForEdns = edns && (error.rcode === Rcode.FORMERR || error.rcode === Rcode.NOTIMP);
        if (isForEdns) this.#isWithoutEdns = true;
        else if (!(error instanceof ClosedError)) throw error;
      }
    }
  }

  /** Asks on one connection. */
  #once<T>(
    question: Omit<TransferQuestion, 'id'>,
    isTransfer: boolean,
    edns: boolean,
    readerOf: (question: TransferQuestion, verifier: StreamVerifier | undefined) => AnswerReader<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    return new Promise<T>((resolve, reject) => {
      const start = (connection: PrimaryConnection, id: number): void => {
        const { key, tls } = this.#settings;
        const asked = { ...question, id };
        const { message, mac } = writeQuestion(asked, {
          key,
          now: clock.seconds(),
          edns,
          isEncrypted: tls !== undefined,
        });
        const reader = readerOf(asked, key && mac && new StreamVerifier(key, mac));
        const isUsed = connection.answered > 0;
        let hasBegun = false;
        connection.ask(id, message, {
          isTransfer,
          take: (octets) => {
            hasBegun = true;
            const answer = reader.take(octets, clock.seconds());
            if (answer === undefined) return false;
            resolve(answer);
            // Waiting questions may go out once the connection counts this answer as complete.
            queueMicrotask(() => this.#next());
            return true;
          },
          failed: (error) => {
            const isStale = isUsed && !hasBegun && error.fault === TransferFault.CONNECTION;
            reject(isStale ? new ClosedError(error) : error);
            queueMicrotask(() => this.#next());
          },
        });
      };
      this.#waiting.push({ start, failed: reject });
      this.#next();
    });
  }

  /** Gives waiting questions to connections that have room, and opens one where that is worth it. */
  #next(): void {
    this.#waiting = this.#waiting.filter((waiting) => !this.#place(waiting));
    if (this.#waiting.length === 0 || this.#isClosed) return;
    if (this.#connections.length + this.#opening < this.#limits.maxPerPeer && this.#opening === 0) void this.#open();
  }

  #place(waiting: Waiting): boolean {
    const isFull = this.#connections.length + this.#opening >= this.#limits.maxPerPeer;
    const connection = this.#connections
      .filter((one) => one.isOpen && hasRoom(one, isFull))
      .sort((a, b) => a.transfers - b.transfers || a.pending - b.pending)[0];
    const id = connection?.freeId();
    if (connection === undefined || id === undefined) return false;
    waiting.start(connection, id);
    return true;
  }

  async #open(): Promise<void> {
    const epoch = this.#epoch;
    this.#opening++;
    try {
      const connection = await this.#connect(() => epoch !== this.#epoch);
      if (epoch !== this.#epoch) return;
      this.#opening--;
      if (this.#isClosed) connection?.close();
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      if (epoch !== this.#epoch) return;
      this.#opening--;
      // Others may go on: a primary that has enough connections refuses further ones.
      if (this.#connections.length > 0) return;
      this.rest.failed(this.#options.elapsed());
      this.#fail(error);
      return;
    }
    this.#next();
  }

  /** Tries the addresses in order, the one that was reached last before the others. undefined: the connection is not wanted any more. */
  async #connect(isObsolete: () => boolean): Promise<PrimaryConnection | undefined> {
    const settings = this.#settings;
    const { clock } = this.#options;
    const { idleTimeout, timeout } = this.#limits;
    const failures: string[] = [];
    for (const address of await this.#addresses(failures)) {
      if (isObsolete()) return undefined;
      try {
        const socket = await connectPrimary(settings, address, clock);
        if (isObsolete()) {
          socket.destroy();
          return undefined;
        }
        this.#reached = address;
        const connection = new PrimaryConnection(socket, {
          clock,
          place: placeOf(address, settings.port),
          isEncrypted: settings.tls !== undefined,
          idleTimeout,
          timeout,
          closed: (ended) => this.#ended(ended),
        });
        this.#connections.push(connection);
        return connection;
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        failures.push(error.message);
      }
    }
    throw new TransferError(TransferFault.CONNECTION, failures.join('; ') || 'the remote has no address');
  }

  #ended(connection: PrimaryConnection): void {
    this.#connections = this.#connections.filter((one) => one !== connection);
    this.#former = this.#former.filter((one) => one !== connection);
    queueMicrotask(() => this.#next());
  }

  async #addresses(failures: string[]): Promise<readonly string[]> {
    const addresses: string[] = [];
    for (const one of this.#settings.addresses) {
      if (isIP(one) !== 0) {
        addresses.push(one);
        continue;
      }
      try {
        addresses.push(...(await this.#options.resolve(one)));
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        failures.push(error.message);
      }
    }
    const reached = addresses.filter((address) => address === this.#reached);
    return [...new Set([...reached, ...addresses])];
  }

  #fail(error: TransferError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.failed(error);
  }
}

/** The primary closed a connection that it had kept open, before it answered. */
class ClosedError extends TransferError {
  constructor({ fault, message, rcode }: TransferError) {
    super(fault, message, rcode);
  }
}

/** Whether a connection takes one more question. `isFull`: no further connection may be opened. */
function hasRoom({ transfers, pending }: PrimaryConnection, isFull: boolean): boolean {
  return pending < QUESTIONS_IN_LINE && transfers < (isFull ? TRANSFERS_IN_LINE : 1);
}
