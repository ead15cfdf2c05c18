/**
 * Addresses of memory, for functions of C. V8 does not know that C knows an address: without a reference it collects the memory, and
 * the next write of C there breaks the heap. So this is the only module that hands out addresses, and it holds the memory for as long as
 * somebody can use them.
 */
import { native } from './koffi.js';

const held = new WeakMap<object, Uint8Array[]>();

/**
 * The address of octets, which live at least as long as `owner`, an object that the user of the address holds. They must be those of
 * a SharedArrayBuffer, which never move; their address is the same in every thread. Throws where no functions of C can be called.
 */
export function addressOf(octets: Uint8Array, owner: object): number {
  const found = native();
  if (typeof found === 'string') throw new Error(found);
  if (!(octets.buffer instanceof SharedArrayBuffer)) {
    throw new TypeError('memory without a fixed address; expected that of a SharedArrayBuffer');
  }
  const others = held.get(owner);
  if (others === undefined) held.set(owner, [octets]);
  else if (!others.includes(octets)) others.push(octets);
  return Number(found.koffi.address(octets));
}
