import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type OpenSsl, openSsl } from '../../../src/tls/openssl/functions.js';
import { tlsSelfTest } from '../../../src/tls/openssl/self-test.js';
import { certified, KEYS, settingsWith } from './support.js';

const library = openSsl() as OpenSsl;
const { stats } = createRequire(import.meta.url)('koffi') as typeof import('koffi');

describe('the self-test of TLS', () => {
  it('finds nothing wrong here, with each kind of key, and leaves nothing behind', async () => {
    const certificates = [
      ...Object.keys(KEYS).map((kind) => [certified(kind, 'ns.test')]),
      [certified('P-256', 'ns.test'), certified('RSA 2048', 'ns.test')],
    ];
    const before = stats().callbacks;
    for (const one of certificates) {
      expect(await tlsSelfTest(settingsWith({ certificates: one }))).toBeUndefined();
      expect(library.ERR_peek_error()).toBe(0);
    }
    expect(stats().callbacks).toBe(before);
  });

  it('says why there are no functions', async () => {
    expect(await tlsSelfTest(settingsWith(), 'the optional package koffi is not installed')).toBe(
      'the optional package koffi is not installed',
    );
  });

  it('refuses another OpenSSL than that of node', async () => {
    const other = { ...library, OpenSSL_version: () => 'OpenSSL 3.9.9 1 Jan 2030' };
    expect(await tlsSelfTest(settingsWith(), other)).toMatch(/^another OpenSSL is in the process too: 3\.9\.9/);
  });

  it.each([
    ['another major version', { version: '4.0.0' }, 'node has OpenSSL 4.0.0; expected version 3'],
    ['BoringSSL', { version: '0.0.0' }, 'node has OpenSSL 0.0.0; expected version 3'],
    ['the library of the system', { shared: true }, /^this build of node uses the OpenSSL of the system/],
    ['FIPS mode', { fips: true }, 'OpenSSL is in FIPS mode'],
  ])('refuses %s', async (_what, change, reason) => {
    const node = { version: process.versions.openssl ?? '', shared: false, fips: false };
    expect(await tlsSelfTest(settingsWith(), library, { ...node, ...change })).toMatch(reason);
  });

  it.each<[string, Partial<OpenSsl>, RegExp]>([
    ['a handshake that fails', { SSL_do_handshake: () => -1 }, /^a connection failed|^a connection came to nothing/],
    ['octets that vanish', { BIO_read: () => -1 }, /^a connection came to nothing|^a turn left/],
    ['messages that are not sealed', { SSL_write: () => -1 }, /^a message was not sealed|^a connection (came|was)/],
    ['tickets that are not opened', { CRYPTO_memcmp: () => 1 }, /^a session was not resumed/],
    ['errors that stay', { ERR_peek_error: () => 1 }, /^OpenSSL reports an error/],
    ['no room for connections', { SSL_new: () => 0 }, /^no connection can be made/],
  ])('notices %s', async (_what, broken, reason) => {
    const before = stats().callbacks;
    expect(await tlsSelfTest(settingsWith(), { ...library, ...broken })).toMatch(reason);
    expect(stats().callbacks).toBe(before);
    library.ERR_clear_error();
  });
});
