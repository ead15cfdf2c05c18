/**
 * What a zone was read from, so that a reload can tell which zones have changed without reading and compiling all of them.
 * Looks come first (one call of the system a file), content second: a copy of the same text is no change.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { wallTime } from '../../session/clock.js';
import { withRegularFile } from '../../zone/regular-file.js';
import { DEFAULT_READ_LIMITS } from '../../zone/source.js';

/** A file as it was when it was read. Plain data: it comes from the loader thread. */
export interface SourceState {
  readonly file: string;
  /** What stat() says of it, as one text; '' when that may not be relied on. */
  readonly looks: string;
  /** Of its content; '' when it could not be read. */
  readonly hash: string;
}

/**
 * Milliseconds: who writes to a file twice within one tick of the file system's clock leaves no trace of the second time. Two
 * seconds is the coarsest tick in use (FAT); of files changed more recently only the content counts.
 */
const COARSEST_TICK = 2000;

/** What stat() says of a file; '' when it says nothing, or the file has changed too recently (or in the future) to rely on it. */
function looksOf(file: string, now: number): string {
  const stat = statOf(file);
  if (stat === undefined) return '';
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs } = stat;
  if (mtimeMs > now - COARSEST_TICK || ctimeMs > now - COARSEST_TICK) return '';
  return [dev, ino, size, mtimeNs, ctimeNs].map((value) => value.toString(36)).join('.');
}

/** The state of a file whose octets have just been read; `now`: milliseconds since 1970. */
export function sourceState(file: string, octets: Uint8Array, now = wallTime()): SourceState {
  return { file, looks: looksOf(file, now), hash: hashOf(octets) };
}

/** The state of a file that could not be read: it has changed as soon as it can be. */
export function unreadable(file: string): SourceState {
  return { file, looks: '', hash: '' };
}

/**
 * The files as they are now when they have the same content as `known`; undefined when one of them has not, or cannot be read,
 * or when none is known.
 */
export function sameSources(known: readonly SourceState[], now = wallTime()): readonly SourceState[] | undefined {
  const states: SourceState[] = [];
  for (const state of known) {
    if (state.looks !== '' && state.looks === looksOf(state.file, now)) {
      states.push(state);
      continue;
    }
    if (state.hash === '') return undefined;
    const octets = read(state.file);
    if (octets === undefined || hashOf(octets) !== state.hash) return undefined;
    states.push(sourceState(state.file, octets, now));
  }
  return states.length === 0 ? undefined : states;
}

function statOf(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

function read(file: string): Uint8Array | undefined {
  try {
    return withRegularFile(file, DEFAULT_READ_LIMITS.maxOctets, (fd) => readFileSync(fd));
  } catch {
    return undefined;
  }
}

/** 128 bits are enough where nobody gains anything by a second file with the same ones: who could write it, writes the zone. */
const HASH_CHARACTERS = 22;

function hashOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('base64url').slice(0, HASH_CHARACTERS);
}
