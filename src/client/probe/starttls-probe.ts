/** Which first queries a server upgrades (draft-ietf-dprive-start-tls-for-dns-01 §2.1.4), each tried on a fresh connection. */

import { Type } from '../../protocol/iana.js';
import { ClientErrorCode } from '../errors.js';
import type { Reply } from '../session/reply.js';
import { DUMMY_QUERY } from '../session/starttls.js';
import type { Query } from '../wire/message.js';
import { rcodeToText } from '../wire/mnemonics.js';
import { type Reach, reachStream, type StreamChannel } from './channel.js';
import { attempted, open, type ProbeContext } from './probe-context.js';
import type { StarttlsMode, UpgradeAttempt } from './probe-report.js';

/** The outcome of a first query; if it was upgraded, with the channel that begins with it. */
interface Tried {
  readonly attempt: UpgradeAttempt;
  readonly reach: Reach<StreamChannel>;
}

/** Sends `first` and upgrades. The upgrade counts once an answer has come inside TLS. */
async function tried(context: ProbeContext, first: Query): Promise<Tried> {
  const reach = await reachStream(context, 'starttls', first);
  if (!('failure' in reach)) {
    const reply = reach.open?.upgrade?.reply;
    return { attempt: { offered: true, ...described(reply), upgraded: true }, reach };
  }
  const { failure } = reach;
  if (failure.code !== ClientErrorCode.NO_UPGRADE) {
    // A failure in the handshake or later comes after the offer.
    const offered = failure.step === 'handshake' || reach.opened ? true : undefined;
    return { attempt: { offered, upgraded: false, failure }, reach };
  }
  // Once more, to see the answer without an offer.
  const plain = await attempted(open(context, 'starttls', { upgrade: { first, withoutOffer: 'plaintext' } }));
  if ('failure' in plain) return { attempt: { offered: false, upgraded: false }, reach };
  plain.value.session.destroy();
  const reply = plain.value.upgrade?.reply;
  return { attempt: { offered: false, ...described(reply), upgraded: false }, reach };
}

/** `reply`: the reply to the first query. */
function described(reply: Reply | undefined): Pick<UpgradeAttempt, 'rcode' | 'text'> {
  if (reply === undefined) return {};
  const { rcode, answers } = reply.message;
  return { rcode: rcodeToText(rcode), text: answers.find(({ type }) => type === Type.TXT)?.data };
}

interface StarttlsReach {
  readonly dummy: UpgradeAttempt;
  readonly query: UpgradeAttempt;
  /** Reaches the server with the dummy query, which reveals nothing, if that is upgraded. */
  readonly reach: Reach<StreamChannel>;
}

export async function reachStarttls(context: ProbeContext): Promise<StarttlsReach> {
  const [dummy, query] = await Promise.all([
    tried(context, DUMMY_QUERY),
    tried(context, { ...context.question, edns: {} }),
  ]);
  const better = dummy.attempt.upgraded || !query.attempt.upgraded ? dummy : query;
  const other = better === dummy ? query : dummy;
  if (!('failure' in other.reach)) other.reach.channel.destroy();
  return { dummy: dummy.attempt, query: query.attempt, reach: better.reach };
}

/** `tcpWorks`: whether a query without TO was answered over TCP. */
export function modeOf(dummy: UpgradeAttempt, query: UpgradeAttempt, tcpWorks: boolean): StarttlsMode {
  if (dummy.upgraded) return query.upgraded ? 'any' : 'dummy';
  if (query.upgraded) return 'query';
  if (dummy.offered || query.offered) return 'blocked';
  if (dummy.offered === false || query.offered === false) return 'off';
  return tcpWorks && isDropped(dummy) && isDropped(query) ? 'dropped' : 'unknown';
}

const NO_ANSWER: readonly (ClientErrorCode | undefined)[] = [
  ClientErrorCode.TIMED_OUT,
  ClientErrorCode.CLOSED,
  ClientErrorCode.RESET,
];

/** Whether the connection opened, and no answer to the first query came (the draft, §2.2, the third outcome). */
export function isDropped({ offered, failure }: UpgradeAttempt): boolean {
  return offered === undefined && failure?.step === 'upgrade' && NO_ANSWER.includes(failure.code);
}
