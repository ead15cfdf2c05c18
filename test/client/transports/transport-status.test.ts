import { describe, expect, it } from 'vitest';
import { createCapabilityCache, type EncryptedTransport } from '../../../src/client/capabilities/capabilities.js';
import { ClientError, ClientErrorCode, type Step } from '../../../src/client/errors.js';
import { createTransportStatus } from '../../../src/client/transports/transport-status.js';

const key = (transport: EncryptedTransport | 'udp') => ({ transport, address: '192.0.2.53', port: 853 });

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

describe('that the server is there', () => {
  /** What is noted of TLS, which was silent, and of STARTTLS, which failed so; nothing has answered. */
  function noted(code: ClientErrorCode, step: Step): (string | undefined)[] {
    const cache = createCapabilityCache({ now: () => 0 });
    const status = createTransportStatus(cache, key);
    status.failed('tls', new ClientError(ClientErrorCode.TIMED_OUT, 'silent', { step: 'connect' }), true);
    status.failed('starttls', new ClientError(code, 'failed', { step }), true);
    return [cache.get(key('tls'))?.status, cache.get(key('starttls'))?.status];
  }

  it.each([
    [ClientErrorCode.NO_UPGRADE, 'upgrade'],
    [ClientErrorCode.HANDSHAKE, 'handshake'],
    [ClientErrorCode.TIMED_OUT, 'handshake'],
    [ClientErrorCode.RESET, 'handshake'],
  ] as const)('is shown by STARTTLS that ends with %s in the %s: its first query was answered', (code, step) => {
    expect(noted(code, step)).toEqual(['fails', 'fails']);
  });

  it.each([
    [ClientErrorCode.TIMED_OUT, 'upgrade'],
    [ClientErrorCode.REFUSED, 'connect'],
  ] as const)('is not shown by %s in the step %s', (code, step) => {
    expect(noted(code, step)).toEqual([undefined, undefined]);
  });

  it('is shown by an answer in cleartext: UDP fails, if it is silent', () => {
    const cache = createCapabilityCache({ now: () => 0 });
    const status = createTransportStatus(cache, key);
    status.failed('udp', new ClientError(ClientErrorCode.TIMED_OUT, 'silent'), true);
    status.answered('tcp');
    expect(cache.entries().map(([{ transport }, one]) => [transport, one.status])).toEqual([['udp', 'fails']]);
    status.answered('udp');
    expect(cache.entries()).toEqual([]);
  });
});
