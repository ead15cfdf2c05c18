import { describe, expect, it } from 'vitest';
import { createCapabilityCache, type EncryptedTransport } from '../../../src/client/capabilities/capabilities.js';
import { ClientError, ClientErrorCode } from '../../../src/client/errors.js';
import { createTransportStatus } from '../../../src/client/transports/transport-status.js';

const key = (transport: EncryptedTransport) => ({ transport, address: '192.0.2.53', port: 853 });

/** The status of TLS after this failure and an answer over STARTTLS. */
function afterwards(code: ClientErrorCode, neverAnswered = true): string | undefined {
  const cache = createCapabilityCache({ now: () => 0 });
  const status = createTransportStatus(cache, key);
  status.failed('tls', new ClientError(code, 'failed'), neverAnswered);
  status.answered('starttls');
  expect(cache.get(key('starttls'))?.status).toBe('works');
  return cache.get(key('tls'))?.status;
}

describe('a transport that brought no answer while another did', () => {
  it.each([
    ClientErrorCode.TIMED_OUT,
    ClientErrorCode.REFUSED,
    ClientErrorCode.RESET,
    ClientErrorCode.HANDSHAKE,
    ClientErrorCode.NO_UPGRADE,
  ])('fails, with %s', (code) => {
    expect(afterwards(code)).toBe('fails');
  });

  it.each([ClientErrorCode.CERTIFICATE, ClientErrorCode.ABORTED, ClientErrorCode.ENDED, ClientErrorCode.INPUT])(
    'is not blamed for %s',
    (code) => {
      expect(afterwards(code)).toBeUndefined();
    },
  );

  it('is not blamed if it has answered other queries', () => {
    expect(afterwards(ClientErrorCode.TIMED_OUT, false)).toBeUndefined();
  });
});
