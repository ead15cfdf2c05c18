/** Requests that are handed off, in tests of those who hand them off. */
import type { HandedReply } from '../../src/answer/hand-off/handed-reply.js';
import type { HandedRequest, RequestHandler } from '../../src/answer/hand-off/handed-request.js';

/** A handler whose replies the test gives. */
export interface HeldHandler {
  readonly handle: RequestHandler;
  /** The requests that wait, oldest first. */
  readonly waiting: HandedRequest[];
  /** Answers the oldest request with its own octets, QR set; `rcode`: undefined gives no response. */
  answer(rcode?: number | undefined): Promise<void>;
}

export function heldHandler(): HeldHandler {
  const waiting: HandedRequest[] = [];
  const resolves: ((reply: HandedReply | undefined) => void)[] = [];
  return {
    waiting,
    handle: (request) =>
      new Promise((resolve) => {
        waiting.push(request);
        resolves.push(resolve);
      }),
    async answer(...given) {
      const [rcode] = given.length === 0 ? [0] : given;
      const request = waiting.shift();
      if (request === undefined) throw new Error('no request waits');
      resolves.shift()?.(rcode === undefined ? undefined : replyTo(request, rcode));
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

/** A reply without OPT and TSIG. */
export function replyTo({ octets }: HandedRequest, rcode = 0): HandedReply {
  const reply = Uint8Array.from(octets);
  reply[2]! |= 0x80;
  reply[3] = rcode;
  return { octets: reply, rcode, ede: -1, signed: 0 };
}
