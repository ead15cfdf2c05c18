/** Asks the resolvers for DSYNC records, of which node:dns knows nothing. */
import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { AdotdError, ErrorCode } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import { type DsyncAnswer, readDsyncAnswer } from '../../transfer/notify/dsync.js';
import { resolverQuestion } from '../../transfer/resolver-message.js';
import type { NotifySockets } from './notify-sockets.js';
import { askOnStream } from './resolver-stream.js';

const ID_LIMIT = 65_536;
/** Milliseconds to wait for a resolver: it may have to walk from the root. A guess. */
const PATIENCE = 10_000;

/** Asks for the DSYNC records of a name; rejects with ADOTD_TRANSFER when no resolver has an answer. */
export type AskDsync = (name: Uint8Array) => Promise<DsyncAnswer>;

/**
 * Asks the resolvers with these addresses, one after the other; none: those of the system. Over TCP: nobody else can answer, nothing is
 * truncated, and so few questions need no better.
 */
export function dsyncResolver(addresses: readonly string[], sockets: NotifySockets, clock: Clock): AskDsync {
  return async (name) => {
    const servers = addresses.length > 0 ? addresses : getServers();
    const reasons: string[] = [];
    for (const server of servers) {
      try {
        const id = randomInt(ID_LIMIT);
        const octets = resolverQuestion(id, name, Type.DSYNC);
        const message = await askOnStream(server, octets, { sockets, clock, patience: PATIENCE });
        return readDsyncAnswer(message, id, name);
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        reasons.push(`${server}: ${error.message}`);
      }
    }
    const reason = reasons.join('; ') || 'the system names no resolver';
    throw new AdotdError(ErrorCode.TRANSFER, `found no answer for DSYNC records of ${nameToText(name)}: ${reason}`);
  };
}
