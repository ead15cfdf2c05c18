/** Asks the resolvers for DSYNC records, of which node:dns knows nothing. */
import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { isIP } from 'node:net';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { nameToText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import { type DsyncAnswer, dsyncQuestion, readDsyncAnswer } from '../../transfer/notify/dsync.js';
import type { NotifySockets } from './notify-sockets.js';

const ID_LIMIT = 65_536;
const DNS = 53;
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
        return await ask(server, name, sockets, clock);
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        reasons.push(`${server}: ${error.message}`);
      }
    }
    const reason = reasons.join('; ') || 'the system names no resolver';
    throw new AdotdError(ErrorCode.TRANSFER, `found no answer for DSYNC records of ${nameToText(name)}: ${reason}`);
  };
}

function ask(server: string, name: Uint8Array, sockets: NotifySockets, clock: Clock): Promise<DsyncAnswer> {
  const id = randomInt(ID_LIMIT);
  return new Promise((resolve, reject) => {
    const timer = clock.timer(() => {
      close();
      fail(`no answer came within ${PATIENCE / 1000} s`);
    });
    const fail = (reason: string): void => {
      timer.clear();
      reject(new AdotdError(ErrorCode.TRANSFER, reason));
    };
    const close = sockets.sendOnStream(
      { ...placeOf(server), source: undefined, octets: dsyncQuestion(id, name) },
      (message) => {
        timer.clear();
        try {
          resolve(readDsyncAnswer(message, id, name));
        } catch (error) {
          reject(error);
        }
      },
      (error) => fail(systemReason(error)),
    );
    timer.set(PATIENCE);
  });
}

/** Of an address with or without a port, as node:dns writes them: `192.0.2.53:5353`, `[2001:db8::53]:5353`. */
function placeOf(server: string): { readonly address: string; readonly port: number } {
  if (isIP(server) !== 0) return { address: server, port: DNS };
  const at = server.lastIndexOf(':');
  return { address: server.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(server.slice(at + 1)) };
}
