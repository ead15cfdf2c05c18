/**
 * Certificates with their keys, from files: read, checked against each other, described. A mistake that would otherwise show only in a
 * client's handshake is an error here, with file and reason.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { createSecureContext } from 'node:tls';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import { keyMistake } from './key-kinds.js';
import { NODE_CIPHERS } from './offered.js';
import { readPem } from './pem.js';
import { pinOf, tlsaOf } from './pin.js';

/** The files of a certificate. */
export interface CertificateFiles {
  /** PEM: the server's certificate, then those of its issuers up to the root, which may be left out. */
  readonly certFile: string;
  /** PEM: the private key, not encrypted. May be the same file. */
  readonly keyFile: string;
}

/** A certificate that can be served. Plain data: it is handed to the workers. */
export interface Certificate extends CertificateFiles {
  /** The chain in PEM, the server's certificate first. */
  readonly cert: string;
  /** The private key in PEM. */
  readonly key: string;
  /** Kind of the key, as node names it: `ec`, `rsa`, … OpenSSL serves one certificate of each kind under one name. */
  readonly keyType: string;
  /** `CN=ns1.example.net, O=…`; empty when the certificate has none. */
  readonly subject: string;
  /** Subject alternative names: DNS names in lower case, addresses in their shortest form. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the SubjectPublicKeyInfo in base64 (RFC 7858 §4.2). */
  readonly pin: string;
  /** RDATA of the TLSA record: `3 1 1 HEX`. */
  readonly tlsa: string;
  /** Warnings for the operator; the certificate can be served all the same. */
  readonly warnings: readonly string[];
}

/** Reads a certificate and its key, and checks that they can be served. Dates are not checked. Throws ADOTD_FILE or ADOTD_TLS. */
export function readCertificate(files: CertificateFiles): Certificate {
  const { certFile, keyFile } = files;
  const chain = readChain(certFile);
  const privateKey = readKey(keyFile);
  const [leaf] = chain;
  const mistake = keyMistake(leaf.publicKey);
  if (mistake !== undefined) throw fail(certFile, `has a key ${mistake}`);
  if (!leaf.checkPrivateKey(privateKey)) throw mismatch(chain, privateKey, certFile, keyFile);
  checkOrder(chain, certFile);
  const certificate = describeCertificate(files, chain, privateKey);
  try {
    createSecureContext({ cert: certificate.cert, key: certificate.key, ciphers: NODE_CIPHERS });
  } catch (error) {
    // OpenSSL's security level forbids short keys and signatures with SHA-1.
    throw fail(certFile, `cannot be served: ${messageOf(error)}`, error);
  }
  return { ...certificate, warnings: keyFileWarnings(keyFile) };
}

/** Describes a chain, the server's certificate first, and its private key. `files`: where they are kept. */
export function describeCertificate(files: CertificateFiles, chain: Chain, privateKey: KeyObject): Certificate {
  const [leaf] = chain;
  return {
    ...files,
    cert: chain.map((one) => one.toString()).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyType: privateKey.asymmetricKeyType ?? 'unknown',
    subject: (leaf.subject ?? '').split('\n').join(', '),
    names: alternativeNames(leaf.subjectAltName),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    pin: pinOf(leaf.publicKey),
    tlsa: tlsaOf(leaf.publicKey),
    warnings: [],
  };
}

type Chain = [X509Certificate, ...X509Certificate[]];

function readChain(file: string): Chain {
  const blocks = readPem(file, 'certificate').filter(({ label }) => label === 'CERTIFICATE');
  const [first, ...others] = blocks.map(({ text }, index) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw fail(file, `has a block CERTIFICATE (number ${index + 1}) that is none`, error);
    }
  });
  if (first === undefined) throw fail(file, 'has no block CERTIFICATE');
  return [first, ...others];
}

/** Reads a private key from a PEM file. Throws ADOTD_FILE or ADOTD_TLS. */
export function readKey(file: string): KeyObject {
  const blocks = readPem(file, 'private key');
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block] = keys;
  const wrong = (why: string, cause?: unknown): AdotdError =>
    new AdotdError(ErrorCode.TLS, `private key ${file} ${why}`, { cause });
  if (block === undefined) {
    const found = [...new Set(blocks.map(({ label }) => label))].join(', ');
    throw wrong(`has no private key: found ${found}`);
  }
  if (keys.length > 1) throw wrong(`has ${keys.length} private keys, expected one`);
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('ENCRYPTED')) {
    throw wrong('is encrypted: a server that starts by itself needs it without a passphrase');
  }
  try {
    return createPrivateKey(block.text);
  } catch (error) {
    throw wrong('cannot be read: its block is no private key that OpenSSL knows', error);
  }
}

function mismatch(chain: Chain, key: KeyObject, certFile: string, keyFile: string): AdotdError {
  const at = chain.findIndex((one) => one.checkPrivateKey(key));
  if (at < 0) return fail(certFile, `and private key ${keyFile} do not belong together`);
  return fail(certFile, `is in the wrong order: the certificate of ${keyFile} is number ${at + 1}, expected it first`);
}

/** TLS 1.2 wants every certificate to certify the one before it (RFC 5246 §7.4.2); RFC 8446 §4.4.2 only recommends it. */
function checkOrder(chain: Chain, file: string): void {
  chain.slice(1).forEach((issuer, index) => {
    const subject = chain[index]!;
    if (subject.checkIssued(issuer)) return;
    const name = (text: string | undefined): string => JSON.stringify((text ?? '').split('\n').join(', '));
    throw fail(
      file,
      `is in the wrong order: certificate ${index + 2}, of ${name(issuer.subject)}, did not issue ` +
        `certificate ${index + 1}, whose issuer is ${name(subject.issuer)}`,
    );
  });
}

/** A name in node's one line of names. Node quotes names with commas or quotes as JSON, so that one cannot look like two. */
const ALTERNATIVE = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

function alternativeNames(text: string | undefined): string[] {
  const names: string[] = [];
  for (const [, kind, value = ''] of (text ?? '').matchAll(ALTERNATIVE)) {
    if (value.startsWith('"')) continue;
    if (kind === 'DNS') names.push(value.toLowerCase());
    if (kind === 'IP Address') names.push(shortestAddress(value));
  }
  return names;
}

/** An address in its shortest form: `2001:db8::1` for `2001:DB8:0:0:0:0:0:1`. */
export function shortestAddress(address: string): string {
  if (!address.includes(':')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function keyFileWarnings(file: string): string[] {
  const mode = statSync(file).mode & 0o777;
  if (process.platform === 'win32' || (mode & 0o007) === 0) return [];
  return [`private key ${file} can be read by everybody on this machine (mode ${mode.toString(8)}), expected 600`];
}

function fail(file: string, why: string, cause?: unknown): AdotdError {
  return new AdotdError(ErrorCode.TLS, `certificate ${file} ${why}`, { cause });
}
