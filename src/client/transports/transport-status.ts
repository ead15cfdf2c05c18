/** Notes, for one query, which encrypted transports of its server work or fail (RFC 9539 §4), also after its answer. */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { ClientError, ClientErrorCode } from '../errors.js';
import { isConclusive, isTransportFault } from './transport-plan.js';

export interface TransportStatus {
  /** An answer came, over this transport; undefined: in cleartext. */
  answered(transport: EncryptedTransport | undefined): void;
  /** A session opened after the query had been sent over another transport. */
  opened(transport: EncryptedTransport): void;
  /** The transport brought no answer; `neverAnswered`: nor did it answer another query. */
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
      // The server is there, so that silence over the others is their failure.
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
