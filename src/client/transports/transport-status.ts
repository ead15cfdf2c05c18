/** What one query teaches about the encrypted transports of its server, also when it has been answered long since. */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { ClientError, ClientErrorCode } from '../errors.js';
import { blames, isTelling } from './transport-plan.js';

export interface Lessons {
  /** An answer came, over this transport if it is an encrypted one. */
  answered(transport: EncryptedTransport | undefined): void;
  /** A session came about after the query had found another way. */
  opened(transport: EncryptedTransport): void;
  /** It brought no answer; `barren`: nor any to another query. */
  failed(transport: EncryptedTransport, error: ClientError, barren: boolean): void;
}

export function createLessons(
  capabilities: CapabilityCache,
  key: (transport: EncryptedTransport) => CapabilityKey,
): Lessons {
  const suspects: (readonly [EncryptedTransport, ClientErrorCode])[] = [];
  let somebodyThere = false;
  return {
    answered(transport) {
      somebodyThere = true;
      if (transport !== undefined) capabilities.worked(key(transport));
      // Those that were silent have no such excuse as that nobody is there.
      for (const [silent, code] of suspects.splice(0)) capabilities.failed(key(silent), code);
    },
    opened: (transport) => capabilities.worked(key(transport)),
    failed(transport, { code }, barren) {
      if (!barren || !blames(code)) return;
      if (somebodyThere || isTelling(code)) capabilities.failed(key(transport), code);
      else suspects.push([transport, code]);
    },
  };
}
