/**
 * Functions of C that node does not offer: those of the C library, and those of the OpenSSL inside of node. koffi, which calls them, is
 * optional. Symbols are looked up in the process itself, so that glibc and musl both do.
 *
 * Measured: a call costs 40 ns with integers and addresses as arguments, and 170 ns more when it calls back; so addresses of memory
 * are passed as integers.
 */
import { createRequire } from 'node:module';

/** The library that calls functions, and the process in which they are looked up. */
interface Native {
  readonly koffi: typeof import('koffi');
  /** This process with all libraries that it has loaded. */
  readonly own: import('koffi').LibraryHandle;
}

let found: Native | string | undefined;

/** The way to functions of C, or why there is none here. */
export function native(): Native | string {
  found ??= load();
  return found;
}

function load(): Native | string {
  if (process.platform !== 'linux') return 'it is built for Linux only';
  // The layouts of structures are those of 64-bit Linux (LP64), little-endian. koffi has binaries for x64 and arm64 too.
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return `it is built for x64 and arm64, not for ${process.arch}`;
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    return { koffi, own: koffi.load(null) };
  } catch {
    return 'the optional package koffi is not installed';
  }
}
