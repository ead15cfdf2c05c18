/** Failures of OpenSSL's functions, and octets that are handed to them. */
import { addressOf } from '../../native/memory.js';
import type { OpenSsl } from './functions.js';
import { POINTER } from './numbers.js';

/**
 * The reason of the first error in this thread's queue, as node calls it: `ERR_SSL_NO_SHARED_CIPHER`. Empties the queue: node:crypto in
 * the same thread would find our errors there, and take them for its own.
 */
export function takeFailure(openSsl: OpenSsl): string {
  const reason = openSsl.ERR_reason_error_string(openSsl.ERR_peek_error());
  openSsl.ERR_clear_error();
  return `ERR_SSL_${(reason ?? 'unknown error').toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`;
}

/** Calls `use` with the address of a copy of `octets`, which is wiped afterwards: keys pass through here. */
export function withOctets<T>(octets: Uint8Array, use: (address: number) => T): T {
  const copy = new Uint8Array(new SharedArrayBuffer(octets.length));
  copy.set(octets);
  try {
    return use(addressOf(copy, copy));
  } finally {
    copy.fill(0);
  }
}

/** Decodes DER by one of the d2i functions; 0 if it is no such DER. */
export function fromDer(decode: (into: number, at: number, length: number) => number, der: Uint8Array): number {
  return withOctets(der, (address) => {
    const pointer = new BigUint64Array(new SharedArrayBuffer(POINTER));
    pointer[0] = BigInt(address);
    return decode(0, addressOf(new Uint8Array(pointer.buffer), pointer), der.length);
  });
}
