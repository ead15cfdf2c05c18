import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSsl } from '../../../src/tls/openssl/functions.js';

const ROOT = join(import.meta.dirname, '../../..');
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = textOf('docs/security.md');
const words = new Set(page.match(/\w+/g));

describe('functions of C', () => {
  it('of OpenSSL are all there, and all in docs/security.md', () => {
    const functions = openSsl();
    if (typeof functions === 'string') throw new Error(functions);
    const names = Object.keys(functions);
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => !words.has(name))).toEqual([]);
    // And the page names no others.
    const named = [...words].filter((word) => /^(SSL|BIO|ERR|EVP|X509|CRYPTO|RAND|TLS|d2i)_\w*[a-z]/.test(word));
    expect(named.filter((word) => !names.includes(word))).toEqual([]);
  });

  it('of OpenSSL have the manual page of their own name, or of a macro that is built on them', () => {
    const rows = [...textOf('src/tls/openssl/functions.ts').matchAll(/^ {2}(\w+): \[[^;]*?'([\w]+)\(3\)',?\s*\]/gms)];
    expect(rows.length).toBeGreaterThan(50);
    const others = rows.flatMap(([, name, manual]) => (name === manual ? [] : `${name}: ${manual}`));
    expect(others).toEqual([
      'SSL_CTX_callback_ctrl: SSL_CTX_set_tlsext_servername_callback',
      'SSL_ctrl: SSL_get_negotiated_group',
    ]);
  });

  it('of the C library are all in docs/security.md', () => {
    const names = [...textOf('src/transport/libc.ts').matchAll(/own\.func\(\s*'(?:[\w* ]*[ *])?(\w+)(?:\(|')/g)].map(
      ([, name = '']) => name,
    );
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });
});
