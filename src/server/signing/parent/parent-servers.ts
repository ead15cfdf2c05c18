/** Asks the servers of the parent zone for DS records. */
import { Type } from '../../../protocol/iana.js';
import { nameFromText } from '../../../protocol/name.js';
import { readDsAnswer } from '../../../transfer/in/ds-answer.js';
import type { RemoteServers } from '../remote-servers.js';

/** RDATA of the DS records that a server has; undefined: it did not answer, or not as a server of the parent zone does. */
export type DsAnswer = readonly Uint8Array[] | undefined;

/**
 * Asks all servers of the remotes for the DS records of a zone; one answer for each of their addresses. `failed` is told why a server has
 * given none. Never rejects.
 */
export type AskParent = (
  zone: string,
  remotes: readonly string[],
  failed: (reason: string) => void,
) => Promise<readonly DsAnswer[]>;

export function askParent(servers: RemoteServers): AskParent {
  return (zone, remotes, failed) =>
    servers.askAll(remotes, failed, (server) =>
      server.ask({ apex: nameFromText(zone), type: Type.DS }, false, (question, verifier) => ({
        take: (message, now) => readDsAnswer(message, question, verifier, now),
      })),
    );
}
