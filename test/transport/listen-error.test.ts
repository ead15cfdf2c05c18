import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { ClientErrorCode, fromSystem } from '../../src/client/errors.js';
import { codeOf } from '../../src/errors.js';
import { listenError } from '../../src/transport/listen-error.js';

// As in jest, where tests have another Error than what Node.js throws.
const foreign: unknown = runInNewContext(
  `Object.assign(new Error('listen EADDRINUSE: address already in use'), { code: 'EADDRINUSE' })`,
);

it('knows errors of another realm', () => {
  expect(foreign instanceof Error).toBe(false);
  expect(codeOf(foreign)).toBe('EADDRINUSE');
  const { message } = listenError('tcp', { address: '127.0.0.1', port: 53 }, foreign);
  expect(message).toContain('another program uses this port (EADDRINUSE)');
  const refused: unknown = runInNewContext(`Object.assign(new Error('x'), { code: 'ECONNREFUSED' })`);
  expect(fromSystem(refused, 'there', 'connect')).toMatchObject({ code: ClientErrorCode.REFUSED });
});

it('says in words what the system says of an address that cannot be', () => {
  const cause = Object.assign(new Error('bind EINVAL'), { code: 'EINVAL' });
  expect(listenError('udp', { address: '::9', port: 53 }, cause).message).toBe(
    'cannot listen on UDP [::9]:53: the system takes no such address (EINVAL); choose another with --listen or `listen`',
  );
});
