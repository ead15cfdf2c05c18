/** What one query teaches about the encrypted transports of its server, also when it has been answered long since. */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { ClientError, ClientErrorCode } from '../errors.js';
import { isConclusive, isTransportFault } from './transport-plan.js';

export interface TransportStatus {
  /** An answer came, over this transport if it is an encrypted one. */
  answered(transport: EncryptedTransport | undefined): void;
  /** A session came about after the query had found another way. */
  opened(transport: EncryptedTransport): void;
  /** It brought no answer; `neverAnswered`: nor any to another query. */
  failed(transport: EncryptedTransport, error: ClientError, neverAnswered: boolean): void;
}

export function createTransportStatus(
  capabilities: CapabilityCache,
  key: (transport: EncryptedTransport) => CapabilityKey,
): TransportStatus {
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
    failed(transport, { code }, neverAnswered) {
      if (!neverAnswered || !isTransportFault(code)) return;
      if (somebodyThere || isConclusive(code)) capabilities.failed(key(transport), code);
      else suspects.push([transport, code]);
    },
  };
}
