import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/client/client-clock.js';
import { type Attempt, ClientError, ClientErrorCode, type Step, timedOut } from '../../src/client/errors.js';

describe('the message of a wait that was in vain', () => {
  it.each([
    [699.362350000003, '0.699 s'],
    [4000, '4 s'],
    [200, '0.2 s'],
    [1, '0.001 s'],
  ])('of %d ms says %s', (milliseconds, text) => {
    expect(timedOut('there', 'answer', milliseconds).message).toBe(`there: no answer within ${text}`);
  });
});

describe('the reason why no transport brought an answer', () => {
  const { TIMED_OUT, REFUSED, NO_UPGRADE, CLOSED, RESET, CERTIFICATE, HANDSHAKE } = ClientErrorCode;
  type Tried = readonly [Attempt['transport'], ClientErrorCode, Step | undefined];

  it.each<readonly [ClientErrorCode, string, readonly Tried[]]>([
    [
      NO_UPGRADE,
      'nothing listens for TLS',
      [
        ['tls', REFUSED, 'connect'],
        ['starttls', NO_UPGRADE, 'upgrade'],
      ],
    ],
    [
      NO_UPGRADE,
      'the port of TLS is dropped',
      [
        ['tls', TIMED_OUT, 'connect'],
        ['starttls', NO_UPGRADE, 'upgrade'],
      ],
    ],
    [
      TIMED_OUT,
      'a session of TLS is silent',
      [
        ['tls', TIMED_OUT, 'answer'],
        ['starttls', NO_UPGRADE, 'upgrade'],
      ],
    ],
    [
      CLOSED,
      'a session of TLS is closed',
      [
        ['tls', CLOSED, undefined],
        ['starttls', NO_UPGRADE, 'upgrade'],
      ],
    ],
    [
      TIMED_OUT,
      'the handshake is swallowed',
      [
        ['tls', TIMED_OUT, 'handshake'],
        ['starttls', NO_UPGRADE, 'upgrade'],
      ],
    ],
    [
      RESET,
      'both came equally far',
      [
        ['tls', TIMED_OUT, 'handshake'],
        ['starttls', RESET, 'handshake'],
      ],
    ],
    [
      CERTIFICATE,
      'somebody else is there',
      [
        ['tls', TIMED_OUT, 'answer'],
        ['starttls', CERTIFICATE, 'handshake'],
      ],
    ],
    [
      HANDSHAKE,
      'the server has no TLS there',
      [
        ['tls', HANDSHAKE, 'handshake'],
        ['starttls', TIMED_OUT, 'upgrade'],
      ],
    ],
    [
      TIMED_OUT,
      'cleartext is not answered',
      [
        ['starttls', NO_UPGRADE, 'upgrade'],
        ['udp', TIMED_OUT, 'answer'],
      ],
    ],
  ])('is %s where %s', (code, _what, tried) => {
    const attempts = tried.map(([transport, is, step]) => ({ transport, error: new ClientError(is, 'x', { step }) }));
    for (const some of [attempts, [...attempts].reverse()])
      expect(new ClientError(ClientErrorCode.NOT_PRIVATE, 'x', { attempts: some }).reason).toBe(code);
  });

  it('is none where nothing was tried', () => {
    expect(new ClientError(ClientErrorCode.NO_ANSWER, 'x').reason).toBeUndefined();
  });
});

describe("the machine's time", () => {
  it.each([Number.POSITIVE_INFINITY, 2 ** 31])(
    'has no timer that fires at once for being set to %d ms',
    async (long) => {
      let fired = false;
      const stop = systemClock.after(long, () => {
        fired = true;
      });
      await new Promise<void>((resolve) => void systemClock.after(20, resolve));
      stop();
      expect(fired).toBe(false);
    },
  );
});
