/** The calls between the control thread and the transfer thread, and their replies, as messages. */
import type { MessagePort, Worker } from 'node:worker_threads';
import { AdotdError, type ErrorCode, messageOf } from '../../errors.js';
import type { RefreshFacts } from '../../transfer/in/zone-refresh.js';
import type { LogLevel, ReceivedVersion, SecondarySettings } from './secondary-host.js';

/** A call of the control thread to the service. */
export type ServiceCall =
  | { readonly call: 'configure'; readonly settings: SecondarySettings }
  | { readonly call: 'notify'; readonly zone: string; readonly primary: string; readonly serial: number | undefined }
  | { readonly call: 'transfer'; readonly zone: string; readonly isFull: boolean }
  | { readonly call: 'status'; readonly zone: string }
  | { readonly call: 'counts' }
  | { readonly call: 'close' };

/** A call of the service to the control thread. */
export type HostCall =
  | { readonly call: 'image'; readonly zone: string }
  | { readonly call: 'adopt'; readonly zone: string; readonly version: ReceivedVersion }
  | { readonly call: 'confirm'; readonly zone: string; readonly facts: RefreshFacts }
  | { readonly call: 'expire'; readonly zone: string }
  | { readonly call: 'renew'; readonly zone: string }
  | { readonly call: 'log'; readonly level: LogLevel; readonly fields: object; readonly text: string };

interface Reply {
  readonly reply: number;
  readonly value?: unknown;
  readonly error?: { readonly code: ErrorCode | undefined; readonly message: string };
}

type Message<C> = Reply | { readonly id: number; readonly order: C };

/** The end of a channel: of a thread, or its parent. */
type Channel = Pick<Worker, 'postMessage' | 'on'> | Pick<MessagePort, 'postMessage' | 'on'>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Sends calls over a channel, and answers those that come. */
export class Calls<Sent, Got> {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(channel: Channel, answer: (order: Got) => Promise<unknown>) {
    this.#channel = channel;
    channel.on('message', (message: Message<Got>) => {
      if ('reply' in message) this.#replied(message);
      else void this.#answer(message.id, answer(message.order));
    });
  }

  /** Fulfilled with the reply of the other side; rejects with its error. */
  send(order: Sent): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#channel.postMessage({ id, order });
    });
  }

  /** The other side is gone: nothing will be answered. */
  fail(error: Error): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  #replied({ reply, value, error }: Reply): void {
    const waiting = this.#waiting.get(reply);
    this.#waiting.delete(reply);
    if (error === undefined) waiting?.resolve(value);
    else
      waiting?.reject(error.code === undefined ? new Error(error.message) : new AdotdError(error.code, error.message));
  }

  async #answer(id: number, answer: Promise<unknown>): Promise<void> {
    let reply: Reply;
    try {
      reply = { reply: id, value: await answer };
    } catch (error) {
      const code = error instanceof AdotdError ? error.code : undefined;
      reply = { reply: id, error: { code, message: messageOf(error) } };
    }
    this.#channel.postMessage(reply);
  }
}
