/**
 * The upgrade of a TCP connection, as draft-ietf-dprive-start-tls-for-dns-01 asks of clients (§2.1.2, §2.1.3, §2.2).
 *
 * Not here: remembering servers that do not upgrade (capabilities.ts), and falling back to other transports (transport-plan.ts).
 */
import { Class, Type } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { EdnsFlag } from '../wire/edns.js';
import type { Query } from '../wire/message.js';
import type { AskOptions } from './ask-options.js';
import type { ClientSession } from './client-session.js';
import type { Reply } from './reply.js';

export interface UpgradeOptions {
  /** The first query, sent in plaintext with TO set. Default: the dummy query, which reveals nothing. */
  readonly first?: Query;
  /** If the server does not offer the upgrade: fail (the default), or go on in plaintext. */
  readonly withoutOffer?: 'fail' | 'plaintext';
}

/** STARTTLS/CH/TXT with RD=0 (§2.1.2). */
export const DUMMY_QUERY: Query = { name: 'STARTTLS', type: Type.TXT, class: Class.CH, recursion: false, edns: {} };

export interface Upgrade {
  /** Whether TO was set in the answer. If so, a handshake must follow at once. */
  readonly offered: boolean;
  /** The answer to the first query. */
  readonly reply: Reply;
}

/**
 * Sends the first query and waits for its answer; nothing else is sent before (§2.1.2). The content of the TXT record is not read
 * (§2.1.4.2: it MUST NOT be interpreted). Rejects with CLIENT_NO_UPGRADE, or with the error of the query.
 */
export async function requestUpgrade(
  session: ClientSession,
  options: UpgradeOptions,
  about: string,
  limits: Pick<AskOptions, 'timeoutMs' | 'signal'>,
): Promise<Upgrade> {
  const first = options.first ?? DUMMY_QUERY;
  const reply = await session.ask(first, { ...limits, ednsFlags: EdnsFlag.TO, step: 'upgrade', last: true });
  const offered = ((reply.message.edns?.flags ?? 0) & EdnsFlag.TO) !== 0;
  if (!offered && options.withoutOffer !== 'plaintext') {
    const why = reply.message.edns === undefined ? 'its answer has no EDNS' : 'TO is not set in its answer';
    throw new ClientError(ClientErrorCode.NO_UPGRADE, `${about}: the server does not offer STARTTLS: ${why}`, {
      step: 'upgrade',
    });
  }
  return { offered, reply };
}
