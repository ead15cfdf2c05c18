/** Notes, for one query, which transports of its server work or fail (RFC 9539 §4), also after its answer. */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { ClientError, ClientErrorCode } from '../errors.js';
import { isConclusive, isTransportFault, type TriedTransport } from './transport-plan.js';

/** The transports that are noted. Cleartext over TCP is the last resort of every query. */
type Noted = CapabilityKey['transport'];

export interface TransportStatus {
  /** An answer came over this transport. */
  answered(transport: TriedTransport): void;
  /** A session opened after the query had been sent over another transport. */
  opened(transport: EncryptedTransport): void;
  /** The transport brought no answer; `neverAnswered`: nor did it answer another query. */
  failed(transport: TriedTransport, error: ClientError, neverAnswered: boolean): void;
}

export function createTransportStatus(
  capabilities: CapabilityCache,
  key: (transport: Noted) => CapabilityKey,
): TransportStatus {
  const suspects: (readonly [Noted, ClientErrorCode])[] = [];
  let somebodyThere = false;
  /** The server is there, so that silence over the other transports is their failure. */
  const there = (): void => {
    somebodyThere = true;
    for (const [silent, code] of suspects.splice(0)) capabilities.failed(key(silent), code);
  };
  return {
    answered(transport) {
      if (transport !== 'tcp') capabilities.worked(key(transport));
      there();
    },
    opened: (transport) => capabilities.worked(key(transport)),
    failed(transport, error, neverAnswered) {
      const { code } = error;
      if (isConclusive(transport, error)) there();
      if (transport === 'tcp' || !neverAnswered || !isTransportFault(code)) return;
      if (somebodyThere) capabilities.failed(key(transport), code);
      else suspects.push([transport, code]);
    },
  };
}
